"""Own Prefect's side of the stages that turn files into rows ready to train on."""

from collections.abc import Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE

from iovalence.config.load import LoadedConfig
from iovalence.data.schema import TableSchema
from iovalence.quality.checks import QualityReport
from iovalence.quality.findings import Finding, tell_notes
from iovalence.runs.folder import RunFolder
from iovalence.runs.store import StageOutput
from iovalence.stages import rows
from iovalence.stages.checked import Checks
from iovalence.stages.compared import load_comparison
from iovalence.stages.rows import RowStages
from iovalence.stages.stored import ingest_stage, split_stage
from tasks.findings import say_findings, show_findings, showing_failures
from tasks.progress import describe_stage, say, working


@task(name="ingest", cache_policy=NO_CACHE, persist_result=False)
def ingest_rows(loaded: LoadedConfig) -> StageOutput:
    """Read the files into one typed table."""
    with working(loaded, "reading the rows"):
        ingested = ingest_stage(loaded)
    say(loaded, describe_stage(ingested))
    schema = ingested.folder / "schema.json"
    for line in tell_notes(TableSchema.load(schema).notes, "the run's quality.json"):
        say(loaded, line)
    return ingested


@task(name="check", cache_policy=NO_CACHE, persist_result=False)
def check_rows(loaded: LoadedConfig, run: RunFolder, ingested: StageOutput) -> Checks:
    """Check the rows; a check whose action is `fail` ends the run here."""
    with showing_failures(loaded, run), working(loaded, "checking the rows"):
        checks = rows.check_rows(loaded, run, ingested)
    _say(loaded, run, checks.checked, _findings(checks.checked))
    return checks


@task(name="compare", cache_policy=NO_CACHE, persist_result=False)
def compare_rows(loaded: LoadedConfig, run: RunFolder, checks: Checks) -> Checks:
    """Compare the table with that of the last accepted run; `fail` ends the run here."""
    with showing_failures(loaded, run), working(loaded, "comparing the table"):
        checks = rows.compare_rows(loaded, run, checks)
    if checks.compared is not None:
        _say(loaded, run, checks.compared.compared, load_comparison(checks.compared).findings)
    return checks


@task(name="check-labels", cache_policy=NO_CACHE, persist_result=False)
def check_labels(loaded: LoadedConfig, run: RunFolder, checks: Checks) -> Checks:
    """Look for labels that the other rows contradict; with action `fail` one ends the run here."""
    with showing_failures(loaded, run), working(loaded, "checking the labels"):
        checks = rows.check_labels(loaded, run, checks)
    if checks.suspected is not None:
        _say(loaded, run, checks.suspected, _findings(checks.suspected))
    return checks


@task(name="split", cache_policy=NO_CACHE, persist_result=False)
def split_rows(loaded: LoadedConfig, checks: Checks) -> StageOutput:
    """Assign each row to a part."""
    with working(loaded, "splitting the rows"):
        split = split_stage(loaded, checks.ingested, checks.checked)
    say(loaded, describe_stage(split))
    return split


@task(name="check-parts", cache_policy=NO_CACHE, persist_result=False)
def check_parts(loaded: LoadedConfig, run: RunFolder, checks: Checks, split: StageOutput) -> Checks:
    """Check the parts; a check whose action is `fail` ends the run here."""
    with showing_failures(loaded, run), working(loaded, "checking the parts"):
        checks = rows.check_parts(loaded, run, checks, split)
    if checks.parted is not None:
        _say(loaded, run, checks.parted, _findings(checks.parted))
    show_findings(run)
    return checks


@task(name="prepare", cache_policy=NO_CACHE, persist_result=False)
def prepare_rows(
    loaded: LoadedConfig, run: RunFolder, checks: Checks, split: StageOutput
) -> RowStages:
    """Fit the preprocessing on the train part and encode all rows."""
    with working(loaded, "preparing the features"):
        stages = rows.prepare_rows(loaded, run, checks, split)
    say(loaded, describe_stage(stages.prepared))
    return stages


def _findings(output: StageOutput) -> Sequence[Finding]:
    return QualityReport.load(output.folder / "findings.json").findings


def _say(
    loaded: LoadedConfig, run: RunFolder, output: StageOutput, findings: Sequence[Finding]
) -> None:
    say(loaded, describe_stage(output))
    say_findings(loaded, run, findings)
