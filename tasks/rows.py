"""Own Prefect's side of the stages that turn files into rows ready to train on."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from iovalence.config.load import LoadedConfig
from iovalence.data.schema import TableSchema
from iovalence.quality.checks import QualityReport
from iovalence.runs.folder import RunFolder
from iovalence.runs.store import StageOutput
from iovalence.stages.rows import RowStages, note_findings, note_suspects, record_prepared
from iovalence.stages.stored import (
    check_stage,
    ingest_stage,
    part_stage,
    prepare_stage,
    split_stage,
    suspect_stage,
)
from tasks.progress import say


@task(name="ingest", cache_policy=NO_CACHE, persist_result=False)
def ingest_rows(loaded: LoadedConfig) -> StageOutput:
    """Read the files into one typed table."""
    ingested = ingest_stage(loaded)
    schema = TableSchema.load(ingested.folder / "schema.json")
    num_rows, num_columns = sum(schema.num_rows), len(schema.columns)
    say(
        loaded,
        f"read {num_rows:,} rows of {num_columns} columns; {schema.task} of '{schema.target}': "
        f"{schema.task_reason}{_cost(ingested)}",
    )
    return ingested


@task(name="check", cache_policy=NO_CACHE, persist_result=False)
def check_rows(loaded: LoadedConfig, run: RunFolder, ingested: StageOutput) -> StageOutput:
    """Check the rows; a check whose action is `fail` ends the run here."""
    checked = check_stage(loaded, ingested)
    say(loaded, f"checked the rows{_cost(checked)}")
    _say_findings(loaded, checked)
    note_findings(run, ingested, checked)
    return checked


@task(name="suspects", cache_policy=NO_CACHE, persist_result=False)
def check_labels(
    loaded: LoadedConfig, run: RunFolder, ingested: StageOutput, checked: StageOutput
) -> StageOutput:
    """Look for labels that the other rows contradict; with action `fail` one ends the run here."""
    suspected = suspect_stage(loaded, ingested, checked)
    say(loaded, f"checked the labels{_cost(suspected)}")
    _say_findings(loaded, suspected)
    note_suspects(run, ingested, checked, suspected)
    return suspected


@task(name="split", cache_policy=NO_CACHE, persist_result=False)
def split_rows(loaded: LoadedConfig, ingested: StageOutput, checked: StageOutput) -> StageOutput:
    """Assign each row to a part."""
    split = split_stage(loaded, ingested, checked)
    say(loaded, f"split the rows{_cost(split)}")
    return split


@task(name="check-parts", cache_policy=NO_CACHE, persist_result=False)
def check_parts(
    loaded: LoadedConfig,
    run: RunFolder,
    ingested: StageOutput,
    checked: StageOutput,
    suspected: StageOutput,
    split: StageOutput,
) -> StageOutput:
    """Check the parts; a check whose action is `fail` ends the run here."""
    parted = part_stage(loaded, ingested, checked, split)
    say(loaded, f"checked the parts{_cost(parted)}")
    _say_findings(loaded, parted)
    note_findings(run, ingested, checked, suspected, parted)
    return parted


@task(name="prepare", cache_policy=NO_CACHE, persist_result=False)
def prepare_rows(
    loaded: LoadedConfig,
    run: RunFolder,
    ingested: StageOutput,
    checked: StageOutput,
    suspected: StageOutput,
    split: StageOutput,
    parted: StageOutput,
) -> RowStages:
    """Fit the preprocessing on the train part and encode all rows."""
    prepared = prepare_stage(loaded, ingested, checked, parted)
    stages = RowStages(
        ingested=ingested,
        checked=checked,
        suspected=suspected,
        split=split,
        parted=parted,
        prepared=prepared,
    )
    record_prepared(run, stages)
    say(loaded, f"prepared the features{_cost(prepared)}")
    return stages


def _say_findings(loaded: LoadedConfig, output: StageOutput) -> None:
    for finding in QualityReport.load(output.folder / "findings.json").findings:
        if finding.severity == "warning":
            say(loaded, f"warning: {finding.check}: {finding.message}")
        elif finding.done:
            say(loaded, f"{finding.check}: {finding.message}: {finding.done}")


def _cost(output: StageOutput) -> str:
    return " (as before)" if output.reused else f" ({output.seconds:.2f} s)"
