"""Own Prefect's side of the stages that turn files into rows ready to train on."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from iovalence.config.load import LoadedConfig
from iovalence.quality.checks import QualityReport
from iovalence.quality.findings import Finding
from iovalence.runs.folder import RunFolder
from iovalence.runs.store import StageOutput
from iovalence.stages.compared import ComparedStages, compare_stages, load_comparison
from iovalence.stages.rows import RowStages, note_comparison, note_findings, record_prepared
from iovalence.stages.stored import (
    check_stage,
    ingest_stage,
    part_stage,
    prepare_stage,
    split_stage,
)
from tasks.findings import say_findings, show_findings, showing_failures
from tasks.progress import describe_stage, say


@task(name="ingest", cache_policy=NO_CACHE, persist_result=False)
def ingest_rows(loaded: LoadedConfig) -> StageOutput:
    """Read the files into one typed table."""
    ingested = ingest_stage(loaded)
    say(loaded, describe_stage(ingested))
    return ingested


@task(name="check", cache_policy=NO_CACHE, persist_result=False)
def check_rows(loaded: LoadedConfig, run: RunFolder, ingested: StageOutput) -> StageOutput:
    """Check the rows; a check whose action is `fail` ends the run here."""
    checked = check_stage(loaded, ingested)
    say(loaded, describe_stage(checked))
    say_findings(loaded, run, QualityReport.load(checked.folder / "findings.json"))
    with showing_failures(loaded, run):
        note_findings(loaded, run, ingested, checked)
    return checked


@task(name="compare", cache_policy=NO_CACHE, persist_result=False)
def compare_rows(
    loaded: LoadedConfig, run: RunFolder, ingested: StageOutput, checked: StageOutput
) -> ComparedStages:
    """Compare the table with that of the last accepted run; `fail` ends the run here."""
    compared = compare_stages(loaded, ingested, run)
    say(loaded, f"compared the table with the last accepted run's{_cost(compared.compared)}")
    _say_found(loaded, load_comparison(compared).findings)
    note_comparison(run, checked, compared)
    return compared


@task(name="split", cache_policy=NO_CACHE, persist_result=False)
def split_rows(loaded: LoadedConfig, ingested: StageOutput, checked: StageOutput) -> StageOutput:
    """Assign each row to a part."""
    split = split_stage(loaded, ingested, checked)
    say(loaded, describe_stage(split))
    return split


@task(name="check-parts", cache_policy=NO_CACHE, persist_result=False)
def check_parts(
    loaded: LoadedConfig,
    run: RunFolder,
    ingested: StageOutput,
    checked: StageOutput,
    compared: ComparedStages,
    split: StageOutput,
) -> StageOutput:
    """Check the parts; a check whose action is `fail` ends the run here."""
    parted = part_stage(loaded, ingested, checked, split)
    say(loaded, describe_stage(parted))
    say_findings(loaded, run, QualityReport.load(parted.folder / "findings.json").findings)
    with showing_failures(loaded, run):
        note_findings(loaded, run, ingested, checked, compared=compared, parted=parted)
    show_findings(run)
    return parted


@task(name="prepare", cache_policy=NO_CACHE, persist_result=False)
def prepare_rows(
    loaded: LoadedConfig,
    run: RunFolder,
    ingested: StageOutput,
    checked: StageOutput,
    compared: ComparedStages,
    split: StageOutput,
    parted: StageOutput,
) -> RowStages:
    """Fit the preprocessing on the train part and encode all rows."""
    prepared = prepare_stage(loaded, ingested, checked, parted)
    stages = RowStages(
        ingested=ingested,
        checked=checked,
        compared=compared,
        split=split,
        parted=parted,
        prepared=prepared,
    )
    record_prepared(run, stages)
    say(loaded, describe_stage(prepared))
    return stages
