"""Own Prefect's side of the stages that train, measure and describe a model."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from iovalence.config.load import LoadedConfig
from iovalence.errors import TrainingError
from iovalence.evaluation.result import EvaluationResult
from iovalence.runs.folder import RunFolder
from iovalence.runs.store import StageOutput
from iovalence.stages.diagnosed import diagnose_failure, diagnose_stage
from iovalence.stages.effects import effects_stage
from iovalence.stages.evaluated import evaluate_stage
from iovalence.stages.explained import importance_stage
from iovalence.stages.reported import report_stage
from iovalence.stages.rows import RowStages
from iovalence.stages.trained import TrainingResult, train_stage
from iovalence.tracking.system import sampling
from tasks.progress import say, show_epochs, working

NUM_NAMED = 3


@task(name="train", cache_policy=NO_CACHE, persist_result=False)
def train_model(loaded: LoadedConfig, run: RunFolder, stages: RowStages) -> TrainingResult:
    """Train the model; its weights, checkpoints and journal are in the run."""
    with show_epochs(loaded) as observe, sampling(run):
        try:
            trained = train_stage(loaded, run, stages, observe, lambda line: say(loaded, line))
        except TrainingError as err:
            say(loaded, diagnose_failure(loaded, run, stages, err).headline)
            raise
    early = ", stopped early" if trained.stopped_early else ""
    say(loaded, f"trained {trained.num_epochs} epochs{early}; kept epoch {trained.kept_epoch}")
    return trained


@task(name="evaluate", cache_policy=NO_CACHE, persist_result=False)
def evaluate_model(loaded: LoadedConfig, run: RunFolder, stages: RowStages) -> EvaluationResult:
    """Measure the model on every part."""
    with working(loaded, "measuring the model"):
        result = evaluate_stage(loaded, run, stages)
    say(loaded, f"measured the {', '.join(part.part for part in result.parts)} part")
    return result


@task(name="importance", cache_policy=NO_CACHE, persist_result=False)
def measure_columns(loaded: LoadedConfig, run: RunFolder, stages: RowStages) -> None:
    """Say which columns the model leans on."""
    importance = importance_stage(loaded, run, stages)
    first = ", ".join(column.name for column in importance.columns[:NUM_NAMED])
    say(loaded, importance.note or f"it leans most on {first}")


@task(name="effects", cache_policy=NO_CACHE, persist_result=False)
def measure_effects(loaded: LoadedConfig, run: RunFolder, stages: RowStages) -> None:
    """Say what the fixes of the data changed, where they changed training."""
    with working(loaded, "training without the fixes of the data"):
        effects = effects_stage(loaded, run, stages, lambda line: say(loaded, line))
    for finding in effects.findings if effects else ():
        say(loaded, f"{finding.check}: {finding.message}")


@task(name="diagnose", cache_policy=NO_CACHE, persist_result=False)
def diagnose_run(
    loaded: LoadedConfig, run: RunFolder, stages: RowStages, result: EvaluationResult
) -> None:
    """Say what happened in training, and what to change."""
    diagnosis = diagnose_stage(loaded, run, stages, result)
    say(loaded, f"diagnosis: {', '.join(name.replace('_', ' ') for name in diagnosis.names)}")


@task(name="report", cache_policy=NO_CACHE, persist_result=False)
def write_report(
    loaded: LoadedConfig, run: RunFolder, ingested: StageOutput, result: EvaluationResult
) -> None:
    """Write the run's page."""
    with working(loaded, "writing the report"):
        report_stage(loaded, run, ingested, result)
    say(loaded, f"wrote {run.report}")
