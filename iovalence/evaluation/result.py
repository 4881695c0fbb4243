"""Own what an evaluation found, as it is stored in metrics.json; compute nothing."""

from collections.abc import Mapping

from pydantic import Field

from iovalence.data.section import Task
from iovalence.record import Record

PREFIXES: Mapping[str, str] = {"train": "train_final", "validation": "val", "test": "test"}
"""How the metrics of a part are called; any other part gives its own name."""

OTHERS = "(others)"
UNKNOWN = "(unknown to the model)"


class Figure(Record):
    """Hold one metric of one part.

    Attributes:
        value: The metric, over all rows of the part.
        low: Lower limit of its 95 % interval; None where there is no interval.
        high: Upper limit.
    """

    value: float
    low: float | None = None
    high: float | None = None


class ConfusionMatrix(Record):
    """Count rows by true and predicted class.

    Attributes:
        true_labels: Name of each row of `counts`; the last may stand for several classes, or
            for those that the model does not know.
        predicted_labels: Name of each column of `counts`.
        counts: Rows of the part, by true class and predicted class.
        num_merged: How many classes the label `(others)` stands for; 0 where there is none.
    """

    true_labels: tuple[str, ...]
    predicted_labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    num_merged: int = 0


class ClassFigures(Record):
    """Hold the figures of one class; None where one is not defined.

    Attributes:
        name: The class.
        num_rows: Rows of this class in the part.
        precision: Share of the rows predicted as this class that are of it.
        recall: Share of the rows of this class that are predicted as it.
        f1: Harmonic mean of both.
    """

    name: str
    num_rows: int
    precision: float | None
    recall: float | None
    f1: float | None


class SliceFigures(Record):
    """Hold the figures of the rows with one value in one column."""

    value: str
    num_rows: int
    metrics: dict[str, float]


class SliceTable(Record):
    """Break a part down by one column.

    Attributes:
        column: Its name.
        num_values: How many values it has in the part.
        slices: The values with the most rows, at most 20.
    """

    column: str
    num_values: int
    slices: tuple[SliceFigures, ...]


class Contest(Record):
    """Compare the model with a baseline that is a model of another kind, on the validation part.

    Attributes:
        baseline: Its name, as `boosting`.
        metric: What they are compared by, without the part.
        num_rows: Rows of the validation part.
        model: Figure of the run's model.
        other: Figure of the baseline.
        low: Lower limit of the 95 % interval of `other` - `model`, by the same resamples of the
            same rows; None where there is none.
        high: Its upper limit.
        is_lost: Whether the baseline is clearly better: the interval excludes that they are equal.
    """

    baseline: str
    metric: str
    num_rows: int
    model: float
    other: float
    low: float | None = None
    high: float | None = None
    is_lost: bool = False


class PartResult(Record):
    """Hold what was found on one part.

    Attributes:
        part: train, validation, test, or the name of other data.
        num_rows: Its rows.
        metrics: Each metric by name, without the part; those not defined here are left out.
        num_resamples: Bootstrap resamples behind the intervals; 0 for none.
        notes: What is not defined here and why, a line each.
        baselines: For each baseline by name, the same metrics.
        margins: For each baseline by name, by how much the model is better than it in accuracy
            or in RMSE, measured on the same rows: below 0 is worse.
        confusion_matrix: None for regression.
        per_class: Classes in the model's order; empty for regression.
        slices: One table for each column asked for.
    """

    part: str
    num_rows: int
    metrics: dict[str, Figure]
    num_resamples: int = 0
    notes: tuple[str, ...] = ()
    baselines: dict[str, dict[str, float]] = Field({})
    margins: dict[str, Figure] = Field({})
    confusion_matrix: ConfusionMatrix | None = None
    per_class: tuple[ClassFigures, ...] = ()
    slices: tuple[SliceTable, ...] = ()

    @property
    def prefix(self) -> str:
        """Return what the names of this part's metrics begin with."""
        return PREFIXES.get(self.part, self.part)


class EvaluationResult(Record):
    """Hold what was found on all parts.

    Attributes:
        task: What is predicted.
        target: Name of the column.
        classes: Classes in the model's order; None for regression.
        positive_class: The one that counts as positive; None unless there are two.
        parts: In the order train, validation, test; a part that the run lacks is missing.
        require: What the run had to reach, as configured.
        unmet: A line for each requirement that was not met.
        contest: The model beside gradient boosting; None where that was not asked for.
    """

    task: Task
    target: str
    classes: tuple[str, ...] | None
    positive_class: str | None
    parts: tuple[PartResult, ...]
    require: dict[str, str] = Field({})
    unmet: tuple[str, ...] = ()
    contest: Contest | None = None

    def flat(self) -> dict[str, float]:
        """Return every metric under its full name, as test_accuracy or train_final_rmse."""
        return {
            f"{part.prefix}_{name}": figure.value
            for part in self.parts
            for name, figure in part.metrics.items()
        }

    def flat_baselines(self) -> dict[str, float]:
        """Return the metrics of the baselines, as baseline_linear_test_accuracy."""
        return {
            f"baseline_{baseline}_{part.prefix}_{name}": value
            for part in self.parts
            for baseline, metrics in part.baselines.items()
            for name, value in metrics.items()
        }

    def part(self, name: str) -> PartResult | None:
        """Return what was found on one part; None where the run lacks it."""
        return next((part for part in self.parts if part.part == name), None)

    @property
    def main_part(self) -> PartResult:
        """Return the part whose figures say most of new rows: test, else validation, else train."""
        found = [self.part(name) for name in ("test", "validation", "train")]
        return next((part for part in found if part is not None), self.parts[-1])
