import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.quality.balance import check_balance, compute_effective_number
from iovalence.quality.section import BalanceCheck
from tests.quality.tables import build_table


def balance(labels, action, *, weights_given=False, max_ratio=10.0):
    table = build_table({"y": labels})
    target = table.columns["y"].combine_chunks()
    section = BalanceCheck(action=action, max_ratio=max_ratio)
    every = np.ones(table.num_rows, dtype=bool)
    return check_balance(table, target, every, section, class_weights_given=weights_given)


UNEVEN = ["a"] * 21 + ["b"] * 2


def test_classes_within_the_ratio_are_only_described():
    (finding,), weigh = balance(["a"] * 20 + ["b"] * 2, "fix")
    assert (finding.severity, finding.done, finding.advice, weigh) == ("info", "", "", False)
    assert finding.message == (
        "rows of each class: 'a' 20 (90.9 %), 'b' 2 (9.09 %); 10 to 1; "
        "effective number of classes 1.36 of 2"
    )


def test_classes_above_the_ratio_are_warned_of_with_what_to_do():
    (finding,), weigh = balance(UNEVEN, "warn")
    assert not weigh
    assert finding.severity == "warning"
    assert finding.message == (
        "the largest class must have at most 10 rows for one of the smallest, found 10.5: "
        "'a' 21 (91.3 %), 'b' 2 (8.7 %); effective number of classes 1.34 of 2"
    )
    assert finding.advice.startswith("set quality.balance: fix or training.class_weights: balanced")


def test_the_ratio_is_told_with_the_copies_that_left_too():
    labels = ["a"] * 40 + ["b"] * 2
    table = build_table({"y": labels})
    copies = np.arange(len(labels)) < 20
    section = BalanceCheck(action="warn", max_ratio=5.0)
    target = table.columns["y"].combine_chunks()
    (finding,), _ = check_balance(
        table, target, ~copies, section, class_weights_given=False, copies=copies
    )
    assert "found 10 (20 with the copies that left): 'a' 20" in finding.message


def test_of_many_classes_the_largest_five_and_the_smallest_are_named():
    labels = [f"c{at}" for at in range(100) for _ in range(at + 1)]
    (finding,), _ = balance(labels, "warn")
    shares = finding.message.split(": ")[1]
    assert shares.startswith("'c99' 100 (1.98 %), 'c98' 99 (1.96 %)")
    assert "'c95' 96 (1.9 %) and 95 more, the smallest 'c0' 1 (0.0198 %)" in shares
    assert finding.count == 1


@given(st.lists(st.integers(0, 1000), min_size=1).filter(any))
def test_the_effective_number_of_classes_is_at_least_one_and_at_most_their_number(counts):
    found = compute_effective_number(np.array(counts))
    assert 1 - 1e-9 <= found <= np.count_nonzero(counts) + 1e-9


def test_classes_of_equal_size_are_as_many_as_they_are():
    assert compute_effective_number(np.array([7, 7, 0, 7])) == pytest.approx(3)


def test_fix_asks_for_balanced_weights_and_says_what_a_row_then_counts():
    (finding,), weigh = balance(["a"] * 400 + ["b"] * 20, "fix")
    assert weigh
    assert finding.advice == ""
    assert finding.done == (
        "trained with class_weights: balanced: a row of 'b' counts about 20 times as much as one "
        "of 'a'"
    )


def test_a_class_of_one_row_is_weighted_with_a_word_of_caution():
    (finding,), weigh = balance(["a"] * 400 + ["b"], "fix")
    assert weigh
    assert finding.advice == (
        "collect more rows of 'b': with only 1 there, which count so much, the model learns them "
        "by heart"
    )


def test_fix_leaves_weights_that_are_given_alone_and_says_so():
    (finding,), weigh = balance(UNEVEN, "fix", weights_given=True)
    assert not weigh
    assert finding.done == "nothing: training.class_weights is given, and stays"


def test_fail_makes_a_failure():
    assert balance(UNEVEN, "fail")[0][0].severity == "failure"


@pytest.mark.parametrize(("labels", "action"), [(UNEVEN, "off"), ([1.0, 2.0], "fix")])
def test_balance_off_or_of_numbers_reports_nothing(labels, action):
    assert balance(labels, action) == ((), False)
