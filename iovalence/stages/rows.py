"""Own what is done to rows between reading them and training: checked, split, checked, encoded."""

from collections.abc import Callable, Sequence
from pathlib import Path

from iovalence.atomic import copy_file, remove
from iovalence.config.load import LoadedConfig
from iovalence.data.ingest import load_table
from iovalence.data.schema import TableSchema
from iovalence.errors import DataError, StorageError
from iovalence.quality.changed import write_changed_labels
from iovalence.quality.checks import CheckedRows, QualityReport, raise_for_failures
from iovalence.quality.review_file import ReviewLine, read_decided, write_review
from iovalence.record import Record
from iovalence.runs.checks import ChecksFolder, checks_folder
from iovalence.runs.folder import RunFolder
from iovalence.runs.store import StageOutput
from iovalence.stages.checked import Checks
from iovalence.stages.compared import (
    compare_stages,
    load_comparison,
    record_comparison,
)
from iovalence.stages.findings import write_findings
from iovalence.stages.opened import note_stage
from iovalence.stages.stored import (
    REVIEW,
    check_stage,
    ingest_stage,
    part_stage,
    prepare_stage,
    review_file,
    split_stage,
    suspect_stage,
)
from iovalence.trials.suspects import Suspects

Note = Callable[[StageOutput], None]


class RowStages(Record):
    """Name what was done before training.

    Attributes:
        checks: The table, and what was checked.
        split: The part of each row, before the checks of parts.
        parted: Likewise, after them.
        prepared: The rows, encoded.
    """

    checks: Checks
    split: StageOutput
    parted: StageOutput
    prepared: StageOutput

    @property
    def ingested(self) -> StageOutput:
        """Return the table."""
        return self.checks.ingested

    @property
    def checked(self) -> StageOutput:
        """Return which of its rows stay."""
        return self.checks.checked


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
    checks = check_rows(loaded, run, ingested)
    checks = compare_rows(loaded, run, checks)
    checks = check_labels(loaded, run, checks)
    split = split_stage(loaded, ingested, checks.checked)
    checks = check_parts(loaded, run, checks, split)
    return prepare_rows(loaded, run, checks, split)


def check_rows(loaded: LoadedConfig, run: RunFolder | None, ingested: StageOutput) -> Checks:
    """Check the rows; see `note_findings`."""
    checks = Checks(ingested=ingested, checked=check_stage(loaded, ingested))
    note_findings(loaded, run, checks)
    return checks


def compare_rows(loaded: LoadedConfig, run: RunFolder | None, checks: Checks) -> Checks:
    """Compare the table with that of the last accepted run; see `note_findings`."""
    compared = compare_stages(loaded, checks.ingested, run)
    checks = checks.model_copy(update={"compared": compared})
    note_findings(loaded, run, checks)
    return checks


def check_labels(loaded: LoadedConfig, run: RunFolder | None, checks: Checks) -> Checks:
    """Look for labels that the other rows contradict; see `note_findings`."""
    suspected = suspect_stage(loaded, checks.ingested, checks.checked)
    checks = checks.model_copy(update={"suspected": suspected})
    note_findings(loaded, run, checks)
    return checks


def check_parts(
    loaded: LoadedConfig, run: RunFolder | None, checks: Checks, split: StageOutput
) -> Checks:
    """Check what the split made; see `note_findings`."""
    parted = part_stage(loaded, checks.ingested, checks.checked, split)
    checks = checks.model_copy(update={"parted": parted})
    note_findings(loaded, run, checks)
    return checks


def prepare_rows(
    loaded: LoadedConfig, run: RunFolder | None, checks: Checks, split: StageOutput
) -> RowStages:
    """Encode the rows, and copy split and preprocessing into the run, if there is one."""
    parted = checks.parted
    if parted is None:
        raise ValueError("parts must be checked before their rows are prepared")
    prepared = prepare_stage(loaded, checks.ingested, checks.checked, parted)
    stages = RowStages(checks=checks, split=split, parted=parted, prepared=prepared)
    if run is not None:
        record_prepared(run, stages)
    return stages


def check_alone(loaded: LoadedConfig, note: Note = lambda _: None) -> Checks:
    """Do all checks and train nothing; parts are checked where no check of rows failed.

    What earlier checks wrote is removed first: where these end early, nothing old stays.

    Args:
        loaded: The configuration.
        note: Told of each stage when it is done.

    Raises:
        DataError: The data cannot be trained on.
        StorageError: The workspace cannot be written to.
    """
    _clear(loaded)
    ingested = ingest_stage(loaded)
    note(ingested)
    checks = Checks(ingested=ingested, checked=check_stage(loaded, ingested))
    note(checks.checked)
    compared = compare_stages(loaded, ingested)
    note(compared.compared)
    suspected = suspect_stage(loaded, ingested, checks.checked)
    note(suspected)
    checks = checks.model_copy(update={"compared": compared, "suspected": suspected})
    if any(finding.severity == "failure" for finding in join_findings(checks).findings):
        return checks
    split = split_stage(loaded, ingested, checks.checked)
    note(split)
    parted = part_stage(loaded, ingested, checks.checked, split)
    note(parted)
    return checks.model_copy(update={"parted": parted})


def save_checks(loaded: LoadedConfig, checks: Checks) -> ChecksFolder:
    """Write what the checks alone found into the workspace, in place of what was there before.

    A label_review.csv with decisions that were not applied stays, and a note says so.

    Raises:
        StorageError: The workspace cannot be written to.
    """
    folder, report = checks_folder(loaded.workspace, loaded.path.stem), join_findings(checks)
    if _is_unapplied(folder.label_review, _applied(checks)):
        notes = (_UNAPPLIED.format(folder.label_review), *report.notes)
        report = report.model_copy(update={"notes": notes})
    else:
        remove(folder.label_review)
        _write_review(folder.label_review, checks)
    _write_changed(folder.changed_labels, checks)
    drift = None if checks.compared is None else load_comparison(checks.compared).drift
    if drift is not None:
        drift.save(folder.drift)
    report.save(folder.quality)
    write_findings(
        loaded,
        report,
        checks,
        page=folder.quality_page,
        removed_rows=folder.removed_rows,
    )
    return folder


_UNAPPLIED = (
    "label_review.csv holds decisions that were not applied: it is kept, and what is doubtful now "
    "was not written there ({}); name it in quality.labels.review_file, or move it away"
)


def _clear(loaded: LoadedConfig) -> None:
    """Remove what earlier checks found; decisions of a person, and what is to be read, stay."""
    folder, review = checks_folder(loaded.workspace, loaded.path.stem), review_file(loaded)
    folder.clear()
    is_read = review is not None and review.resolve() == folder.label_review.resolve()
    if not is_read and not _is_unapplied(folder.label_review, ()):
        remove(folder.label_review)


def _is_unapplied(path: Path, applied: Sequence[ReviewLine]) -> bool:
    """Say whether a review file may hold decisions that are not among those applied."""
    if not path.exists():
        return False
    known = {(line.source, line.row, line.given, line.decision) for line in applied}
    try:
        there = read_decided(path, ())
    except (DataError, StorageError):
        # A spreadsheet may have made of it what we cannot read, and a person can.
        return True
    return any((one.source, one.row, one.given, one.decision) not in known for one in there)


def join_findings(checks: Checks) -> QualityReport:
    """Return what was found in the rows, by comparing, in labels and in parts, as far as done."""
    report = QualityReport.load(checks.checked.folder / "findings.json")
    read = TableSchema.load(checks.ingested.folder / "schema.json")
    report = report.model_copy(update={"notes": read.notes})
    if checks.compared is not None:
        findings = (*report.findings, *load_comparison(checks.compared).findings)
        report = report.model_copy(update={"findings": findings})
    for output in (checks.suspected, checks.parted):
        if output is not None:
            report = report.joined(QualityReport.load(output.folder / "findings.json"))
    return report


def note_findings(loaded: LoadedConfig, run: RunFolder | None, checks: Checks) -> None:
    """Write what was found so far into the run, if there is one: for programs and for people.

    Raises:
        GateError: A check whose action is `fail` found something.
    """
    report = join_findings(checks)
    if run is not None:
        report.save(run.quality)
        if _is_worth_a_page(checks, report):
            write_findings(
                loaded,
                report,
                checks,
                page=run.quality_page,
                removed_rows=run.removed_rows,
            )
        _note_stages(run, checks)
        _write_changed(run.changed_labels, checks)
        _write_review(run.label_review, checks)
    raise_for_failures(report.findings)


def _is_worth_a_page(checks: Checks, report: QualityReport) -> bool:
    """Say whether people get to see it: at first, at last, and where a check ends the run.

    Of a large table the page and the rows that left take a second.
    """
    is_between = checks.compared is not None and checks.parted is None
    return not is_between or any(one.severity == "failure" for one in report.findings)


def _note_stages(run: RunFolder, checks: Checks) -> None:
    """Note the newest of what was done."""
    if checks.parted is not None:
        note_stage(run, checks.parted)
    elif checks.suspected is not None:
        note_stage(run, checks.suspected)
    elif checks.compared is not None:
        record_comparison(run, checks.compared)
    else:
        note_stage(run, checks.checked)


def _write_changed(path: Path, checks: Checks) -> None:
    """Write which labels were changed, if any were."""
    table, rows = load_table(checks.ingested.folder), CheckedRows.load(checks.checked.folder)
    write_changed_labels(path, table, rows.target, rows.review)


def _write_review(path: Path, checks: Checks) -> None:
    """Write which labels are doubtful, and which decided; if there are any."""
    if checks.suspected is None:
        return
    suspects, decided = Suspects.load(checks.suspected.folder), _applied(checks)
    if len(suspects.index) or decided:
        table, rows = load_table(checks.ingested.folder), CheckedRows.load(checks.checked.folder)
        opened = suspects.index, suspects.suggested, suspects.score
        write_review(path, table, rows.target, opened, decided)


def _applied(checks: Checks) -> tuple[ReviewLine, ...]:
    """Return the lines of the review file that was applied."""
    review = checks.checked.folder / REVIEW
    if not review.exists():
        return ()
    return read_decided(review, load_table(checks.ingested.folder).columns.column_names)


def record_rows(loaded: LoadedConfig, run: RunFolder, stages: RowStages) -> None:
    """Write into a run what was done before, when it was.

    A run that goes on stays compared with the run that it was compared with.

    Raises:
        GateError: A check whose action is `fail` found something.
    """
    checks = stages.checks
    went_on = bool(run.manifest().resumed) or checks.compared is None
    compared = compare_stages(loaded, checks.ingested, run) if went_on else checks.compared
    note_stage(run, checks.checked)
    if compared is not None:
        record_comparison(run, compared)
    if checks.suspected is not None:
        note_stage(run, checks.suspected)
    note_findings(loaded, run, checks.model_copy(update={"compared": compared}))
    record_prepared(run, stages)


def record_prepared(run: RunFolder, stages: RowStages) -> None:
    """Copy the split and the fitted preprocessing into the run."""
    copy_file(stages.parted.folder / "split.parquet", run.split)
    copy_file(stages.prepared.folder / "preprocessing.json", run.preprocessing)
    note_stage(run, stages.split)
    note_stage(run, stages.prepared)
