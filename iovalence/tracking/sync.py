"""Own sending later what MLflow missed: every run of a workspace that is not whole there."""

from dataclasses import dataclass, field
from pathlib import Path

from iovalence.errors import IOValenceError
from iovalence.evaluation.result import EvaluationResult
from iovalence.runs.folder import RunFolder, list_runs
from iovalence.runs.sweep import SweepFolder
from iovalence.tracking.description import read_config
from iovalence.tracking.environment import default_uri
from iovalence.tracking.publish import is_whole, publish_to
from iovalence.tracking.record import Target, TrackingRecord, read_record
from iovalence.tracking.section import TrackingSection
from iovalence.tracking.store import UnreachableError


@dataclass
class Synced:
    """Say what came of sending the runs of a workspace.

    Attributes:
        sent: Ids of the runs that were sent now.
        failures: A line for each run that could not be sent, by its id.
        num_whole: Runs that MLflow had whole already.
        num_running: Runs that have not ended: they send themselves.
    """

    sent: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    num_whole: int = 0
    num_running: int = 0


def target_of(run: RunFolder) -> Target:
    """Return where a run is to be shown, by its own configuration.

    A run that did not reach what `evaluation.require` asks for is not registered, nor is a
    candidate.

    Raises:
        StorageError: The resolved configuration, or the result, cannot be read.
    """
    manifest = run.manifest()
    target = base_target(run, manifest.experiment)
    unmet = run.metrics.is_file() and EvaluationResult.load(run.metrics).unmet
    if unmet or manifest.is_candidate:
        return target.model_copy(update={"register_as": None})
    return target


def base_target(folder: RunFolder | SweepFolder, experiment: str) -> Target:
    """Return where the configuration of a run or a sweep says that it is to be shown.

    Args:
        folder: Of the run or the sweep, in its workspace.
        experiment: Where the configuration names none.

    Raises:
        StorageError: The resolved configuration cannot be read.
    """
    section = TrackingSection.model_validate(read_config(folder).get("tracking") or {})
    return Target(
        uri=section.uri or default_uri(folder.root.parents[1]),
        experiment=section.experiment or experiment,
        rows=section.rows,
        tags=section.tags,
        register_as=section.register_as,
    )


def sync_workspace(workspace: Path) -> Synced:
    """Send every run of a workspace that has ended and that MLflow does not have whole."""
    synced = Synced()
    unreachable: dict[str, str] = {}
    for run in reversed(list_runs(workspace)):
        try:
            _sync(run, synced, unreachable)
        except IOValenceError as err:
            synced.failures[run.run_id] = err.faults[0]
    return synced


def _sync(run: RunFolder, synced: Synced, unreachable: dict[str, str]) -> None:
    if run.manifest().state() == "RUNNING":
        synced.num_running += 1
        return
    record = _record(run)
    uri = record.target.uri
    if is_whole(run, record):
        synced.num_whole += 1
    elif uri in unreachable:
        # A dead server costs seconds to ask: once is enough.
        synced.failures[run.run_id] = unreachable[uri]
    else:
        try:
            publish_to(run, record.target, final=True)
        except UnreachableError as err:
            unreachable[uri] = err.faults[0]
            raise
        synced.sent.append(run.run_id)


def is_sent(run: RunFolder) -> bool:
    """Say whether MLflow was sent all of a run that has ended.

    Raises:
        StorageError: Its configuration or its result cannot be read.
    """
    return is_whole(run, _record(run))


def _record(run: RunFolder) -> TrackingRecord:
    return read_record(run) or TrackingRecord(target=target_of(run))
