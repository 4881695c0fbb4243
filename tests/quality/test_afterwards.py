import numpy as np

from iovalence.quality.afterwards import check_afterwards
from tests.quality.tables import build_table

PART = np.repeat([0, 1, 2], [60, 30, 30]).astype(np.int8)


def check(values, part=PART):
    table = build_table({"x": np.arange(120.0), "late": values, "y": ["a", "b"] * 60})
    return check_afterwards(table, part, ("x", "late"))


def test_a_column_filled_for_old_rows_alone_is_found():
    (finding,) = check([1.0, 2.0] * 30 + [None] * 60)
    assert (finding.check, finding.severity) == ("leakage.after_the_fact", "warning")
    assert "'late' is known in 100% of train and 0% of the later validation" in finding.message


def test_a_column_that_is_pending_for_new_rows_is_found():
    (finding,) = check(["paid", "open", "lost"] * 20 + ["open"] * 60)
    assert "'late' has 3 values in train and always 'open' in the later" in finding.message


def test_a_new_column_a_year_and_what_hardly_varies_are_not_suspected():
    assert check([None] * 60 + [1.0] * 60) == ()
    assert check([2019.0, 2020.0] * 30 + [2021.0] * 60) == ()
    assert check(["no"] * 58 + ["yes"] * 2 + ["no"] * 60) == ()


def test_the_test_part_is_not_looked_at():
    values = ["paid", "open", "lost"] * 30 + ["open"] * 30
    assert check(values) == ()
    assert check(values[:90] + [None] * 30) == ()
