"""Own how one configuration of a sweep is trained: as a run of its own, the test part unseen."""

from collections.abc import Callable

from iovalence.config.load import load_config
from iovalence.errors import ExitStatus, IOValenceError
from iovalence.runs.folder import RunFolder, ending
from iovalence.stages.evaluated import CANDIDATE_PARTS, evaluate_stage
from iovalence.stages.opened import open_run, record_findings, record_split
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
    run = open_run(loaded, stages.ingested, run_name=job.name, flow_run_id=job.flow_run_id)
    run.update(sweep_id=job.sweep_id)
    tell(Event(kind="started", number=job.number, run_id=run.run_id))
    with ending(run):
        record_findings(run, stages.ingested, stages.checked)
        record_split(run, stages.split, stages.prepared)
        train_stage(
            loaded,
            run,
            stages.ingested,
            stages.checked,
            stages.prepared,
            lambda figures: tell(Event(kind="epoch", number=job.number, epoch=figures.epoch)),
        )
        evaluate_stage(loaded, run, stages.ingested, stages.prepared, CANDIDATE_PARTS)
        run.close("FINISHED")
    return run
