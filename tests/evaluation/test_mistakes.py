import numpy as np
import pytest

from iovalence.evaluation.mistakes import MAX_MISTAKES, find_mistakes
from iovalence.models.predictions import Predictions
from iovalence.quality.findings import RowNumber

NAMES = ("no", "yes")


def name_row(at):
    return RowNumber(source="train", row=at + 1)


def find(y_true, probs):
    return find_mistakes(
        "test", np.array(y_true), Predictions(np.array(probs), None, NAMES), name_row
    )


def test_the_row_that_costs_most_comes_first_and_right_ones_not_at_all():
    found = find([0, 1, 0], [[0.3, 0.7], [0.1, 0.9], [0.01, 0.99]])
    assert [one.row.row for one in found.mistakes] == [3, 1]
    worst = found.mistakes[0]
    assert (worst.given, worst.predicted, worst.prob_predicted) == ("no", "yes", 0.99)
    assert worst.error == pytest.approx(-np.log(0.01))
    assert (found.num_rows, found.num_wrong) == (3, 2)


def test_a_row_of_an_unknown_class_is_left_out():
    assert [one.row.row for one in find([-1, 1], [[0.1, 0.9], [0.9, 0.1]]).mistakes] == [2]


def test_a_probability_of_zero_costs_a_finite_loss():
    assert np.isfinite(find([0], [[0.0, 1.0]]).mistakes[0].error)


def test_of_a_regression_the_rows_furthest_off_are_named():
    y_true = np.arange(30.0)
    y_pred = y_true.copy()
    y_pred[[4, 20]] += (3, -8)
    found = find_mistakes("test", y_true, Predictions(None, y_pred, None), name_row)
    assert [one.row.row for one in found.mistakes[:2]] == [21, 5]
    assert [one.error for one in found.mistakes[:2]] == [8, -3]
    assert len(found.mistakes) == MAX_MISTAKES


def test_without_rows_there_is_no_mistake():
    empty = Predictions(np.empty((0, 2)), None, NAMES)
    assert find_mistakes("test", np.empty(0, np.int64), empty, name_row).mistakes == ()
