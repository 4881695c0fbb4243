"""Own what another training would have given: two models beside each other on the same rows.

Records, and how the two are compared. How the other model was trained it refuses to know.

Shapes: N rows, K classes.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from iovalence.evaluation.evaluate import build_measure, spread_rows, take_predictions
from iovalence.evaluation.intervals import (
    MAX_ROWS_RESAMPLED,
    bootstrap_intervals,
    choose_num_resamples,
)
from iovalence.evaluation.metrics import Floats, GroupSums, Ints, Measure, measure_once
from iovalence.models.predictions import Predictions
from iovalence.quality.findings import Finding
from iovalence.record import Record

# The resamples of so few rows are so few different ones that their spread says nothing.
MIN_ROWS_OF_INTERVAL = 10


class Change(Record):
    """Hold one figure of the run's model and of the model that was trained otherwise.

    Attributes:
        name: A metric, or a class, whose recall it is.
        num_rows: Rows that it was measured on.
        model: Of the run's model.
        other: Of the other model.
        low: Lower limit of the 95 % interval of `model` - `other`; None where there is none, as
            for fewer than ten rows or two models that are equal.
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


class Effect(Record):
    """Say what one decision about the data changed.

    Attributes:
        finding: The effect in words.
        part: The part that both models were measured on.
        other: How the other model was trained, as `without class weights`.
        metrics: What changed, by metric; empty where no other model was trained.
        recalls: What changed in the recall of each class, in the model's order.
    """

    finding: Finding
    part: str
    other: str
    metrics: tuple[Change, ...] = ()
    recalls: tuple[Change, ...] = ()

    def metric(self, name: str) -> Change | None:
        """Return what changed in one metric, or None where it is not defined."""
        return next((change for change in self.metrics if change.name == name), None)


class Effects(Record):
    """Hold all effects of a run that were worked out, as effects.json has them."""

    effects: tuple[Effect, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return each effect as a finding."""
        return tuple(effect.finding for effect in self.effects)


def compare_metrics(
    y_true: Ints | Floats,
    model: Predictions,
    other: Predictions,
    names: Sequence[str],
    *,
    weight: Floats | None = None,
    positive_index: int | None = None,
    seed: int = 0,
) -> tuple[Change, ...]:
    """Compare two models by metrics; one that is not defined for these rows is left out.

    Args:
        y_true: Class index, int64 (N,), -1 for an unknown class; or values, float64 (N,).
        model: What the run's model says of the rows.
        other: What the other one says.
        names: Metrics by name, without the part.
        weight: Weight of each row, float64 (N,) >= 0; None for equal weights.
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
    return _compare(build, counts, len(y_true), weight, num_curves, seed)


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
        model: What the run's model says of the rows.
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
    return _compare(build, counts, len(y_true), weight, 2, seed)


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


def _compare(
    build: Callable[[Ints | slice], tuple[Measure, Measure]],
    counts: Mapping[str, int],
    num_rows: int,
    weight: Floats | None,
    num_curves: int,
    seed: int,
) -> tuple[Change, ...]:
    """Compare two measures by the figures named in `counts`, each with its number of rows.

    Both are resampled together: what makes a row hard for one model makes it hard for the other.
    """
    weights = np.ones(num_rows) if weight is None else weight.astype(np.float64)
    measures = build(slice(None))
    model, other = (measure_once(measure, weights) for measure in measures)
    sample = spread_rows(num_rows, MAX_ROWS_RESAMPLED)
    if len(sample) < num_rows:
        measures = build(sample)
    intervals = bootstrap_intervals(
        _subtract(*measures, counts),
        len(sample),
        weights[sample],
        num_resamples=choose_num_resamples(len(sample), num_curves),
        seed=seed,
        figures={name: model[name] - other[name] for name in counts},
        scale=math.sqrt(len(sample) / max(num_rows, 1)),
        ranges={},
    )
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
