"""Own what is done to rows between reading them and training: checked, split, checked, encoded."""

from collections.abc import Callable

from iovalence.atomic import copy_file
from iovalence.config.load import LoadedConfig
from iovalence.data.ingest import load_table
from iovalence.quality.changed import write_changed_labels
from iovalence.quality.checks import CheckedRows, QualityReport, raise_for_failures
from iovalence.quality.review_file import read_decided, write_review
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

    Args:
        loaded: The configuration.
        note: Told of each stage when it is done.

    Raises:
        DataError: The data cannot be trained on.
    """
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

    Raises:
        StorageError: The workspace cannot be written to.
    """
    folder, report = checks_folder(loaded.workspace, loaded.path.stem), join_findings(checks)
    report.save(folder.quality)
    write_findings(
        loaded,
        report,
        checks,
        page=folder.quality_page,
        removed_rows=folder.removed_rows,
    )
    return folder


def join_findings(checks: Checks) -> QualityReport:
    """Return what was found in the rows, by comparing, in labels and in parts, as far as done."""
    report = QualityReport.load(checks.checked.folder / "findings.json")
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
        _write_labels(run, checks)
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


def _write_labels(run: RunFolder, checks: Checks) -> None:
    """Write which labels were changed, which are doubtful, and which decided; if there are any."""
    table, rows = load_table(checks.ingested.folder), CheckedRows.load(checks.checked.folder)
    write_changed_labels(run.changed_labels, table, rows.target, rows.review)
    if checks.suspected is None:
        return
    suspects, review = Suspects.load(checks.suspected.folder), checks.checked.folder / REVIEW
    decided = read_decided(review, table.columns.column_names) if review.exists() else ()
    if len(suspects.index) or decided:
        opened = suspects.index, suspects.suggested, suspects.score
        write_review(run.label_review, table, rows.target, opened, decided)


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
