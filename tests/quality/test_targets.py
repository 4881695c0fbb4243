import numpy as np
import pytest

from iovalence.quality.section import TargetCheck
from iovalence.quality.targets import check_target
from tests.quality.tables import build_table


def check(values, num_test=0, **section):
    num_rows = (len(values) - num_test, 0, num_test)
    table = build_table({"x": [0.0] * len(values), "y": values}, num_rows=num_rows)
    target = table.columns["y"].combine_chunks()
    everything = np.ones(len(values), dtype=bool)
    found = check_target(table, target, everything, TargetCheck(**section))
    return {finding.check: finding for finding in found}


def numbers(count=99):
    return np.random.default_rng(0).standard_normal(count).tolist()


def test_a_sound_target_only_says_what_does_not_apply():
    assert list(check(numbers())) == ["labels"]


def test_classes_are_not_judged_as_numbers():
    assert check(["a", "b", "a"]) == {}


@pytest.mark.parametrize(("action", "severity"), [("warn", "warning"), ("fail", "failure")])
def test_values_far_from_the_median_are_reported_with_their_rows(action, severity):
    found = check([*numbers(), 1e6], action=action)["target.outliers"]
    assert (found.severity, found.count, found.share) == (severity, 1, 0.01)
    assert "must lie within 10 robust deviations" in found.message
    assert found.message.endswith("found 1 of 100 outside, at 1e+06 (train row 100)")


def test_outliers_of_a_given_file_are_judged_by_the_train_file():
    found = check([*numbers(), 1e6, 1e6, 1e6], num_test=3)["target.outliers"]
    assert [str(row) for row in found.rows] == ["test row 1", "test row 2", "test row 3"]


def test_the_limit_of_outliers_can_be_set():
    assert "target.outliers" in check(numbers(), max_deviation=1.5)


def test_a_target_that_is_half_zero_has_outliers_too():
    found = check([0.0] * 60 + [1.0] * 39 + [1e3])
    assert found["target.outliers"].count == 1


def test_a_target_that_is_nearly_constant_is_reported_with_the_other_rows():
    found = check([7.0] * 97 + [6.0, 8.0, 9.0])["target.near_constant"]
    assert (found.count, found.share) == (97, 0.97)
    assert "at most 95% of the train file may have one value of 'y', found 97 of 100 to be 7" in (
        found.message
    )
    assert str(found.rows[0]) == "train row 98"


def test_what_arithmetic_leaves_of_one_value_is_one_value():
    found = check([7 + (at % 5 - 2) * 1e-11 for at in range(100)])["target.near_constant"]
    assert found.message.endswith("found 100 of 100 to be 7")
    assert "target.near_constant" not in check([1.6e9 + at for at in range(100)])


def test_off_still_says_what_does_not_apply():
    assert list(check([7.0] * 99 + [1e9], action="off")) == ["labels"]


def test_values_near_the_largest_number_do_not_overflow():
    assert "target.outliers" not in check([1.7e308, -1.7e308, 1e308, -1e308, 0.0])
