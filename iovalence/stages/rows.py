"""Own what is done to rows between reading them and training: checked, split, checked, encoded."""

from collections.abc import Callable

from iovalence.atomic import copy_file
from iovalence.config.load import LoadedConfig
from iovalence.quality.checks import QualityReport, raise_for_failures
from iovalence.record import Record
from iovalence.runs.checks import ChecksFolder, checks_folder
from iovalence.runs.folder import RunFolder
from iovalence.runs.store import StageOutput
from iovalence.stages.findings import write_findings
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
    note_findings(loaded, run, ingested, checked)
    split = split_stage(loaded, ingested, checked)
    parted = part_stage(loaded, ingested, checked, split)
    note_findings(loaded, run, ingested, checked, parted)
    prepared = prepare_stage(loaded, ingested, checked, parted)
    stages = RowStages(
        ingested=ingested, checked=checked, split=split, parted=parted, prepared=prepared
    )
    if run is not None:
        record_prepared(run, stages)
    return stages


class CheckedAlone(Record):
    """Hold what the checks found where nothing is trained, and where its stages are.

    Attributes:
        report: What was found.
        ingested: The table.
        checked: Which of its rows stay.
        parted: Likewise, after the checks of parts; None where a check of rows failed.
    """

    report: QualityReport
    ingested: StageOutput
    checked: StageOutput
    parted: StageOutput | None = None


def check_alone(
    loaded: LoadedConfig, note: Callable[[StageOutput], None] = lambda _: None
) -> CheckedAlone:
    """Do all checks and train nothing; parts are checked where no check of rows failed.

    Args:
        loaded: The configuration.
        note: Told of each stage when it is done.

    Raises:
        DataError: The data cannot be trained on.
    """
    ingested = ingest_stage(loaded)
    note(ingested)
    checked = check_stage(loaded, ingested)
    note(checked)
    report = join_findings(checked)
    if any(finding.severity == "failure" for finding in report.findings):
        return CheckedAlone(report=report, ingested=ingested, checked=checked)
    split = split_stage(loaded, ingested, checked)
    note(split)
    parted = part_stage(loaded, ingested, checked, split)
    note(parted)
    report = join_findings(checked, parted)
    return CheckedAlone(report=report, ingested=ingested, checked=checked, parted=parted)


def save_checks(loaded: LoadedConfig, found: CheckedAlone) -> ChecksFolder:
    """Write what the checks alone found into the workspace, in place of what was there before.

    Raises:
        StorageError: The workspace cannot be written to.
    """
    folder = checks_folder(loaded.workspace, loaded.path.stem)
    found.report.save(folder.quality)
    write_findings(
        loaded,
        found.report,
        found.ingested,
        found.checked,
        found.parted,
        page=folder.quality_page,
        removed_rows=folder.removed_rows,
    )
    return folder


def join_findings(checked: StageOutput, parted: StageOutput | None = None) -> QualityReport:
    """Return what the checks found, those of parts too once they are done."""
    report = QualityReport.load(checked.folder / "findings.json")
    if parted is None:
        return report
    return report.joined(QualityReport.load(parted.folder / "findings.json"))


def note_findings(
    loaded: LoadedConfig,
    run: RunFolder | None,
    ingested: StageOutput,
    checked: StageOutput,
    parted: StageOutput | None = None,
) -> None:
    """Write findings, their page and removed rows into the run, if there is one.

    Raises:
        GateError: A check whose action is `fail` found something.
    """
    if run is not None:
        note_stage(run, parted or checked)
    record_findings(loaded, run, join_findings(checked, parted), ingested, checked, parted)


def record_findings(
    loaded: LoadedConfig,
    run: RunFolder | None,
    report: QualityReport,
    ingested: StageOutput,
    checked: StageOutput,
    parted: StageOutput | None = None,
) -> None:
    """Write a report, its page and the removed rows into the run, if there is one.

    Raises:
        GateError: A check whose action is `fail` found something; all is written all the same.
    """
    if run is not None:
        report.save(run.quality)
        write_findings(
            loaded,
            report,
            ingested,
            checked,
            parted,
            page=run.quality_page,
            removed_rows=run.removed_rows,
        )
    raise_for_failures(report.findings)


def record_rows(loaded: LoadedConfig, run: RunFolder, stages: RowStages) -> None:
    """Write into a run what was done before, when it was.

    Raises:
        GateError: A check whose action is `fail` found something.
    """
    note_stage(run, stages.checked)
    note_findings(loaded, run, stages.ingested, stages.checked, stages.parted)
    record_prepared(run, stages)


def record_prepared(run: RunFolder, stages: RowStages) -> None:
    """Copy the split and the fitted preprocessing into the run."""
    copy_file(stages.parted.folder / "split.parquet", run.split)
    copy_file(stages.prepared.folder / "preprocessing.json", run.preprocessing)
    note_stage(run, stages.split)
    note_stage(run, stages.prepared)
