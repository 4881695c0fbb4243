"""Own how the configurations of a sweep are trained and compared, and the best one chosen."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from iovalence.errors import TrainingError
from iovalence.runs.folder import RunFolder
from iovalence.runs.sweep import SweepFolder, SweepRecord
from iovalence.sweeps.messages import Event, Group, Job
from iovalence.sweeps.opened import ReadySweep, jobs_of
from iovalence.sweeps.pool import WorkerPool
from iovalence.sweeps.ranking import rank
from iovalence.sweeps.rungs import taking_part
from iovalence.sweeps.settled import run_of, settle, settle_all

Observe = Callable[[Event, SweepRecord], None]
Done = Callable[[SweepRecord, int], None]


class Trains(Protocol):
    """Train groups of configurations, wherever that is done."""

    def run(self, groups: Sequence[Group]) -> Iterator[Event]:
        """Train the groups, and yield what becomes of each configuration."""


def train_all(ready: ReadySweep, sweep: SweepFolder, observe: Observe, done: Done) -> SweepRecord:
    """Train what waits in processes of their own; see `train_with`.

    Raises:
        WorkerError: The processes cannot be started.
    """
    number = sweep.record().workers.number
    try:
        with WorkerPool(number, sweep.workers_log) as pool:
            return train_with(pool, ready, sweep, observe, done)
    finally:
        # Processes that were ended here have closed their runs by now.
        settle_all(sweep.record(), sweep.workspace).save(sweep.record_path)


def train_with(
    pool: Trains, ready: ReadySweep, sweep: SweepFolder, observe: Observe, done: Done
) -> SweepRecord:
    """Train what waits, each configuration as a run of its own; return how all went.

    Args:
        pool: What trains.
        ready: The sweep's configurations and data.
        sweep: Its record is written after each event.
        observe: Called with each event, and the record after it.
        done: Called with the record and the number of each one that is not trained any further.

    Raises:
        StorageError: The record cannot be written.
    """
    record = sweep.record()
    for at in range(len(ready.rungs)):
        is_last = at == len(ready.rungs) - 1
        for event in pool.run(group(jobs_of(ready, sweep, record, at))):
            record = _note(sweep, record, event)
            observe(event, record)
            if is_last and event.kind == "ended":
                done(record, event.number)
        if not is_last:
            _leave_behind(ready, record, at, done)
    return record


def _leave_behind(ready: ReadySweep, record: SweepRecord, at: int, done: Done) -> None:
    before = taking_part(record.configurations, ready.rungs, at, ready.by)
    after = taking_part(record.configurations, ready.rungs, at + 1, ready.by)
    for number in before:
        if number not in after:
            done(record, number)


def group(jobs: Sequence[Job]) -> list[Group]:
    """Return the jobs as one process takes them: each alone.

    Configurations that one process would train together belong into one group.
    """
    return [Group(jobs=(job,)) for job in jobs]


def _note(sweep: SweepFolder, record: SweepRecord, event: Event) -> SweepRecord:
    """Return the record after an event, and write it down where it says more."""
    number = event.number
    if event.kind == "epoch":
        return record
    if event.kind == "started":
        record = record.changed(number, state="RUNNING", run_id=event.run_id)
    elif event.kind == "died":
        record = settle(record, number, workspace=sweep.workspace, cause=event.failure[0])
        record = record.changed(number, state="WAITING")
    elif event.failure_status is not None:
        failed = {"failure": event.failure, "failure_status": event.failure_status}
        record = record.changed(number, state="FAILED", **failed)
    else:
        record = settle(record, number, workspace=sweep.workspace)
    record = record.model_copy(update={"ranking": rank(record.configurations, record.by)})
    record.save(sweep.record_path)
    return record


def choose_best(sweep: SweepFolder) -> RunFolder:
    """Return the run of the best configuration, reopened so that all of it is measured.

    Raises:
        TrainingError: No configuration has finished.
    """
    record = sweep.record()
    best = record.configuration(record.best or record.ranking[0]) if record.ranking else None
    if best is None or best.state != "FINISHED" or best.run_id is None:
        causes = list(dict.fromkeys(line for one in record.configurations for line in one.failure))
        raise TrainingError(
            [
                f"a sweep must have a configuration that finishes, got none ({sweep.root})",
                *causes[:5],
            ]
        )
    run = run_of(sweep.workspace, best.run_id)
    sweep.update(best=best.number)
    run.reopen(is_chosen=True)
    return run
