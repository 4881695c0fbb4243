"""Own the points that a part's charts are drawn of: few, and none of a single row.

They are stored, so that a page can be drawn again without the rows.

Shapes: N rows, K classes, P points.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from iovalence.evaluation.metrics import NUM_CALIBRATION_BINS, Floats, Ints, calibration_bins
from iovalence.evaluation.pictures import roc_points, wilson_limits
from iovalence.models.predictions import Predictions
from iovalence.record import Record

MAX_POINTS = 200
MAX_CLASSES = 6
GRID = 60

Points = tuple[tuple[float, float], ...]


class ClassCurves(Record):
    """Hold the curves of one class against all others.

    Attributes:
        name: The class.
        num_rows: Its rows.
        share: Its share of all rows by weight: the precision of guessing.
        roc: False and true positive rate over all thresholds, at most 200 points.
        precision_recall: Recall and precision likewise.
    """

    name: str
    num_rows: int
    share: float
    roc: Points
    precision_recall: Points


class CalibrationBin(Record):
    """Hold the rows that the model is about as sure of.

    Attributes:
        low: From which probability of the predicted class, exclusive.
        high: To which, inclusive.
        num_rows: How many rows.
        confidence: Mean probability given to the predicted class.
        right: Share that is predicted right.
        right_low: Lower limit of its 95 % interval.
        right_high: Upper limit.
    """

    low: float
    high: float
    num_rows: int
    confidence: float
    right: float
    right_low: float
    right_high: float


class Grid(Record):
    """Count rows in the cells of a plane, 60 by 60.

    Attributes:
        x: Lowest and highest value to the right.
        y: Lowest and highest value upwards.
        cells: Column, line and rows of each cell that has any, column and line from 0.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    cells: tuple[tuple[int, int, int], ...]


class Curves(Record):
    """Hold what the charts of a part are drawn of, as curves.json has it.

    Attributes:
        part: The part.
        num_rows: Its rows.
        classes: The positive class, or the six with the most rows; those with a curve alone.
        num_without: Classes with a curve that are not among them.
        calibration: Bins with rows, by rising probability; empty for regression.
        predicted: Predicted against true values; None for classification.
        residuals: True less predicted against predicted values; likewise.
    """

    part: str
    num_rows: int
    classes: tuple[ClassCurves, ...] = ()
    num_without: int = 0
    calibration: tuple[CalibrationBin, ...] = ()
    predicted: Grid | None = None
    residuals: Grid | None = None


def trace_curves(
    part: str,
    y_true: Ints | Floats,
    predictions: Predictions,
    *,
    weight: Floats | None = None,
    positive_index: int | None = None,
) -> Curves:
    """Return what the charts of a part are drawn of.

    Args:
        part: Its name.
        y_true: Class index, int64 (N,), -1 for an unknown class; or values, float64 (N,).
        predictions: What the model says of the rows, values in the same unit.
        weight: Weight of each row, float64 (N,) >= 0; None for equal weights.
        positive_index: The class that counts as positive when there are two; else None.
    """
    weights = np.ones(len(y_true)) if weight is None else weight
    if predictions.probs is None:
        return _trace_values(part, y_true.astype(np.float64), predictions)
    labels = y_true.astype(np.int64)
    drawable = _drawable(labels, predictions.probs.shape[1], positive_index)
    known = labels >= 0
    return Curves(
        part=part,
        num_rows=len(labels),
        classes=tuple(
            _trace_class(
                (predictions.classes or ())[k],
                labels[known] == k,
                predictions.probs[known, k],
                weights[known],
            )
            for k in drawable[:MAX_CLASSES]
        ),
        num_without=max(0, len(drawable) - MAX_CLASSES),
        calibration=_calibrate(labels, predictions.probs, weights),
    )


def _drawable(labels: Ints, num_classes: int, positive_index: int | None) -> list[int]:
    """Return the classes that have a curve: some rows, and some rows that are not theirs."""
    counts = np.bincount(labels[labels >= 0], minlength=num_classes)
    order = np.argsort(-counts, kind="stable").tolist()
    if positive_index is not None:
        order = [positive_index]
    return [k for k in order if 0 < counts[k] < counts.sum()]


def _trace_class(
    name: str, is_positive: NDArray[np.bool_], scores: Floats, weights: Floats
) -> ClassCurves:
    roc = roc_points(is_positive, scores, weights)
    return ClassCurves(
        name=name,
        num_rows=int(is_positive.sum()),
        share=float(weights[is_positive].sum() / max(weights.sum(), np.finfo(float).tiny)),
        roc=_as_points(thin(roc)),
        precision_recall=_as_points(thin(precision_points(is_positive, scores, weights))),
    )


def precision_points(is_positive: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """Return recall and precision, float64 (2, P), from the highest threshold to the lowest."""
    order = np.argsort(-scores, kind="stable")
    last_of_score = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = (weights * is_positive)[order].cumsum()[last_of_score]
    seen = weights[order].cumsum()[last_of_score]
    defined = seen > 0
    recall, precision = hits[defined] / hits[-1], hits[defined] / seen[defined]
    return np.stack([np.append(0.0, recall), np.append(precision[:1], precision)])


def thin(points: Floats, most: int = MAX_POINTS) -> Floats:
    """Keep at most so many points of a curve, float64 (2, P): equal steps along it, ends too.

    Equal steps in P would spend them all on the flat end of a curve of many rows.
    """
    if points.shape[1] <= most:
        return points
    along = np.append(0.0, np.abs(np.diff(points, axis=1)).sum(axis=0).cumsum())
    kept = np.searchsorted(along, np.linspace(0, along[-1], most))
    kept[0], kept[-1] = 0, points.shape[1] - 1
    return points[:, np.unique(kept)]


def _as_points(points: Floats) -> Points:
    return tuple((round(x, 5), round(y, 5)) for x, y in points.T.tolist())


def _calibrate(y_true: Ints, probs: Floats, weights: Floats) -> tuple[CalibrationBin, ...]:
    """Return how often the model is right by how sure it is, as the calibration error sees it."""
    confidence = probs.max(axis=1, initial=0.0)
    bins = calibration_bins(confidence)
    right = probs.argmax(axis=1) == y_true
    counts = np.bincount(bins, minlength=NUM_CALIBRATION_BINS)
    total, sure, hits = (
        np.bincount(bins, weights * values, minlength=NUM_CALIBRATION_BINS)
        for values in (np.ones(len(bins)), confidence, right)
    )
    filled = np.flatnonzero(total > 0)
    shares = hits[filled] / total[filled]
    low, high = wilson_limits(shares, counts[filled].astype(np.float64))
    return tuple(
        CalibrationBin(
            low=k / NUM_CALIBRATION_BINS,
            high=(k + 1) / NUM_CALIBRATION_BINS,
            num_rows=int(counts[k]),
            confidence=float(sure[k] / total[k]),
            right=float(shares[at]),
            right_low=float(low[at]),
            right_high=float(high[at]),
        )
        for at, k in enumerate(filled)
    )


def _trace_values(part: str, y_true: Floats, predictions: Predictions) -> Curves:
    y_pred = predictions.y_pred.astype(np.float64)
    if not len(y_true):
        return Curves(part=part, num_rows=0)
    both = _ends(np.append(y_true, y_pred))
    residual = y_true - y_pred
    return Curves(
        part=part,
        num_rows=len(y_true),
        predicted=_count_cells(y_true, y_pred, both, both),
        residuals=_count_cells(y_pred, residual, _ends(y_pred), _ends(residual)),
    )


def _ends(values: Floats) -> tuple[float, float]:
    """Return round numbers below and above all values: the extremes are values of single rows."""
    low, high = float(values.min()), float(values.max())
    width = high - low
    if not (np.isfinite(width) and width > 0):
        return low, high
    step = 10.0 ** math.floor(math.log10(width / 5))
    return math.floor(low / step) * step, math.ceil(high / step) * step


def _count_cells(x: Floats, y: Floats, x_ends: Sequence[float], y_ends: Sequence[float]) -> Grid:
    columns, lines = _cell(x, x_ends), _cell(y, y_ends)
    cells, counts = np.unique(lines * GRID + columns, return_counts=True)
    return Grid(
        x=(x_ends[0], x_ends[1]),
        y=(y_ends[0], y_ends[1]),
        cells=tuple(
            (int(cell % GRID), int(cell // GRID), int(count))
            for cell, count in zip(cells, counts, strict=True)
        ),
    )


def _cell(values: Floats, ends: Sequence[float]) -> Ints:
    width = ends[1] - ends[0]
    # Halved, so that no difference of two float64 overflows.
    share = (values / 2 - ends[0] / 2) / (width / 2) if np.isfinite(width) and width else values * 0
    return (share * GRID).astype(np.int64).clip(0, GRID - 1)
