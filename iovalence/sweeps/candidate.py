"""Own how one configuration of a sweep is trained: as a run of its own, the test part unseen."""

from collections.abc import Callable
from contextlib import ExitStack

from iovalence.config.load import LoadedConfig, load_config
from iovalence.errors import ConfigError, ExitStatus, IOValenceError, StorageError
from iovalence.runs.folder import RunFolder, ending, holding, runs_folder
from iovalence.stages.evaluated import CANDIDATE_PARTS, evaluate_stage
from iovalence.stages.opened import open_run
from iovalence.stages.resumed import resume_run
from iovalence.stages.rows import record_rows
from iovalence.stages.trained import train_stage
from iovalence.sweeps.messages import Event, Job

Tell = Callable[[Event], None]


def try_candidate(job: Job, tell: Tell) -> None:
    """Train a configuration and tell how it ended, also when that was not well."""
    try:
        run = train_candidate(job, tell)
    except IOValenceError as err:
        failed = {"failure": err.faults, "failure_status": int(err.status)}
        tell(Event(kind="ended", number=job.number, **failed))
    except Exception as err:  # noqa: BLE001 - the border: one that fails does not end the sweep
        words = (f"{type(err).__name__}: {err}",)
        status = int(ExitStatus.FAULT)
        tell(Event(kind="ended", number=job.number, failure=words, failure_status=status))
    else:
        tell(Event(kind="ended", number=job.number, run_id=run.run_id))


def train_candidate(job: Job, tell: Tell) -> RunFolder:
    """Train a configuration and measure it on the train and the validation part.

    Raises:
        ConfigError: Anything is wrong with it.
        TrainingError: The loss is not finite.
        StorageError: The workspace cannot be written to.
    """
    text, stages = job.text.read_bytes(), job.stages
    loaded = load_config(job.config, job.overrides, varied=job.varied, text=text)
    with ExitStack() as stack:
        run = _go_on(job, loaded, stack) or _begin(job, loaded, stack)
        tell(Event(kind="started", number=job.number, run_id=run.run_id))
        stack.enter_context(ending(run))
        record_rows(loaded, run, stages)
        train_stage(
            loaded,
            run,
            stages,
            lambda figures: tell(Event(kind="epoch", number=job.number, epoch=figures.epoch)),
        )
        evaluate_stage(loaded, run, stages, CANDIDATE_PARTS)
        run.close("FINISHED")
    return run


def _go_on(job: Job, loaded: LoadedConfig, stack: ExitStack) -> RunFolder | None:
    """Return the run that the job names, taken up; None where it cannot go on."""
    if job.run_id is None or not loaded.config.training.save_checkpoint:
        return None
    run = RunFolder(runs_folder(loaded.workspace) / job.run_id)
    try:
        stack.enter_context(holding(run))
        resume_run(loaded, run, job.stages.ingested, job.flow_run_id)
    except (ConfigError, StorageError):
        # Another version by now, or its folder is gone: the same is trained from its start.
        return None
    return run


def _begin(job: Job, loaded: LoadedConfig, stack: ExitStack) -> RunFolder:
    ingested = job.stages.ingested
    run = open_run(
        loaded,
        ingested,
        run_name=job.name,
        flow_run_id=job.flow_run_id,
        sweep_id=job.sweep_id,
    )
    stack.enter_context(holding(run))
    return run
