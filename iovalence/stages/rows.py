"""Own what is done to rows between reading them and training: checked, split, checked, encoded."""

from iovalence.atomic import copy_file
from iovalence.config.load import LoadedConfig
from iovalence.data.ingest import load_table
from iovalence.quality.changed import write_changed_labels
from iovalence.quality.checks import CheckedRows, QualityReport, load_reasons, raise_for_failures
from iovalence.quality.removed import write_removed_rows
from iovalence.quality.review_file import read_decided, write_review
from iovalence.record import Record
from iovalence.runs.folder import RunFolder
from iovalence.runs.store import StageOutput
from iovalence.stages.opened import note_stage
from iovalence.stages.stored import (
    REVIEW,
    check_stage,
    ingest_stage,
    part_stage,
    prepare_stage,
    split_stage,
    suspect_stage,
)
from iovalence.trials.suspects import Suspects


class RowStages(Record):
    """Name what was done before training.

    Attributes:
        ingested: The table.
        checked: Which of its rows stay.
        suspected: Which of their labels are doubtful.
        split: The part of each row.
        parted: Likewise, after the checks of parts.
        prepared: The rows, encoded.
    """

    ingested: StageOutput
    checked: StageOutput
    suspected: StageOutput
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
    suspected = suspect_stage(loaded, ingested, checked)
    note_suspects(run, ingested, checked, suspected)
    split = split_stage(loaded, ingested, checked)
    parted = part_stage(loaded, ingested, checked, split)
    note_findings(run, ingested, checked, suspected, parted)
    prepared = prepare_stage(loaded, ingested, checked, parted)
    stages = RowStages(
        ingested=ingested,
        checked=checked,
        suspected=suspected,
        split=split,
        parted=parted,
        prepared=prepared,
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
    suspected = suspect_stage(loaded, ingested, checked)
    split = split_stage(loaded, ingested, checked)
    return join_findings(checked, suspected, part_stage(loaded, ingested, checked, split))


def join_findings(checked: StageOutput, *later: StageOutput | None) -> QualityReport:
    """Return what the checks found, those of labels and of parts too once they are done."""
    report = QualityReport.load(checked.folder / "findings.json")
    for output in later:
        if output is not None:
            report = report.joined(QualityReport.load(output.folder / "findings.json"))
    return report


def note_findings(
    run: RunFolder | None,
    ingested: StageOutput,
    checked: StageOutput,
    suspected: StageOutput | None = None,
    parted: StageOutput | None = None,
) -> None:
    """Write findings, removed rows and changed labels into the run, if there is one.

    Raises:
        GateError: A check whose action is `fail` found something.
    """
    report = join_findings(checked, suspected, parted)
    if run is not None:
        rows, table = CheckedRows.load(checked.folder), load_table(ingested.folder)
        reason = rows.reason if parted is None else load_reasons(parted.folder / "reason.arrow")
        report.save(run.quality)
        write_removed_rows(run.removed_rows, table, reason)
        write_changed_labels(run.changed_labels, table, rows.target, rows.review)
        note_stage(run, parted or checked)
    raise_for_failures(report.findings)


def note_suspects(
    run: RunFolder | None, ingested: StageOutput, checked: StageOutput, suspected: StageOutput
) -> None:
    """Write into the run, if there is one, which labels a person should look at.

    Raises:
        GateError: Doubtful labels are there, and their action is `fail`.
    """
    report = join_findings(checked, suspected)
    if run is not None:
        report.save(run.quality)
        _write_review(run, ingested, checked, suspected)
        note_stage(run, suspected)
    raise_for_failures(report.findings)


def _write_review(
    run: RunFolder, ingested: StageOutput, checked: StageOutput, suspected: StageOutput
) -> None:
    """Write what is open and what is decided; nothing where neither is there."""
    table, suspects = load_table(ingested.folder), Suspects.load(suspected.folder)
    review = checked.folder / REVIEW
    decided = read_decided(review, table.columns.column_names) if review.exists() else ()
    if len(suspects.index) or decided:
        target = CheckedRows.load(checked.folder).target
        opened = suspects.index, suspects.suggested, suspects.score
        write_review(run.label_review, table, target, opened, decided)


def record_rows(run: RunFolder, stages: RowStages) -> None:
    """Write into a run what was done before, when it was.

    Raises:
        GateError: A check whose action is `fail` found something.
    """
    note_stage(run, stages.checked)
    note_suspects(run, stages.ingested, stages.checked, stages.suspected)
    note_findings(run, stages.ingested, stages.checked, stages.suspected, stages.parted)
    record_prepared(run, stages)


def record_prepared(run: RunFolder, stages: RowStages) -> None:
    """Copy the split and the fitted preprocessing into the run."""
    copy_file(stages.parted.folder / "split.parquet", run.split)
    copy_file(stages.prepared.folder / "preprocessing.json", run.preprocessing)
    note_stage(run, stages.split)
    note_stage(run, stages.prepared)
