"""Own a sweep: its rows made ready once, its configurations trained, the best one measured."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from prefect import flow
from prefect.runtime import flow_run

from iovalence.config.load import LoadedConfig
from iovalence.config.space import load_space
from iovalence.errors import StorageError, TrackingError
from iovalence.runs.folder import ending, holding
from iovalence.runs.sweep import SweepFolder, SweepRecord, ending_sweep
from iovalence.stages.evaluated import raise_for_requirements
from iovalence.sweeps.opened import ReadySweep, find_earlier, open_sweep, reopen_sweep
from iovalence.sweeps.trained import choose_best
from iovalence.tracking.sweeps import SweepPublisher, publish_sweep, sweep_target
from tasks.model import (
    diagnose_run,
    evaluate_model,
    measure_columns,
    measure_effects,
    write_report,
)
from tasks.progress import say, tell
from tasks.sweep import publish_runs, ready_rows, train_configurations

Done = Callable[[SweepRecord, int], None]


@flow(name="sweep", persist_result=False)
def sweep(
    config: str,
    overrides: Sequence[str] = (),
    vary: Sequence[str] = (),
    num_random: int | None = None,
    halving: bool = False,
    by: str = "val_loss",
    resume: bool = False,
) -> str:
    """Train many configurations and measure the best one on the test part; return the sweep's id.

    Args:
        config: Path of the YAML file.
        overrides: Texts `KEY=VALUE` that win over the file.
        vary: Texts `KEY=VALUE,VALUE` or `KEY=LOW..HIGH`.
        num_random: How many to draw; None for all combinations.
        halving: Train most for a few epochs, and only the best of these for more.
        by: Figure of the validation part that decides.
        resume: Go on with the newest sweep of the same configurations and data.
    """
    space = load_space(Path(config), overrides, vary, num_random=num_random)
    method = "grid" if num_random is None else f"random {num_random}"
    ready = ready_rows(space, method=method, by=by, halving=halving)
    earlier = find_earlier(ready)
    if resume and earlier is not None and earlier.record().state() == "FINISHED":
        say(space.base, f"this sweep has finished already: {earlier.sweep_id}")
        return earlier.sweep_id
    folder = begin(ready, earlier, resume=resume, flow_run_id=flow_run.get_id())
    with publishing(space.base, folder) as done, ending_sweep(folder):
        train_configurations(ready, folder, done)
        measure_best(ready, folder)
        folder.close("FINISHED")
    return folder.sweep_id


def begin(
    ready: ReadySweep, earlier: SweepFolder | None, *, resume: bool, flow_run_id: str | None
) -> SweepFolder:
    """Return the sweep to work at: a new one, or the earlier one where that is to go on."""
    base = ready.space.base
    if resume and earlier is not None:
        say(base, f"going on with sweep {earlier.sweep_id}")
        return reopen_sweep(ready, earlier, flow_run_id=flow_run_id)
    if resume:
        say(base, "nothing to resume: no sweep of these configurations and data; a new one begins")
    elif earlier is not None and earlier.record().state() in ("KILLED", "DIED"):
        say(base, f"sweep {earlier.sweep_id} of the same was cut off: --resume would go on with it")
    return open_sweep(ready, flow_run_id=flow_run_id)


def measure_best(ready: ReadySweep, folder: SweepFolder) -> None:
    """Take the best configuration through the rest of a training: measured, reported, required.

    It is the only one that sees the test part.
    """
    run = choose_best(folder)
    number = folder.record().best or 1
    loaded, stages = ready.space.candidates[number - 1].loaded, ready.stages[number]
    with holding(run), ending(run):
        result = evaluate_model(loaded, run, stages)
        measure_columns(loaded, run, stages)
        measure_effects(loaded, run, stages)
        diagnose_run(loaded, run, stages, result)
        write_report(loaded, run, stages.ingested, result)
        raise_for_requirements(result)
        run.close("FINISHED")


@contextmanager
def publishing(loaded: LoadedConfig, folder: SweepFolder) -> Iterator[Done]:
    """Show each run in MLflow when it is through, and all of the sweep when that has.

    The best run so far waits: it may be measured on the test part yet. A tracking server that is
    away fails no sweep. One who interrupts does not want to wait for it.
    """
    publisher = SweepPublisher(folder, sweep_target(folder))
    publisher.start()
    waiting: list[str] = []

    def done(record: SweepRecord, number: int) -> None:
        run_id = record.configuration(number).run_id
        if run_id is None:
            return
        best = record.configuration(record.ranking[0]).run_id
        waiting.append(run_id)
        for one in [one for one in waiting if one != best]:
            waiting.remove(one)
            publisher.put(one)

    try:
        yield done
    except (KeyboardInterrupt, SystemExit):
        if folder.tracking.exists():
            _try(lambda: publish_sweep(folder, sweep_target(folder)))
        raise
    except BaseException:
        publisher.stop()
        _try(lambda: publish_runs(loaded, folder))
        raise
    publisher.stop()
    _try(lambda: publish_runs(loaded, folder))


def _try(publish: Callable[[], object]) -> None:
    try:
        publish()
    except (TrackingError, StorageError) as err:
        tell(f"warning: {err}")
