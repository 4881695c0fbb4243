"""Own `iovalence sync`: which runs MLflow has not been told whole, and telling it."""

from collections.abc import Callable
from pathlib import Path

from iovalence.errors import TrackingError
from iovalence.runs.folder import RunFolder, list_runs
from iovalence.tracking.environment import default_uri
from iovalence.tracking.publish import publish_to
from iovalence.tracking.record import Target, TrackingRecord


def sync_runs(workspace: Path, say: Callable[[str], None]) -> tuple[str, ...]:
    """Send every run that has ended to MLflow, as far as it is not there; return their ids.

    Args:
        workspace: Whose runs.
        say: Called with a line for each run.

    Raises:
        TrackingError: One line for each run that MLflow could not take.
    """
    faults, whole = [], []
    for run in list_runs(workspace):
        if run.manifest().state() == "RUNNING":
            say(f"{run.run_id} still runs")
            continue
        try:
            published = publish_to(run, _target(run, workspace), final=True)
        except TrackingError as err:
            faults += [f"{run.run_id}: {fault}" for fault in err.faults]
        else:
            say(f"{run.run_id} is whole in MLflow ({published.uri})")
            whole.append(run.run_id)
    if faults:
        raise TrackingError(faults)
    return tuple(whole)


def _target(run: RunFolder, workspace: Path) -> Target:
    if run.tracking.is_file():
        return TrackingRecord.load(run.tracking).target
    from iovalence.config.load import load_config

    tracking = load_config(run.config_resolved).config.tracking
    return Target(
        uri=tracking.uri or default_uri(workspace),
        experiment=run.manifest().experiment,
        rows=tracking.rows,
        tags=tracking.tags,
        register_as=tracking.register_as,
    )
