"""Own the evaluation of one part: its figures, intervals, classes, slices and baselines.

Knows predictions and labels; how either was made, and what a run is, it refuses to know.

Shapes: N rows, K classes.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from iovalence.data.section import Task
from iovalence.evaluation.cautions import explain_doubts
from iovalence.evaluation.formulas import (
    Interval,
    area_interval,
    mean_interval,
    share_interval,
)
from iovalence.evaluation.intervals import (
    MAX_ROWS_RESAMPLED,
    bootstrap_intervals,
    choose_num_resamples,
)
from iovalence.evaluation.margins import compute_margin
from iovalence.evaluation.metrics import (
    Floats,
    Ints,
    Measure,
    build_classification_measure,
    build_regression_measure,
    compute_losses,
    measure_once,
)
from iovalence.evaluation.result import (
    OTHERS,
    UNKNOWN,
    ClassFigures,
    ConfusionMatrix,
    Figure,
    PartResult,
    SliceFigures,
    SliceTable,
)
from iovalence.models.predictions import Predictions

MAX_SLICES = 20
MAX_MATRIX_CLASSES = 50
MAX_NAMES = 5
HEADLINES: Mapping[Task, tuple[str, ...]] = {
    "classification": ("accuracy", "balanced_accuracy", "roc_auc"),
    "regression": ("rmse", "mae", "r2"),
}


def majority_predictions(class_shares: Mapping[str, float], num_rows: int) -> Predictions:
    """Return the baseline that gives every row the shares of the classes in the train part.

    Args:
        class_shares: Share of each class among the train rows, in the model's order, sum 1.
        num_rows: N.
    """
    probs = np.tile(np.fromiter(class_shares.values(), dtype=np.float64), (num_rows, 1))
    return Predictions(probs=probs, values=None, classes=tuple(class_shares))


def mean_predictions(mean: float, num_rows: int) -> Predictions:
    """Return the baseline that gives every row the mean of the train part's target."""
    return Predictions(probs=None, values=np.full(num_rows, mean), classes=None)


def evaluate_part(
    part: str,
    y_true: Ints | Floats,
    predictions: Predictions,
    *,
    loss: float | None = None,
    weight: Floats | None = None,
    slices: Mapping[str, NDArray[np.str_]] | None = None,
    positive_index: int | None = None,
    seed: int = 0,
    with_intervals: bool = True,
    baselines: Mapping[str, Predictions] | None = None,
) -> PartResult:
    """Measure predictions for one part.

    Args:
        part: train, validation, test, or another name.
        y_true: Class index, int64 (N,), -1 for an unknown class; or values, float64 (N,).
        predictions: What the model says of the rows, values in the same unit.
        loss: What training minimises, on this part; None where it was not worked out.
        weight: Weight of each row, float64 (N,) >= 0; None for equal weights.
        slices: For each column to break down by, the value in each row, text (N,).
        positive_index: The class that counts as positive when there are two; else None.
        seed: Decides the bootstrap resamples.
        with_intervals: Whether to work out 95 % intervals: ten seconds for many rows.
        baselines: By name, what a simple rule says of the same rows.
    """
    measure = build_measure(y_true, predictions, positive_index)
    weights = np.ones(len(y_true)) if weight is None else weight.astype(np.float64)
    values = measure_once(measure, weights)
    num_resamples = with_intervals * _choose_num_resamples(predictions, positive_index)
    sample = spread_rows(len(y_true), MAX_ROWS_RESAMPLED)
    if num_resamples and len(sample) < len(y_true):
        measure = build_measure(
            y_true[sample], take_predictions(predictions, sample), positive_index
        )
    metrics = {} if loss is None else {"loss": Figure(value=loss)}
    intervals = _resample(values, measure, weights, sample, num_resamples, seed)
    if num_resamples:
        intervals |= formula_intervals(y_true, predictions, weights, positive_index, values)
    metrics |= _add_intervals(values, intervals)
    return PartResult(
        part=part,
        num_rows=len(y_true),
        metrics=metrics,
        num_resamples=num_resamples,
        notes=tuple(_explain(values, metrics, y_true, predictions, weights, num_resamples)),
        baselines={
            name: _compute_defined(y_true, said, weights, positive_index)
            for name, said in (baselines or {}).items()
        },
        margins={
            name: margin
            for name, said in (baselines or {}).items()
            if (margin := compute_margin(y_true, predictions, said, weights)) is not None
        },
        confusion_matrix=count_confusion(y_true, predictions) if predictions.classes else None,
        per_class=measure_classes(y_true, predictions, weights) if predictions.classes else (),
        slices=tuple(
            _measure_slices(named, y_true, predictions, weights, positive_index)
            for named in (slices or {}).items()
        ),
    )


def build_measure(
    y_true: Ints | Floats, predictions: Predictions, positive_index: int | None
) -> Measure:
    """Return the measure of all metrics of the task; see `evaluate_part`."""
    if predictions.probs is None:
        return build_regression_measure(y_true.astype(np.float64), _values(predictions))
    return build_classification_measure(
        y_true.astype(np.int64),
        predictions.probs,
        positive_index,
        y_pred=predictions.y_pred.astype(np.int64),
    )


def _values(predictions: Predictions) -> Floats:
    return predictions.y_pred.astype(np.float64)


def spread_rows(num_rows: int, most: int) -> Ints:
    """Return the positions of at most so many rows, spread evenly over all, int64."""
    rows: Ints = np.linspace(0, num_rows - 1, min(num_rows, most)).round().astype(np.int64)
    return rows


def _resample(
    values: Mapping[str, float],
    measure: Measure,
    weights: Floats,
    sample: Ints,
    num_resamples: int,
    seed: int,
) -> dict[str, Interval]:
    """Return the interval of each metric from resamples of a sample of the rows."""
    return bootstrap_intervals(
        measure,
        len(sample),
        weights[sample],
        num_resamples=num_resamples,
        seed=seed,
        figures=values,
        scale=math.sqrt(len(sample) / max(len(weights), 1)),
    )


def formula_intervals(
    y_true: Ints | Floats,
    predictions: Predictions,
    weights: Floats,
    positive_index: int | None,
    values: Mapping[str, float],
) -> dict[str, Interval]:
    """Return the intervals that need no resamples, of the metrics that have one.

    Args:
        y_true: As in `evaluate_part`.
        predictions: What the model says of the rows.
        weights: Weight of each row, float64 (N,) >= 0.
        positive_index: The class that counts as positive when there are two; else None.
        values: Each metric of these rows, by name.
    """
    if predictions.probs is None:
        residual = y_true - _values(predictions)
        squared = mean_interval(residual**2, weights)
        root = None if squared is None else (max(squared[0], 0.0) ** 0.5, squared[1] ** 0.5)
        found = {"rmse": root, "mae": mean_interval(np.abs(residual), weights)}
    else:
        known = y_true >= 0
        labels, probs, of_known = y_true[known].astype(np.int64), predictions.probs, weights[known]
        probs = probs if known.all() else probs[known]
        positives = range(probs.shape[1]) if positive_index is None else (positive_index,)
        found = {
            "accuracy": share_interval(values.get("accuracy", math.nan), weights),
            "roc_auc": area_interval(labels, probs, positives, of_known),
            "log_loss": mean_interval(compute_losses(labels, probs), of_known),
        }
    return {name: limits for name, limits in found.items() if limits is not None}


def _add_intervals(
    values: Mapping[str, float], intervals: Mapping[str, Interval]
) -> dict[str, Figure]:
    """Return the metrics that are defined, with their intervals where there are some."""
    figures = {}
    for name, value in values.items():
        if not math.isnan(value):
            low, high = intervals.get(name, (None, None))
            figures[name] = Figure(value=value, low=low, high=high)
    return figures


def _compute_defined(
    y_true: Ints | Floats, predictions: Predictions, weights: Floats, positive_index: int | None
) -> dict[str, float]:
    """Return the metrics that are defined for these rows, by name."""
    measure = build_measure(y_true, predictions, positive_index)
    values = measure_once(measure, weights)
    return {name: value for name, value in values.items() if not math.isnan(value)}


def _choose_num_resamples(predictions: Predictions, positive_index: int | None) -> int:
    if predictions.probs is None or positive_index is not None:
        return choose_num_resamples(predictions.num_rows, 1)
    return choose_num_resamples(predictions.num_rows, predictions.probs.shape[1])


def _explain(
    values: Mapping[str, float],
    metrics: Mapping[str, Figure],
    y_true: Ints | Floats,
    predictions: Predictions,
    weights: Floats,
    num_resamples: int,
) -> Iterator[str]:
    yield from _explain_undefined(values, y_true, predictions.classes)
    yield from _explain_intervals(metrics, len(y_true), num_resamples)
    if num_resamples:
        yield from explain_doubts(metrics, y_true, predictions, weights)


def _explain_undefined(
    values: Mapping[str, float], y_true: Ints | Floats, classes: Sequence[str] | None
) -> Iterator[str]:
    """Yield a line for each thing that makes the figures of a part less than they seem."""
    missing = [name for name, value in values.items() if math.isnan(value)]
    if missing:
        found = "one class" if classes else "one value"
        reason = f"its rows have {found}" if len(y_true) else "it has no rows"
        yield f"{', '.join(missing)} left out: not defined for this part, {reason}"
    if classes is None:
        return
    counts = np.bincount(y_true.astype(np.int64) + 1, minlength=len(classes) + 1)
    if counts[0]:
        rows = "1 row has" if counts[0] == 1 else f"{counts[0]} rows have"
        yield (
            f"{rows} a class that the model does not know: each counts as an error, and is left "
            "out of log_loss, roc_auc and pr_auc"
        )
    absent = [name for name, count in zip(classes, counts[1:], strict=True) if count == 0]
    if absent and len(y_true):
        more = ", ..." if len(absent) > MAX_NAMES else ""
        yield (
            f"{len(absent)} of {len(classes)} classes have no row here and are left out of means "
            f"over classes: {', '.join(absent[:MAX_NAMES])}{more}"
        )


def _explain_intervals(
    metrics: Mapping[str, Figure], num_rows: int, num_resamples: int
) -> Iterator[str]:
    """Yield a line where intervals were asked for and a metric has none."""
    without = [name for name, f in metrics.items() if f.low is None and name != "loss"]
    if num_resamples and without:
        reason = "too few rows" if num_rows < 2 else "all resamples give the same figure"
        yield f"no interval for {', '.join(without)}: {reason}"


def count_confusion(
    y_true: Ints | Floats, predictions: Predictions, max_classes: int = MAX_MATRIX_CLASSES
) -> ConfusionMatrix:
    """Count rows by true and predicted class.

    Args:
        y_true: Class index, int64 (N,); -1 for a class that the model does not know.
        predictions: What the model says of the rows.
        max_classes: With more, the ones with the most rows stay, and the others are one.
    """
    classes = predictions.classes or ()
    num_classes = len(classes)
    labels = np.where(y_true < 0, num_classes, y_true).astype(np.int64)
    names, position, num_merged = list(classes), np.arange(num_classes + 1), 0
    if num_classes > max_classes:
        support = np.bincount(labels, minlength=num_classes)[:num_classes]
        kept = np.sort(np.argsort(-support, kind="stable")[: max_classes - 1])
        position = np.full(num_classes + 1, len(kept))
        position[kept] = np.arange(len(kept))
        position[-1] = len(kept) + 1
        names, num_merged = [*(classes[k] for k in kept), OTHERS], num_classes - len(kept)
    cells = position[labels] * len(names) + position[predictions.y_pred.astype(np.int64)]
    counts = np.bincount(cells, minlength=(len(names) + 1) * len(names)).reshape(-1, len(names))
    has_unknown = bool(counts[-1].any())
    return ConfusionMatrix(
        true_labels=(*names, UNKNOWN) if has_unknown else tuple(names),
        predicted_labels=tuple(names),
        counts=tuple(map(tuple, (counts if has_unknown else counts[:-1]).tolist())),
        num_merged=num_merged,
    )


def measure_classes(
    y_true: Ints | Floats, predictions: Predictions, weights: Floats
) -> tuple[ClassFigures, ...]:
    """Compute the figures of each class, in the model's order, unknown ones as one at the end.

    Args:
        y_true: Class index, int64 (N,); -1 for a class that the model does not know.
        predictions: What the model says of the rows.
        weights: Weight of each row, float64 (N,) >= 0.
    """
    names = (*(predictions.classes or ()), UNKNOWN)
    size = len(names)
    labels = np.where(y_true < 0, size - 1, y_true).astype(np.int64)
    y_pred = predictions.y_pred.astype(np.int64)
    num_rows = np.bincount(labels, minlength=size)
    true = np.bincount(labels, weights, minlength=size)
    predicted = np.bincount(y_pred, weights, minlength=size)
    hits = np.bincount(labels, weights * (labels == y_pred), minlength=size)
    figures = (
        ClassFigures(
            name=names[k],
            num_rows=int(num_rows[k]),
            precision=_share(hits[k], predicted[k]),
            recall=_share(hits[k], true[k]),
            f1=_share(2 * hits[k], true[k] + predicted[k]),
        )
        for k in range(size)
    )
    found = tuple(figures)
    return found if num_rows[-1] else found[:-1]


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def _measure_slices(
    named: tuple[str, NDArray[np.str_]],
    y_true: Ints | Floats,
    predictions: Predictions,
    weights: Floats,
    positive_index: int | None,
) -> SliceTable:
    """Measure the rows of each value of a column; the values with the most rows."""
    column, of_row = named
    values, value_of_row, counts = np.unique(of_row, return_inverse=True, return_counts=True)
    largest = np.argsort(-counts, kind="stable")[:MAX_SLICES]
    headlines = HEADLINES["regression" if predictions.probs is None else "classification"]

    def measure(index: int) -> SliceFigures:
        rows = np.flatnonzero(value_of_row == index)
        found = _compute_defined(
            y_true[rows], take_predictions(predictions, rows), weights[rows], positive_index
        )
        return SliceFigures(
            value=str(values[index]),
            num_rows=len(rows),
            metrics={name: found[name] for name in headlines if name in found},
        )

    return SliceTable(
        column=column,
        num_values=len(values),
        slices=tuple(measure(int(index)) for index in largest),
    )


def take_predictions(predictions: Predictions, rows: Ints | slice) -> Predictions:
    """Return what is said of the rows at these positions, int64 (N,)."""
    return replace(
        predictions,
        probs=None if predictions.probs is None else predictions.probs[rows],
        values=None if predictions.values is None else predictions.values[rows],
    )
