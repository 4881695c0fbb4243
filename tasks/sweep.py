"""Own Prefect's side of a sweep: its data made ready, its configurations trained and shown."""

from collections.abc import Callable

from prefect import task
from prefect.cache_policies import NO_CACHE

from iovalence.config.load import LoadedConfig
from iovalence.config.space import Space
from iovalence.evaluation.wording import format_many
from iovalence.runs.sweep import SweepFolder, SweepRecord
from iovalence.sweeps.opened import ReadySweep, ready_sweep
from iovalence.sweeps.trained import train_all
from iovalence.tracking.sweeps import publish_all
from tasks.progress import say, working
from tasks.sweep_progress import show_sweep


@task(name="ready", cache_policy=NO_CACHE, persist_result=False)
def ready_rows(space: Space, *, method: str, by: str, halving: bool) -> ReadySweep:
    """Read, check, split and prepare the rows, once for all configurations that share them."""
    with working(space.base, "making the rows ready"):
        ready = ready_sweep(space, method=method, by=by, halving=halving)
    different = len({stages.prepared.key for stages in ready.stages.values()})
    rows = f"{different} ways" if different > 1 else "once for all"
    say(space.base, f"read, checked, split and prepared the rows {rows}")
    for line in ready.warnings():
        say(space.base, f"warning: {line}")
    return ready


@task(name="train", cache_policy=NO_CACHE, persist_result=False)
def train_configurations(
    ready: ReadySweep, sweep: SweepFolder, done: Callable[[SweepRecord, int], None]
) -> None:
    """Train what waits, each configuration as a run; `done` is called when one is through."""
    base, record = ready.space.base, sweep.record()
    waiting = [one for one in record.configurations if one.state not in ("FINISHED", "FAILED")]
    workers = record.workers
    if waiting:
        processes = f"{workers.number} process{'es' if workers.number > 1 else ''}"
        number = format_many(len(waiting), "configuration")
        say(base, f"training {number} in {processes} ({workers.reason})")
    if len(ready.rungs) > 1:
        rungs = ", ".join(f"{rung.number} to epoch {rung.epochs}" for rung in ready.rungs)
        say(base, f"successive halving: {rungs}")
    total = sum(rung.number for rung in ready.rungs)
    with show_sweep(base, record, total) as observe:
        train_all(ready, sweep, observe, done)


@task(name="publish", cache_policy=NO_CACHE, persist_result=False, retries=1, retry_delay_seconds=1)
def publish_runs(loaded: LoadedConfig, sweep: SweepFolder) -> None:
    """Send to MLflow what it does not have yet of a sweep that has ended, and of its runs."""
    with working(loaded, "showing the sweep in MLflow"):
        target = publish_all(sweep)
    say(loaded, f"showed the sweep in MLflow ({target.uri})")
