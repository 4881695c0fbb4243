"""Own two models beside each other on the same rows: each figure's difference, and its interval.

How the other model came about it refuses to know.

Both models are measured on the same resamples of the rows: what makes a row hard for one makes it
hard for the other, and of that the difference knows nothing. Rows of a group are alike, so where
there are groups it is groups that are drawn, all rows of one together.

Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 8.4 (paired samples);
Koehn 2004, Statistical Significance Tests for Machine Translation Evaluation, section 4 (two
systems on one test set); Davison and Hinkley 1997, Bootstrap Methods and their Application,
section 3.8 (groups drawn whole).

Shapes: N rows, K classes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from iovalence.evaluation.evaluate import build_measure, spread_rows, take_predictions
from iovalence.evaluation.intervals import (
    MAX_ROWS_RESAMPLED,
    bootstrap_intervals,
    choose_num_resamples,
    number_groups,
)
from iovalence.evaluation.metrics import Floats, GroupSums, Ints, Measure, measure_once
from iovalence.models.predictions import Predictions
from iovalence.record import Record

# The resamples of so few rows are so few different ones that their spread says nothing.
MIN_ROWS_OF_INTERVAL = 10


class Change(Record):
    """Hold one figure of a model and of another one on the same rows.

    Attributes:
        name: A metric, or a class, whose recall it is.
        num_rows: Rows that it was measured on.
        model: Of the model.
        other: Of the other model.
        low: Lower limit of the 95 % interval of `model` - `other`; None where there is none, as
            for fewer than ten rows (or groups) or two models that are equal.
        high: Its upper limit.
    """

    name: str
    num_rows: int
    model: float
    other: float
    low: float | None = None
    high: float | None = None

    @property
    def is_clear(self) -> bool:
        """Return whether the interval excludes that both are equal."""
        return self.low is not None and self.high is not None and self.low * self.high > 0


@dataclass(frozen=True)
class Resampling:
    """Say how rows are drawn.

    Attributes:
        weight: Weight of each row, float64 (N,) >= 0; it goes with its row.
        group: Number of each row's group, int64 (N,), -1 for none; None where rows are drawn
            one by one.
        num_curves: Curves that are measured for each resample.
        seed: Decides the draws.
    """

    weight: Floats
    group: Ints | None
    num_curves: int
    seed: int


def compare_metrics(
    y_true: Ints | Floats,
    model: Predictions,
    other: Predictions,
    names: Sequence[str],
    *,
    weight: Floats | None = None,
    group: Ints | None = None,
    positive_index: int | None = None,
    seed: int = 0,
) -> tuple[Change, ...]:
    """Compare two models by metrics; one that is not defined for these rows is left out.

    Args:
        y_true: Class index, int64 (N,), -1 for an unknown class; or values, float64 (N,).
        model: What the model says of the rows.
        other: What the other one says.
        names: Metrics by name, without the part.
        weight: Weight of each row, float64 (N,) >= 0; None for equal weights.
        group: Number of each row's group, int64 (N,), -1 for none: the rows of a group are drawn
            together. None draws each row by itself.
        positive_index: The class that counts as positive when there are two; else None.
        seed: Decides the bootstrap resamples.
    """

    def build(rows: Ints | slice) -> tuple[Measure, Measure]:
        first, second = (
            build_measure(y_true[rows], take_predictions(said, rows), positive_index)
            for said in (model, other)
        )
        return first, second

    num_classes = 1 if model.probs is None else model.probs.shape[1]
    num_curves = 2 * (num_classes if positive_index is None else 1)
    counts = dict.fromkeys(names, len(y_true))
    resampling = _resample(len(y_true), weight, group, num_curves, seed)
    return _compare(build, counts, len(y_true), resampling)


def compare_recalls(
    y_true: Ints,
    model: Predictions,
    other: Predictions,
    *,
    weight: Floats | None = None,
    seed: int = 0,
) -> tuple[Change, ...]:
    """Compare two models by the recall of each class; one without rows here is left out.

    Args:
        y_true: Class index, int64 (N,); -1 for a class that the model does not know.
        model: What the model says of the rows.
        other: What the other one says.
        weight: Weight of each row, float64 (N,) >= 0; None for equal weights.
        seed: Decides the bootstrap resamples.
    """
    classes = model.classes or ()

    def build(rows: Ints | slice) -> tuple[Measure, Measure]:
        first, second = (
            build_recall_measure(y_true[rows], said.y_pred[rows].astype(np.int64), classes)
            for said in (model, other)
        )
        return first, second

    found = np.bincount(y_true + 1, minlength=len(classes) + 1)[1:]
    counts = {name: int(count) for name, count in zip(classes, found, strict=True) if count}
    return _compare(build, counts, len(y_true), _resample(len(y_true), weight, None, 2, seed))


def build_recall_measure(y_true: Ints, y_pred: Ints, classes: Sequence[str]) -> Measure:
    """Return the measure of each class's recall, by its name, for many weightings of N rows.

    Args:
        y_true: Class index, int64 (N,) in [-1, K).
        y_pred: Predicted class, int64 (N,) in [0, K).
        classes: Names of the K classes.
    """
    # Rows of an unknown class form one more class, whose recall nobody asks for.
    sums = GroupSums(np.where(y_true < 0, len(classes), y_true), len(classes) + 1)
    hits = y_true == y_pred

    def measure(weights: Floats) -> dict[str, Floats]:
        support, hit = sums(weights), sums(weights * hits)
        recalls = np.full(support.shape, np.nan)
        np.divide(hit, support, out=recalls, where=support > 0)
        return {name: recalls[:, k] for k, name in enumerate(classes)}

    return measure


def _resample(
    num_rows: int, weight: Floats | None, group: Ints | None, num_curves: int, seed: int
) -> Resampling:
    weights = np.ones(num_rows) if weight is None else weight.astype(np.float64)
    return Resampling(weights, group, num_curves, seed)


def _compare(
    build: Callable[[Ints | slice], tuple[Measure, Measure]],
    counts: Mapping[str, int],
    num_rows: int,
    how: Resampling,
) -> tuple[Change, ...]:
    """Compare two measures by the figures named in `counts`, each with its number of rows."""
    measures = build(slice(None))
    model, other = (measure_once(measure, how.weight) for measure in measures)
    sample = spread_rows(num_rows, MAX_ROWS_RESAMPLED)
    if len(sample) < num_rows:
        measures = build(sample)
    groups = None if how.group is None else number_groups(how.group[sample])
    intervals = bootstrap_intervals(
        _subtract(*measures, counts),
        len(sample),
        how.weight[sample],
        num_resamples=choose_num_resamples(len(sample), how.num_curves),
        seed=how.seed,
        figures={name: model[name] - other[name] for name in counts},
        scale=math.sqrt(len(sample) / max(num_rows, 1)),
        ranges={},
        groups=groups,
    )
    if groups is not None and len(np.unique(groups)) < MIN_ROWS_OF_INTERVAL:
        intervals = {}
    return tuple(
        _change(name, count, model[name], other[name], intervals.get(name))
        for name, count in counts.items()
        if not math.isnan(model[name] - other[name])
    )


def _change(
    name: str, num_rows: int, model: float, other: float, interval: tuple[float, float] | None
) -> Change:
    low, high = interval or (None, None)
    if num_rows < MIN_ROWS_OF_INTERVAL:
        low, high = None, None
    return Change(name=name, num_rows=num_rows, model=model, other=other, low=low, high=high)


def _subtract(model: Measure, other: Measure, names: Mapping[str, int]) -> Measure:
    def measure(weights: Floats) -> dict[str, Floats]:
        ours, theirs = model(weights), other(weights)
        return {name: ours[name] - theirs[name] for name in names}

    return measure
