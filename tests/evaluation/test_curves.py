import numpy as np
import pytest
from sklearn.metrics import auc, average_precision_score, roc_auc_score

from iovalence.evaluation.curves import GRID, MAX_POINTS, precision_points, thin, trace_curves
from iovalence.models.predictions import Predictions


def guess(num_rows=20000, seed=0):
    rng = np.random.default_rng(seed)
    labels = (rng.random(num_rows) < 0.2).astype(np.int64)
    scores = 1 / (1 + np.exp(-(rng.normal(size=num_rows) + 2 * labels - 1.5)))
    return labels, Predictions(np.stack([1 - scores, scores], axis=1), None, ("no", "yes"))


def test_thinned_curves_keep_their_areas():
    labels, said = guess()
    (curve,) = trace_curves("test", labels, said, positive_index=1).classes
    assert max(len(curve.roc), len(curve.precision_recall)) <= MAX_POINTS
    area = auc(*np.array(curve.roc).T)
    assert area == pytest.approx(roc_auc_score(labels, said.probs[:, 1]), abs=0.002)
    below = np.trapezoid(*np.array(curve.precision_recall).T[::-1])
    assert below == pytest.approx(average_precision_score(labels, said.probs[:, 1]), abs=0.01)
    assert curve.share == pytest.approx(labels.mean())


def test_precision_begins_with_the_surest_rows():
    is_positive = np.array([True, False, True, False])
    points = precision_points(is_positive, np.array([0.9, 0.8, 0.8, 0.1]), np.ones(4))
    assert points.T.tolist() == [[0, 1], [0.5, 1], [1, pytest.approx(2 / 3)], [1, 0.5]]


def test_thinning_keeps_the_ends_and_the_steep_part():
    x = np.linspace(0, 1, 5001)
    kept = thin(np.stack([x, x**0.05]))
    assert kept.shape[1] <= MAX_POINTS
    assert kept[:, 0].tolist() == [0, 0]
    assert kept[:, -1].tolist() == [1, 1]
    # Equal steps to the right would leave two.
    assert (kept[0] < 0.01).sum() > 10


def test_the_bins_of_calibration_hold_all_rows():
    labels, said = guess(500)
    bins = trace_curves("test", labels, said, positive_index=1).calibration
    assert sum(one.num_rows for one in bins) == 500
    assert all(one.low < one.confidence <= one.high for one in bins)
    assert all(one.right_low <= one.right <= one.right_high for one in bins)


def test_of_many_classes_the_largest_have_curves():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), np.arange(1, 11) * 3)
    probs = rng.dirichlet(np.ones(10), len(labels))
    curves = trace_curves("test", labels, Predictions(probs, None, tuple("abcdefghij")))
    assert [one.name for one in curves.classes] == list("jihgfe")
    assert curves.num_without == 4


def test_values_are_counted_in_cells_that_tell_no_row():
    rng = np.random.default_rng(0)
    y_true = rng.normal(100, 7, 1000)
    curves = trace_curves("test", y_true, Predictions(None, y_true + rng.normal(size=1000), None))
    assert sum(count for _, _, count in curves.predicted.cells) == 1000
    assert all(0 <= x < GRID and 0 <= y < GRID for x, y, _ in curves.residuals.cells)
    assert curves.predicted.x[0] <= y_true.min()
    assert not {*curves.predicted.x, *curves.residuals.y} & {*y_true.tolist()}


@pytest.mark.parametrize("y_true", [[], [5.0], [5.0, 5.0], [-1e308, 1e308]])
def test_few_and_extreme_values_have_cells_too(y_true):
    values = np.array(y_true)
    curves = trace_curves("test", values, Predictions(None, values / 2, None))
    assert curves.num_rows == len(values)


def test_one_class_alone_has_no_curve():
    said = Predictions(np.tile([0.4, 0.6], (9, 1)), None, ("no", "yes"))
    curves = trace_curves("test", np.ones(9, np.int64), said, positive_index=1)
    assert curves.classes == ()
    assert len(curves.calibration) == 1
