"""Own what a decision about the data changed: the run's training once more without it.

The same network from the same first weights, with the same settings and seed, is trained as it
would have been, and both models are measured on the validation part; the test part is for the
run's own figures alone. It knows encoded rows; it does not know how they were chosen.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from iovalence.data.prepared import Prepared
from iovalence.errors import TrainingError
from iovalence.evaluation.effects import Effect
from iovalence.evaluation.paired import Change, compare_metrics, compare_recalls
from iovalence.evaluation.wording import format_change_interval, format_metric
from iovalence.models.build import AnyNetwork
from iovalence.models.predictions import Predictions
from iovalence.models.predictor import interpret
from iovalence.quality.findings import MAX_EXAMPLES, Finding
from iovalence.quality.labels import quote
from iovalence.training.fit import (
    TRAIN,
    VALIDATION,
    ClassWeights,
    Machine,
    arithmetic,
    fit,
)
from iovalence.training.parts import load_part
from iovalence.training.section import SettledTraining
from iovalence.training.trainer import compute_outputs

BALANCE_EFFECT, LEAK_EFFECT = "balance.effect", "leakage.effect"
WITHOUT_WEIGHTS, WITH_LEAK = "without class weights", "with the leaked rows"
# Weights make probabilities of what they are not: what that costs belongs to the effect.
_WEIGHT_METRICS = {
    "balanced_accuracy": "balanced accuracy",
    "pr_auc": "PR AUC",
    "accuracy": "accuracy",
    "expected_calibration_error": "calibration error",
}
_LEAK_METRICS = ("accuracy", "balanced_accuracy", "roc_auc", "log_loss")
_VALUE_METRICS = ("rmse", "mae", "r2")

ShouldStop = Callable[[], bool]


@dataclass(frozen=True)
class RunModel:
    """Hold the run's model and how it was trained.

    Attributes:
        prepared: All rows, encoded.
        network: Trained on them.
        section: How it was trained.
        machine: Where.
        class_weights: Those asked for: `none`, `balanced`, or a weight for each class by name.
    """

    prepared: Prepared
    network: AnyNetwork
    section: SettledTraining
    machine: Machine
    class_weights: ClassWeights

    @property
    def num_validation(self) -> int:
        """Return the rows of the validation part."""
        return int((self.prepared.part == VALIDATION).sum())

    def train_otherwise(
        self, prepared: Prepared, class_weights: ClassWeights, should_stop: ShouldStop | None
    ) -> AnyNetwork:
        """Return the same network, trained on other rows or with other weights.

        Nothing is kept of it: no checkpoints and no journal.

        Raises:
            TrainingError: The loss is not finite.
            KeyboardInterrupt: `should_stop` said so.
        """
        return fit(
            prepared,
            self.section,
            self.machine,
            class_weights=class_weights,
            should_stop=should_stop,
        ).network


def measure_weights(model: RunModel, should_stop: ShouldStop | None = None) -> Effect:
    """Say what class weights changed: the same training without them.

    Args:
        model: Trained with class weights.
        should_stop: Asked often; True interrupts.

    Raises:
        KeyboardInterrupt: `should_stop` said so.
    """
    num_rows = model.num_validation
    if not num_rows:
        return _unknown(BALANCE_EFFECT, "what the class weights changed", WITHOUT_WEIGHTS)
    try:
        other = model.train_otherwise(model.prepared, "none", should_stop)
    except TrainingError as err:
        return _failed(BALANCE_EFFECT, WITHOUT_WEIGHTS, err)
    metrics, recalls, num_changed = _compare(model, other, tuple(_WEIGHT_METRICS))
    finding = Finding(
        check=BALANCE_EFFECT,
        severity="info",
        count=num_changed,
        share=num_changed / num_rows,
        message=f"on the {num_rows} validation rows {'; '.join(_describe(metrics, recalls))}; "
        f"{num_changed} rows are predicted otherwise",
        done=_done(WITHOUT_WEIGHTS),
        advice=_advise_weights(metrics),
    )
    return Effect(
        finding=finding,
        part="validation",
        other=WITHOUT_WEIGHTS,
        metrics=metrics,
        recalls=recalls,
    )


def measure_leak(
    model: RunModel,
    leaky: Prepared,
    num_copying: int,
    should_stop: ShouldStop | None = None,
) -> Effect:
    """Say what the score would have been with the leaked rows: the same training with them.

    Where they copy test rows alone, the validation part cannot show it: then nothing is trained.

    Args:
        model: Trained without them.
        leaky: Likewise encoded, with the leaked rows in the train part.
        num_copying: How many of them copy validation rows.
        should_stop: Asked often; True interrupts.

    Raises:
        KeyboardInterrupt: `should_stop` said so.
    """
    num_train = int((leaky.part == TRAIN).sum())
    num_leaked = num_train - int((model.prepared.part == TRAIN).sum())
    leak = _Leak(num_leaked, num_leaked / num_train)
    if not model.num_validation:
        return _unknown(LEAK_EFFECT, "what the leaked rows would have changed", WITH_LEAK)
    if not num_copying:
        return leak.effect(
            f"{_name_rows(num_leaked)} left train as copies of test rows alone: the validation "
            "part cannot show what they would have changed, and the test part is not asked"
        )
    try:
        other = model.train_otherwise(leaky, model.class_weights, should_stop)
    except TrainingError as err:
        return _failed(LEAK_EFFECT, WITH_LEAK, err)
    is_classes = model.prepared.preprocessing.classes is not None
    names = _LEAK_METRICS if is_classes else _VALUE_METRICS
    metrics, recalls, _ = _compare(model, other, names)
    message = f"with {_describe_copies(num_leaked, num_copying)} left in train "
    return leak.effect(message + _describe_scores(metrics), metrics, recalls)


def _compare(
    model: RunModel, other: AnyNetwork, names: Sequence[str]
) -> tuple[tuple[Change, ...], tuple[Change, ...], int]:
    """Return what changed in metrics and recalls, and how many rows are predicted otherwise."""
    prepared, seed = model.prepared, model.section.seed
    rows = np.flatnonzero(prepared.part == VALIDATION)
    with arithmetic(model.machine):
        ours, theirs = (_predict(prepared, network, rows) for network in (model.network, other))
    y_true = prepared.y_true(rows)
    weight = None if prepared.weight is None else prepared.weight[rows].astype(np.float64)
    positive = prepared.preprocessing.positive_index
    metrics = compare_metrics(
        y_true, ours, theirs, names, weight=weight, positive_index=positive, seed=seed
    )
    recalls: tuple[Change, ...] = ()
    if prepared.preprocessing.classes is not None:
        labels = y_true.astype(np.int64)
        recalls = compare_recalls(labels, ours, theirs, weight=weight, seed=seed)
    return metrics, recalls, int((ours.y_pred != theirs.y_pred).sum())


def _predict(prepared: Prepared, network: AnyNetwork, rows: NDArray[np.int64]) -> Predictions:
    # Each row is needed once: reading it then costs no memory.
    tensors = load_part(prepared, rows, None, torch.device("cpu"), resident_bytes=0)
    return interpret(compute_outputs(network, tensors).numpy(), prepared.preprocessing)


def _describe(metrics: Sequence[Change], recalls: Sequence[Change]) -> Iterator[str]:
    """Yield what class weights changed: recalls that changed most first, then metrics."""
    order = sorted(recalls, key=lambda one: (not one.is_clear, -abs(one.model - one.other)))
    more = f" and {len(order) - MAX_EXAMPLES} more" if len(order) > MAX_EXAMPLES else ""
    if order:
        said = [_describe_recall(one, at) for at, one in enumerate(order[:MAX_EXAMPLES])]
        yield f"recall {', '.join(said)}{more}"
    for one in metrics:
        yield f"{_WEIGHT_METRICS[one.name]} {format_metric(one.name, one.model)} ({_other(one)})"


def _describe_recall(change: Change, at: int) -> str:
    """Return both recalls of a class; the first of a list says which is which."""
    model, other = _recall(change.model), _recall(change.other)
    if at == 0:
        return f"of {quote(change.name)} is {model} with class weights ({other} without)"
    return f"of {quote(change.name)} {model} ({other})"


def _recall(value: float) -> str:
    # As a share it is written like accuracy.
    return format_metric("accuracy", value)


def _other(change: Change) -> str:
    return format_metric(change.name, change.other)


def _advise_weights(metrics: Sequence[Change]) -> str:
    """Return what to do: more recall at the price of the ranking is a threshold moved, no more."""
    clear = {one.name: one.model > one.other for one in metrics if one.is_clear}
    if clear.get("balanced_accuracy") is None:
        return (
            "these rows do not show that class weights help: judge by the class that matters to "
            "you, or set quality.balance: warn to train without them"
        )
    if not clear["balanced_accuracy"]:
        return "set quality.balance: warn: without class weights the model is better here"
    if clear.get("pr_auc", True):
        return ""
    return (
        "PR AUC is lower with class weights: they move the threshold, and tell the classes apart "
        "no better; without them (quality.balance: warn) a lower threshold on the probabilities "
        "gives such a recall too, and the probabilities are truer"
    )


def _name_rows(num_rows: int) -> str:
    return f"{num_rows} leaked row{'' if num_rows == 1 else 's'}"


def _describe_copies(num_leaked: int, num_copying: int) -> str:
    """Return how many rows leaked, and how many of them copy validation rows if not all do."""
    some = f", of which {num_copying} copy validation rows," if num_copying < num_leaked else ""
    return _name_rows(num_leaked) + some


def _describe_scores(metrics: Sequence[Change]) -> str:
    scores = [
        f"val_{one.name} {'would have been ' if at == 0 else ''}{_other(one)} instead of "
        f"{format_metric(one.name, one.model)}{_interval(one, at)}"
        for at, one in enumerate(metrics)
    ]
    return ", ".join(scores)


def _interval(change: Change, at: int) -> str:
    """Return what this run's figure minus the other may be by chance, as the table has it."""
    if change.low is None or change.high is None:
        return ""
    what = "this run minus that, 95 % interval " if at == 0 else ""
    return f" ({what}{format_change_interval(change.name, change.low, change.high)})"


@dataclass(frozen=True)
class _Leak:
    """Put into a finding what leaked rows would have changed.

    Attributes:
        num_rows: How many there are.
        share: Of the train part that would have been.
    """

    num_rows: int
    share: float

    def effect(
        self, message: str, metrics: tuple[Change, ...] = (), recalls: tuple[Change, ...] = ()
    ) -> Effect:
        finding = Finding(
            check=LEAK_EFFECT,
            severity="info",
            count=self.num_rows,
            share=self.share,
            message=message,
            done=_done(WITH_LEAK) if metrics else "",
            advice="judge by the score without them: new rows have no copies in train"
            if any(one.is_clear for one in metrics)
            else "",
        )
        return Effect(
            finding=finding, part="validation", other=WITH_LEAK, metrics=metrics, recalls=recalls
        )


def _done(other: str) -> str:
    return (
        f"trained once more {other}, from the same first weights, with the same settings and "
        "seed, and measured both on the validation part"
    )


def _unknown(check: str, what: str, other: str) -> Effect:
    finding = Finding(
        check=check,
        severity="info",
        count=0,
        share=0.0,
        message=f"{what} cannot be said: it would be measured on a validation part, and there is "
        "none",
        advice="set data.validation_split, or give data.validation_file",
    )
    return Effect(finding=finding, part="validation", other=other)


def _failed(check: str, other: str, err: TrainingError) -> Effect:
    finding = Finding(
        check=check,
        severity="info",
        count=0,
        share=0.0,
        message=f"training once more {other} failed: {err.faults[0]}",
    )
    return Effect(finding=finding, part="validation", other=other)
