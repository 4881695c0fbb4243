"""Own `train --dry-run`: all that comes before training, and what training would be."""

import numpy as np

from iovalence.config.load import LoadedConfig
from iovalence.data.prepared import load_prepared
from iovalence.data.schema import TableSchema
from iovalence.quality.checks import QualityReport, raise_for_failures
from iovalence.record import Record
from iovalence.stages.opened import validate_evaluation
from iovalence.stages.stored import check_stage, ingest_stage, prepare_stage, split_stage
from iovalence.stages.trained import plan_machine
from iovalence.training.fit import TRAIN, architecture, weigh_classes

PARTS = ("train", "validation", "test")


class Rehearsal(Record):
    """Say what would be trained.

    Attributes:
        rows: Rows of each part.
        num_features: Inputs of the network, embedded columns not counted.
        num_parameters: Parameters of the network.
        steps_per_epoch: Updates in an epoch.
        device: Where.
        warnings: What the checks found, a line each.
    """

    rows: dict[str, int]
    num_features: int
    num_parameters: int
    steps_per_epoch: int
    device: str
    warnings: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return it for people."""
        parts = ", ".join(f"{name} {count:,}" for name, count in self.rows.items())
        return [
            "nothing was trained; this would be:",
            f"  rows        {parts}",
            f"  network     {self.num_features} features, {self.num_parameters:,} parameters",
            f"  epoch       {self.steps_per_epoch:,} steps on {self.device}",
            *(f"  warning     {line}" for line in self.warnings),
        ]


def rehearse(loaded: LoadedConfig) -> Rehearsal:
    """Do every stage before training, and work out what it would be.

    Raises:
        ConfigError: `evaluation` or `class_weights` names what this run does not have.
        DataError: The data cannot be trained on.
        GateError: A check whose action is `fail` found something.
    """
    ingested = ingest_stage(loaded)
    validate_evaluation(loaded, TableSchema.load(ingested.folder / "schema.json"))
    checked = check_stage(loaded, ingested)
    findings = QualityReport.load(checked.folder / "findings.json").findings
    raise_for_failures(findings)
    split = split_stage(loaded, ingested, checked)
    prepared = load_prepared(prepare_stage(loaded, ingested, checked, split).folder)
    training = loaded.config.training
    weigh_classes(training.class_weights, prepared, np.flatnonzero(prepared.part == TRAIN))
    spec = architecture(training, prepared)
    rows = {name: int((prepared.part == at).sum()) for at, name in enumerate(PARTS)}
    return Rehearsal(
        rows=rows,
        num_features=spec.num_features,
        num_parameters=spec.num_parameters,
        steps_per_epoch=-(-rows["train"] // loaded.config.training.batch_size),
        device=plan_machine(loaded, prepared).device,
        warnings=tuple(f.message for f in findings if f.severity != "info"),
    )
