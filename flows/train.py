"""Own the pipeline: which stages a training has, in which order, and how its run ends."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from prefect import flow
from prefect.runtime import flow_run

from iovalence.config.load import LoadedConfig, load_config
from iovalence.errors import StorageError, TrackingError
from iovalence.runs.folder import RunFolder, ending, holding
from iovalence.runs.store import StageOutput
from iovalence.stages.evaluated import raise_for_requirements
from iovalence.stages.opened import open_run
from iovalence.stages.resumed import find_unfinished, resume_run
from iovalence.tracking.live import LivePublisher
from iovalence.tracking.sync import target_of
from tasks.model import (
    diagnose_run,
    evaluate_model,
    measure_columns,
    measure_effects,
    train_model,
    write_report,
)
from tasks.naming import name_flow_run
from tasks.progress import say, tell
from tasks.publishing import publish_run
from tasks.rows import (
    check_labels,
    check_parts,
    check_rows,
    compare_rows,
    ingest_rows,
    prepare_rows,
    split_rows,
)


@flow(name="train", persist_result=False)
def train(
    config: str,
    overrides: Sequence[str] = (),
    run_name: str | None = None,
    resume: str | None = None,
) -> str:
    """Train a model as a configuration says, from its files to its report; return the run's id.

    Args:
        config: Path of the YAML file.
        overrides: Texts `KEY=VALUE` that win over the file.
        run_name: A name people remember, or None.
        resume: A run to go on with, `newest` for the newest that has not finished; None for a
            new one.
    """
    loaded = load_config(Path(config), overrides)
    ingested = ingest_rows(loaded)
    with opening(loaded, ingested, run_name, resume) as run, publishing(loaded, run), ending(run):
        name_flow_run(run.run_id)
        checks = check_rows(loaded, run, ingested)
        checks = compare_rows(loaded, run, checks)
        checks = check_labels(loaded, run, checks)
        split = split_rows(loaded, checks)
        checks = check_parts(loaded, run, checks, split)
        stages = prepare_rows(loaded, run, checks, split)
        train_model(loaded, run, stages)
        result = evaluate_model(loaded, run, stages)
        measure_columns(loaded, run, stages)
        measure_effects(loaded, run, stages)
        diagnose_run(loaded, run, stages, result)
        write_report(loaded, run, ingested, result)
        raise_for_requirements(result)
        run.close("FINISHED")
    return run.run_id


@contextmanager
def opening(
    loaded: LoadedConfig, ingested: StageOutput, run_name: str | None, resume: str | None
) -> Iterator[RunFolder]:
    """Yield a new run, or one that goes on; no other process can go on with it meanwhile."""
    flow_run_id = flow_run.get_id()
    unfinished = None if resume is None else find_unfinished(loaded, resume, partial(say, loaded))
    if unfinished is None:
        run = open_run(loaded, ingested, run_name=run_name, flow_run_id=flow_run_id)
        with holding(run):
            yield run
        return
    with holding(unfinished):
        resume_run(loaded, unfinished, ingested, flow_run_id)
        say(loaded, f"run {unfinished.run_id} goes on")
        yield unfinished


@contextmanager
def publishing(loaded: LoadedConfig, run: RunFolder) -> Iterator[None]:
    """Show the run in MLflow while the block runs, and whole when it has ended, well or not.

    A tracking server that is away, or a disk that is full by then, fails no training. One who
    interrupts does not want to wait: then only a run that MLflow knows already is told to have
    ended.
    """
    wanted = True
    try:
        with LivePublisher(run, target_of(run)):
            yield
    except (KeyboardInterrupt, SystemExit):
        wanted = run.tracking.exists()
        if loaded.config.training.save_checkpoint:
            tell(f"run {run.run_id} was interrupted; the same command with --resume goes on")
        raise
    finally:
        if wanted:
            _publish(loaded, run)


def _publish(loaded: LoadedConfig, run: RunFolder) -> None:
    try:
        publish_run(loaded, run)
    except (TrackingError, StorageError) as err:
        tell(f"warning: {err}")
