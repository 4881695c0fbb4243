"""Own the `evaluation` section of the configuration, and the names of metrics."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from iovalence.section import Section, Switch

Metric = Literal[
    "loss",
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "roc_auc",
    "pr_auc",
    "log_loss",
    "expected_calibration_error",
    "rmse",
    "mae",
    "r2",
]
PARTS_OF_KEYS = ("train_final", "val", "test")

REQUIREMENT_PATTERN = r"^\s*(>=|<=|>|<)\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"
Requirement = Annotated[str, Field(pattern=REQUIREMENT_PATTERN)]
MetricKey = Annotated[
    str, Field(pattern=rf"^({'|'.join(PARTS_OF_KEYS)})_({'|'.join(get_args(Metric))})$")
]


def metric_keys() -> tuple[str, ...]:
    """Return the keys of all metrics of all parts, as `test_accuracy`."""
    return tuple(f"{part}_{name}" for part in PARTS_OF_KEYS for name in get_args(Metric))


Baseline = Literal["majority", "mean", "linear", "boosting"]
DEFAULT_BASELINES: tuple[Baseline, ...] = ("majority", "linear")
ThresholdChoice = Literal["none", "accuracy", "balanced_accuracy", "f1", "macro_f1"]


class EvaluationSection(Section):
    """Say what is measured at the end, and what must be reached."""

    metrics: tuple[Metric, ...] | None = Field(
        None,
        strict=False,
        description="metrics to show, by name without the part; all of the task when not given",
        examples=[["accuracy", "roc_auc"]],
    )
    threshold: ThresholdChoice | Annotated[float, Field(gt=0, lt=1)] = Field(
        "none",
        description="probability, in (0, 1), from which a row is of the positive one of two "
        "classes; or a metric to maximise on the validation part; none takes the likelier class",
        examples=["f1"],
    )
    slices: tuple[str, ...] = Field(
        (),
        strict=False,
        description="columns whose values results are broken down by",
        examples=[["sex", "region"]],
    )
    require: dict[MetricKey, Requirement] = Field(
        {},
        description="what the run must reach; else it ends with status 4",
        examples=[{"test_accuracy": ">= 0.85"}],
    )
    baseline: Switch | Annotated[tuple[Baseline, ...], Field(strict=False)] = Field(
        True,
        description="what is shown beside the model: true for the majority class or the mean, and "
        "a linear model; or a list that may have boosting in it (gradient boosting), to learn "
        "where a network is the wrong tool",
        examples=[["majority", "linear", "boosting"]],
    )
    effects: Switch = Field(
        True,
        description="train once more for each fix that changes training (quality.balance, "
        "quality.leakage.copies), to say what it changed on the validation part",
    )

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """Return the baselines by name; `majority` and `mean` both stand for the task's own."""
        if isinstance(self.baseline, bool):
            return DEFAULT_BASELINES if self.baseline else ()
        return self.baseline
