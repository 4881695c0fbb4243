"""Own Prefect's side of a sweep: its data made ready, its configurations trained and shown."""

from collections.abc import Callable

from prefect import task
from prefect.cache_policies import NO_CACHE

from iovalence.config.load import LoadedConfig
from iovalence.config.space import Space
from iovalence.runs.sweep import SweepFolder, SweepRecord
from iovalence.sweeps.messages import Event
from iovalence.sweeps.opened import ReadySweep, jobs_of, ready_sweep
from iovalence.sweeps.trained import train_all
from iovalence.tracking.sweeps import publish_all
from tasks.progress import say
from tasks.sweep_progress import show_sweep


@task(name="ready", cache_policy=NO_CACHE, persist_result=False)
def ready_rows(space: Space, *, method: str, by: str) -> ReadySweep:
    """Read, check, split and prepare the rows, once for all configurations that share them."""
    ready = ready_sweep(space, method=method, by=by)
    different = len({stages.prepared.key for stages in ready.stages.values()})
    rows = f"{different} ways" if different > 1 else "once for all"
    say(space.base, f"read, checked, split and prepared the rows {rows}")
    for line in ready.warnings():
        say(space.base, f"warning: {line}")
    return ready


@task(name="train", cache_policy=NO_CACHE, persist_result=False)
def train_configurations(
    ready: ReadySweep, sweep: SweepFolder, ended: Callable[[SweepRecord, int], None]
) -> None:
    """Train what waits; each configuration is a run, and `ended` is called with its number."""
    jobs, base = jobs_of(ready, sweep), ready.space.base
    record = sweep.record()
    workers = record.workers
    if jobs:
        processes = f"{workers.number} process{'es' if workers.number > 1 else ''}"
        say(base, f"training {len(jobs)} configurations in {processes} ({workers.reason})")
    with show_sweep(base, record) as observe:

        def note(event: Event, record: SweepRecord) -> None:
            observe(event, record)
            if event.kind == "ended":
                ended(record, event.number)

        train_all(sweep, jobs, note)


@task(name="publish", cache_policy=NO_CACHE, persist_result=False, retries=1, retry_delay_seconds=1)
def publish_runs(loaded: LoadedConfig, sweep: SweepFolder) -> None:
    """Send to MLflow what it does not have yet of a sweep that has ended, and of its runs."""
    target = publish_all(sweep)
    say(loaded, f"showed the sweep in MLflow ({target.uri})")
