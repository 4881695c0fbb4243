import numpy as np
import pytest

from iovalence.quality.identifiers import check_identifiers, check_repeated_ids
from tests.quality.tables import build_table

ORDER = np.random.default_rng(0).permutation(100).astype(float)


def check(action="fix", **columns):
    num = len(next(iter(columns.values())))
    table = build_table({"x": np.arange(num) / 7, **columns, "y": ["a", "b"] * (num // 2)})
    return check_identifiers(table, np.arange(num), action)


@pytest.mark.parametrize("values", [ORDER, np.arange(100.0) + 5000, np.floor(ORDER * 1.4)])
def test_a_counter_is_found_shuffled_and_with_gaps_too(values):
    ((finding,), left_out) = check(no=values)
    assert left_out == ("no",)
    assert "found 'no' to count the rows: 100 different whole numbers from" in finding.message
    assert finding.done == "left out"
    assert finding.columns == ("no",)


def test_numbers_under_a_name_of_an_identifier_may_be_spread_and_repeat_a_little():
    values = np.where(ORDER == 3, 0, ORDER**2)
    ((finding,), _) = check(customer_id=values)
    assert "'customer_id' to name the rows: 99 different whole numbers in 100" in finding.message
    assert check(amount=values) == ((), ())


def test_other_numbers_are_no_identifiers():
    assert check(age=ORDER % 40, price=ORDER**2, share=ORDER / 3) == ((), ())
    assert check(gap=np.where(ORDER == 3, np.nan, ORDER)) == ((), ())


def test_few_rows_do_not_tell():
    assert check(no=np.arange(20.0)) == ((), ())


@pytest.mark.parametrize(("action", "severity"), [("warn", "warning"), ("fail", "failure")])
def test_without_a_fix_the_column_stays(action, severity):
    ((finding,), left_out) = check(action, no=ORDER)
    assert (finding.severity, left_out) == (severity, ())
    assert check("off", no=ORDER) == ((), ())


def test_an_id_that_stands_in_several_rows_is_told():
    ids = ["p", "q", "p", None, None, "r", "q"]
    table = build_table(
        {"x": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], "k": ids, "y": [*"abababa"]}, row_id="k"
    )
    (finding,) = check_repeated_ids(table, np.arange(7) != 6)
    assert (finding.severity, finding.count, finding.columns) == ("warning", 2, ("k",))
    assert "found 2 of 6 rows that differ and share 1 of its values (train row 1, train row 3)" in (
        finding.message
    )
    assert check_repeated_ids(table, np.arange(7) < 2) == ()
