"""Own the metrics: what each is, computed for many weightings of the same rows at once.

A measure is built once from labels and predictions, and then maps weights (R, N) to R values of
each metric: one row of ones gives the point estimate, a thousand rows of resampled counts give
the intervals. Knows nothing of parts, files or models.

Shapes: N rows, K classes, R weightings, G groups of rows.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from iovalence.data.section import Task

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Measure: TypeAlias = Callable[[Floats], dict[str, Floats]]

CLASSIFICATION_METRICS = (
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "roc_auc",
    "pr_auc",
    "log_loss",
    "expected_calibration_error",
)
REGRESSION_METRICS = ("rmse", "mae", "r2")
METRIC_RANGES = dict.fromkeys(CLASSIFICATION_METRICS, (0.0, 1.0)) | {
    "log_loss": (0.0, np.inf),
    "rmse": (0.0, np.inf),
    "mae": (0.0, np.inf),
    "r2": (-np.inf, 1.0),
}
NUM_CALIBRATION_BINS = 15
_MAX_INT16 = 1 << 15


def metric_names(task: Task) -> tuple[str, ...]:
    """Return the names of all metrics of a task, without the part, in the order of display."""
    return CLASSIFICATION_METRICS if task == "classification" else REGRESSION_METRICS


def compute_classification(
    y_true: Ints, probs: Floats, weight: Floats | None = None, positive_index: int | None = None
) -> dict[str, float]:
    """Compute all metrics of a classification.

    Args:
        y_true: True class, int64 (N,) in [-1, K); -1 is a class that the model does not know.
        probs: Probability of each class, float64 (N, K).
        weight: Weight of each row, float64 (N,) >= 0; None for equal weights.
        positive_index: The class that counts as positive when there are two; None averages the
            curves of all classes, each against the rest.

    Returns:
        Each metric by name; NaN where it is not defined, as an ROC AUC of one class.
    """
    measure = build_classification_measure(y_true, probs, positive_index)
    return measure_once(measure, np.ones(len(y_true)) if weight is None else weight)


def compute_regression(
    y_true: Floats, y_pred: Floats, weight: Floats | None = None
) -> dict[str, float]:
    """Compute all metrics of a regression.

    Args:
        y_true: True values, float64 (N,), in the target's own unit.
        y_pred: Predicted values, float64 (N,), in the same unit.
        weight: Weight of each row, float64 (N,) >= 0; None for equal weights.

    Returns:
        rmse and mae in the target's unit, and r2; NaN where one is not defined.
    """
    measure = build_regression_measure(y_true, y_pred)
    return measure_once(measure, np.ones(len(y_true)) if weight is None else weight)


def measure_once(measure: Measure, weights: Floats) -> dict[str, float]:
    """Return each metric by name for one weighting of the rows, float64 (N,)."""
    return {name: float(values[0]) for name, values in measure(weights[None, :]).items()}


def build_classification_measure(
    y_true: Ints, probs: Floats, positive_index: int | None = None, y_pred: Ints | None = None
) -> Measure:
    """Return the measure of `compute_classification`, for many weightings of its rows.

    Whatever does not depend on the weights, sorting above all, is done here and once. `y_pred`,
    int64 (N,), is what is predicted where that is not the most probable class.
    """
    predicted = _most_probable(probs) if y_pred is None else y_pred
    measures = (
        _measure_labels(y_true, predicted, probs.shape[1]),
        _measure_calibration(y_true, probs),
        _measure_probabilities(y_true, probs, positive_index),
    )

    def measure(weights: Floats) -> dict[str, Floats]:
        values = {name: value for part in measures for name, value in part(weights).items()}
        return {name: values[name] for name in CLASSIFICATION_METRICS}

    return measure


def build_regression_measure(y_true: Floats, y_pred: Floats) -> Measure:
    """Return the measure of `compute_regression`, for many weightings of its rows."""
    residual = y_true - y_pred
    centred = y_true - (y_true.mean() if len(y_true) else 0.0)
    columns = np.stack([residual**2, np.abs(residual), centred, centred**2], axis=1)

    def measure(weights: Floats) -> dict[str, Floats]:
        total = weights.sum(axis=1)
        squared, absolute, mean, square = _divide(weights @ columns, total[:, None]).T
        variance = square - mean**2
        # Rounding leaves a little of a constant target's variance, and R2 would divide by it.
        variance[variance <= 1e-12 * square] = 0
        return {
            "rmse": np.sqrt(squared),
            "mae": absolute,
            "r2": 1 - _divide(squared, variance),
        }

    return measure


def _measure_labels(y_true: Ints, y_pred: Ints, num_known: int) -> Measure:
    """Build accuracy, balanced accuracy (mean recall) and macro F1 from sums over cells.

    Rows of an unknown class form one more class that is never predicted, so each is an error.
    A class without rows is left out of the mean recall, and of the mean F1 if it is not
    predicted either.
    """
    num_classes = num_known + 1
    labels = np.where(y_true < 0, num_classes - 1, y_true)
    cells, cell_of_row = np.unique(labels * num_classes + y_pred, return_inverse=True)
    true_of_cell, pred_of_cell = np.divmod(cells, num_classes)
    hits = true_of_cell == pred_of_cell
    sum_cells = GroupSums(cell_of_row, len(cells))
    sum_true = GroupSums(true_of_cell, num_classes)
    sum_pred = GroupSums(pred_of_cell, num_classes)

    def measure(weights: Floats) -> dict[str, Floats]:
        by_cell = sum_cells(weights)
        support, predicted = sum_true(by_cell), sum_pred(by_cell)
        hit = sum_true(by_cell * hits)
        return {
            "accuracy": _divide(hit.sum(axis=1), support.sum(axis=1)),
            "balanced_accuracy": _mean_of_defined(_divide(hit, support)),
            "macro_f1": _mean_of_defined(_divide(2 * hit, support + predicted)),
        }

    return measure


def _measure_calibration(y_true: Ints, probs: Floats) -> Measure:
    """Build the expected calibration error over equal-width bins of the highest probability.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3.
    """
    confidence = probs.max(axis=1, initial=0.0)
    gap = (_most_probable(probs) == y_true) - confidence
    sum_bins = GroupSums(calibration_bins(confidence), NUM_CALIBRATION_BINS)

    def measure(weights: Floats) -> dict[str, Floats]:
        error = np.abs(sum_bins(weights * gap)).sum(axis=1)
        return {"expected_calibration_error": _divide(error, weights.sum(axis=1))}

    return measure


def calibration_bins(confidence: Floats) -> Ints:
    """Return the bin of each confidence in (0, 1]: of 15 equal ones, closed at the right."""
    bins = np.ceil(confidence * NUM_CALIBRATION_BINS).astype(np.int64) - 1
    return bins.clip(0, NUM_CALIBRATION_BINS - 1)


def _measure_probabilities(y_true: Ints, probs: Floats, positive_index: int | None) -> Measure:
    """Build log loss, ROC AUC and average precision; they need a class the model knows."""
    known = np.flatnonzero(y_true >= 0)
    all_known = len(known) == len(y_true)
    labels, probs = (y_true, probs) if all_known else (y_true[known], probs[known])
    losses = compute_losses(labels, probs)
    positives = range(probs.shape[1]) if positive_index is None else (positive_index,)
    counts = np.bincount(labels, minlength=probs.shape[1])
    # A class without rows, or without any other row, has no curve.
    curves = [_Curve(labels == k, probs[:, k]) for k in positives if 0 < counts[k] < len(labels)]

    def measure(weights: Floats) -> dict[str, Floats]:
        weights = weights if all_known else weights[:, known]
        total = weights.sum(axis=1)
        areas = np.full((2, len(weights), max(len(curves), 1)), np.nan)
        for k, curve in enumerate(curves):
            areas[:, :, k] = curve.areas(weights, total)
        return {
            "roc_auc": _mean_of_defined(areas[0]),
            "pr_auc": _mean_of_defined(areas[1]),
            "log_loss": _divide(weights @ losses, total),
        }

    return measure


def compute_losses(labels: Ints, probs: Floats) -> Floats:
    """Return the log loss of each row, float64 (N,), of labels in [0, K) and probs (N, K)."""
    # As scikit-learn: a probability of 0 for the true class costs 36, not infinity.
    eps = np.finfo(np.float64).eps
    true = np.take_along_axis(probs, labels[:, None], axis=1)[:, 0]
    losses: Floats = -np.log(true.clip(eps, 1 - eps))
    return losses


class _Curve:
    """Sum the areas under one class's ROC and precision-recall curves.

    Rows are sorted by falling score, once, and cut after each score that a positive has: G
    segments, each some negatives and then the positives (and negatives) of one score. Neither
    area needs more than the sums of the segments.

    Args:
        is_positive: bool (N,), both values present.
        scores: float64 (N,), higher for rows held to be positive.
    """

    def __init__(self, is_positive: NDArray[np.bool_], scores: Floats) -> None:
        order = np.argsort(-scores, kind="stable")
        ranked, positive = scores[order], is_positive[order]
        is_new = np.append(True, ranked[1:] != ranked[:-1])
        start_of_score, score_of_row = np.flatnonzero(is_new), np.cumsum(is_new) - 1
        with_positive = np.add.reduceat(positive, start_of_score) > 0
        ends = np.append(start_of_score[1:], len(scores))[with_positive]
        segment_of_score: Ints = np.cumsum(with_positive) - with_positive
        tied = ~positive & with_positive[score_of_row]
        segment_of_positive: Ints = segment_of_score[score_of_row[positive]]
        # Rows after the last positive have a rank below every pair: they are in no segment.
        self._order = order[: ends[-1]]
        self._starts = np.concatenate([[0], ends[:-1]])
        self._positives = order[positive]
        self._positive_starts = np.unique(segment_of_positive, return_index=True)[1]
        self._tied = order[tied]
        self._sum_tied = GroupSums(segment_of_score[score_of_row[tied]], len(ends))

    def areas(self, weights: Floats, total: Floats) -> tuple[Floats, Floats]:
        """Return ROC AUC and average precision, each (R,), of weights (R, N) of sum (R,)."""
        seen = np.add.reduceat(weights.take(self._order, axis=1), self._starts, axis=1)
        seen.cumsum(axis=1, out=seen)
        positives = weights.take(self._positives, axis=1)
        if len(self._positive_starts) < len(self._positives):
            positives = np.add.reduceat(positives, self._positive_starts, axis=1)
        hits = positives.cumsum(axis=1)
        num_positives = hits[:, -1].copy()
        num_negatives = total - num_positives
        # Pairs in order: all, less those with the negative ahead; a pair of equal scores is half.
        pairs = num_positives * num_negatives - _dot(positives, seen) + _dot(positives, hits)
        if len(self._tied):
            tied = self._sum_tied(weights.take(self._tied, axis=1))
            pairs += _dot(positives, tied) / 2
        np.divide(hits, np.maximum(seen, np.finfo(np.float64).tiny, out=seen), out=hits)
        return (
            _divide(pairs, num_positives * num_negatives),
            _divide(_dot(positives, hits), np.where(num_negatives > 0, num_positives, 0)),
        )


class GroupSums:
    """Sum columns by group, for many rows at once: weights (R, N) to sums (R, G).

    Args:
        groups: Group of each column, int64 (N,) in [0, G).
        num_groups: G.
    """

    def __init__(self, groups: Ints, num_groups: int) -> None:
        self._num_groups = num_groups
        # Sorting small integers is ten times faster, and needs no memory beside the result.
        small = groups.astype(np.int16) if num_groups < _MAX_INT16 else groups
        self._order = np.argsort(small, kind="stable")
        counts = np.bincount(groups, minlength=num_groups)
        self._present = np.flatnonzero(counts)
        self._starts = (np.cumsum(counts) - counts)[self._present]

    def __call__(self, weights: Floats) -> Floats:
        """Return the sums; 0 for a group without columns."""
        sums = np.zeros((len(weights), self._num_groups))
        if len(self._present):
            ordered = weights.take(self._order, axis=1)
            sums[:, self._present] = np.add.reduceat(ordered, self._starts, axis=1)
        return sums


def _most_probable(probs: Floats) -> Ints:
    most_probable: Ints = probs.argmax(axis=1)
    return most_probable


def _dot(left: Floats, right: Floats) -> Floats:
    """Return the dot product of each row, (R,)."""
    products: Floats = np.einsum("rg,rg->r", left, right)
    return products


def _divide(numerator: Floats, denominator: Floats) -> Floats:
    """Return the ratios, and NaN where the denominator is not above 0."""
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    ratios: Floats = np.full(shape, np.nan)
    np.divide(numerator, denominator, out=ratios, where=denominator > 0)
    return ratios


def _mean_of_defined(values: Floats) -> Floats:
    """Return the mean over axis 1 of what is not NaN; NaN where nothing is."""
    defined = ~np.isnan(values)
    return _divide(np.where(defined, values, 0).sum(axis=1), defined.sum(axis=1).astype(np.float64))
