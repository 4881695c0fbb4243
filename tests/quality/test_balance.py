import numpy as np
import pytest

from iovalence.quality.balance import check_balance
from iovalence.quality.section import BalanceCheck
from tests.quality.tables import build_table


def balance(labels, action, *, given=False, max_ratio=10.0):
    table = build_table({"y": labels})
    target = table.columns["y"].combine_chunks()
    section = BalanceCheck(action=action, max_ratio=max_ratio)
    every = np.ones(table.num_rows, dtype=bool)
    return check_balance(table, target, every, section, class_weights_given=given)


UNEVEN = ["a"] * 21 + ["b"] * 2


def test_classes_within_the_ratio_are_only_described():
    (finding,), weigh = balance(["a"] * 20 + ["b"] * 2, "fix")
    assert (finding.severity, finding.message, finding.done, weigh) == (
        "info", "rows of each class: 'a' (20), 'b' (2)", "", False
    )  # fmt: skip


def test_classes_above_the_ratio_are_warned_of_with_what_to_do():
    (finding,), weigh = balance(UNEVEN, "warn")
    assert not weigh
    assert finding.severity == "warning"
    assert finding.message == (
        "the largest class must have at most 10 rows for one of the smallest, found 10.5: "
        "'a' (21), 'b' (2)"
    )
    assert finding.advice.startswith("set quality.balance: fix or training.class_weights: balanced")


def test_fix_asks_for_balanced_weights():
    (finding,), weigh = balance(UNEVEN, "fix")
    assert weigh
    assert finding.done == "trained with class_weights: balanced"


def test_fix_leaves_weights_that_are_given_alone_and_says_so():
    (finding,), weigh = balance(UNEVEN, "fix", given=True)
    assert not weigh
    assert finding.done == "nothing: training.class_weights is given, and stays"


def test_fail_makes_a_failure():
    assert balance(UNEVEN, "fail")[0][0].severity == "failure"


@pytest.mark.parametrize(("labels", "action"), [(UNEVEN, "off"), ([1.0, 2.0], "fix")])
def test_balance_off_or_of_numbers_reports_nothing(labels, action):
    assert balance(labels, action) == ((), False)
