"""Own `train --dry-run`: all that comes before training, and what training would be."""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from iovalence.config.load import LoadedConfig
from iovalence.data.prepared import load_prepared
from iovalence.data.schema import TableSchema
from iovalence.quality.findings import MAX_LINES, by_gravity
from iovalence.record import Record
from iovalence.runs.choices import AUTO, LEARNING_RATE
from iovalence.stages.opened import validate_evaluation
from iovalence.stages.rows import join_findings, make_ready
from iovalence.stages.stored import ingest_stage
from iovalence.training.fit import TRAIN, architecture, weigh_classes
from iovalence.training.rate_finder import count_steps
from iovalence.training.section import TrainingSection
from iovalence.training.settling import Plan, plan

PARTS = ("train", "validation", "test")


class Rehearsal(Record):
    """Say what would be trained.

    Attributes:
        rows: Rows of each part.
        num_features: Inputs of the network, embedded columns not counted.
        num_parameters: Parameters of the network.
        steps_per_epoch: Updates in an epoch.
        device: Where.
        batch_size: Rows for one step.
        learning_rate: The number, or `auto`.
        notes: What is said of keys that are `auto`, a line each.
        warnings: What the checks found, a line each, the gravest first.
    """

    rows: dict[str, int]
    num_features: int
    num_parameters: int
    steps_per_epoch: int
    device: str
    batch_size: int
    learning_rate: float | Literal["auto"]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return it for people."""
        parts = ", ".join(f"{name} {count:,}" for name, count in self.rows.items())
        return [
            "nothing was trained; this would be:",
            f"  rows        {parts}",
            f"  network     {self.num_features} features, {self.num_parameters:,} parameters",
            f"  epoch       {self.steps_per_epoch:,} steps of {self.batch_size:,} rows on "
            f"{self.device}",
            *(f"  auto        {line}" for line in self.notes),
            *(f"  warning     {line}" for line in self.warnings[:MAX_LINES]),
            *self._more_warnings(),
        ]

    def _more_warnings(self) -> Iterator[str]:
        more = len(self.warnings) - MAX_LINES
        if more > 0:
            yield f"  warning     and {more} more; iovalence check shows all, as a page"


def rehearse(loaded: LoadedConfig) -> Rehearsal:
    """Do every stage before training, and work out what it would be.

    Raises:
        ConfigError: `evaluation` or `class_weights` names what this run does not have.
        DataError: The data cannot be trained on.
        GateError: A check whose action is `fail` found something.
    """
    ingested = ingest_stage(loaded)
    validate_evaluation(loaded, TableSchema.load(ingested.folder / "schema.json"))
    stages = make_ready(loaded, ingested)
    report = join_findings(stages.checks)
    prepared = load_prepared(stages.prepared.folder)
    training = loaded.config.training
    weigh_classes(training.class_weights, prepared, np.flatnonzero(prepared.part == TRAIN))
    spec = architecture(training, prepared)
    planned = plan(training, loaded.config.run.threads, prepared)
    rows = {name: int((prepared.part == at).sum()) for at, name in enumerate(PARTS)}
    return Rehearsal(
        rows=rows,
        num_features=spec.num_features,
        num_parameters=spec.num_parameters,
        steps_per_epoch=-(-rows["train"] // planned.batch_size),
        device=planned.machine.device,
        batch_size=planned.batch_size,
        learning_rate=training.learning_rate,
        notes=tuple(_describe_auto(training, planned, rows["train"])),
        warnings=tuple(
            f"{one.check}: {one.short_message}"
            for one in by_gravity(report.findings)
            if one.severity != "info"
        ),
    )


def _describe_auto(training: TrainingSection, planned: Plan, num_rows: int) -> Iterator[str]:
    for key, choice in planned.choices.items():
        yield f"{key} would be {choice.value:g}: {choice.reason}"
    if training.learning_rate == AUTO:
        num_steps = count_steps(num_rows, planned.batch_size, training.epochs)
        yield f"{LEARNING_RATE} will be found by a sweep of {num_steps} steps on the train part"
