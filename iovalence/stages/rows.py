"""Own what is done to rows between reading them and training: checked, split, checked, encoded."""

from iovalence.atomic import copy_file
from iovalence.config.load import LoadedConfig
from iovalence.data.ingest import load_table
from iovalence.quality.checks import CheckedRows, QualityReport, load_reasons, raise_for_failures
from iovalence.quality.removed import write_removed_rows
from iovalence.record import Record
from iovalence.runs.folder import RunFolder
from iovalence.runs.store import StageOutput
from iovalence.stages.opened import note_stage
from iovalence.stages.stored import (
    check_stage,
    ingest_stage,
    part_stage,
    prepare_stage,
    split_stage,
)


class RowStages(Record):
    """Name what was done before training.

    Attributes:
        ingested: The table.
        checked: Which of its rows stay.
        split: The part of each row.
        parted: Likewise, after the checks of parts.
        prepared: The rows, encoded.
    """

    ingested: StageOutput
    checked: StageOutput
    split: StageOutput
    parted: StageOutput
    prepared: StageOutput


def make_ready(
    loaded: LoadedConfig, ingested: StageOutput, run: RunFolder | None = None
) -> RowStages:
    """Do all that comes between reading the rows and training.

    Args:
        loaded: The configuration.
        ingested: The table.
        run: Where to note each result as soon as it is there; None for nowhere.

    Raises:
        DataError: The data cannot be trained on.
        GateError: A check whose action is `fail` found something.
    """
    checked = check_stage(loaded, ingested)
    note_findings(run, ingested, checked)
    split = split_stage(loaded, ingested, checked)
    parted = part_stage(loaded, ingested, checked, split)
    note_findings(run, ingested, checked, parted)
    prepared = prepare_stage(loaded, ingested, checked, parted)
    stages = RowStages(
        ingested=ingested, checked=checked, split=split, parted=parted, prepared=prepared
    )
    if run is not None:
        record_prepared(run, stages)
    return stages


def check_alone(loaded: LoadedConfig) -> QualityReport:
    """Do all checks and train nothing; parts are checked where no check of rows failed.

    Raises:
        DataError: The data cannot be trained on.
    """
    ingested = ingest_stage(loaded)
    checked = check_stage(loaded, ingested)
    report = join_findings(checked)
    if any(finding.severity == "failure" for finding in report.findings):
        return report
    split = split_stage(loaded, ingested, checked)
    return join_findings(checked, part_stage(loaded, ingested, checked, split))


def join_findings(checked: StageOutput, parted: StageOutput | None = None) -> QualityReport:
    """Return what the checks found, those of parts too once they are done."""
    report = QualityReport.load(checked.folder / "findings.json")
    if parted is None:
        return report
    return report.joined(QualityReport.load(parted.folder / "findings.json"))


def note_findings(
    run: RunFolder | None,
    ingested: StageOutput,
    checked: StageOutput,
    parted: StageOutput | None = None,
) -> None:
    """Write findings and removed rows into the run, if there is one.

    Raises:
        GateError: A check whose action is `fail` found something.
    """
    report = join_findings(checked, parted)
    if run is not None:
        reason = (
            CheckedRows.load(checked.folder).reason
            if parted is None
            else load_reasons(parted.folder / "reason.arrow")
        )
        report.save(run.quality)
        write_removed_rows(run.removed_rows, load_table(ingested.folder), reason)
        note_stage(run, parted or checked)
    raise_for_failures(report.findings)


def record_rows(run: RunFolder, stages: RowStages) -> None:
    """Write into a run what was done before, when it was.

    Raises:
        GateError: A check whose action is `fail` found something.
    """
    note_stage(run, stages.checked)
    note_findings(run, stages.ingested, stages.checked, stages.parted)
    record_prepared(run, stages)


def record_prepared(run: RunFolder, stages: RowStages) -> None:
    """Copy the split and the fitted preprocessing into the run."""
    copy_file(stages.parted.folder / "split.parquet", run.split)
    copy_file(stages.prepared.folder / "preprocessing.json", run.preprocessing)
    note_stage(run, stages.split)
    note_stage(run, stages.prepared)
