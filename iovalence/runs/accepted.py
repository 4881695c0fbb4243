"""Own which earlier run a run is compared with, and that it stays the same one.

The last accepted run is the newest of the same experiment that met all its gates. A run keeps what
it was compared with in a file of its own, so that going on with it, or making it again, needs no
other run.
"""

from pathlib import Path

from iovalence.errors import StorageError
from iovalence.quality.comparison import Accepted
from iovalence.quality.profile import Profile
from iovalence.runs.folder import RunFolder, list_runs, runs_folder
from iovalence.runs.manifest import Manifest, hash_file


def find_accepted(workspace: Path, experiment: str, profile: Profile) -> Accepted:
    """Return the last accepted run that predicts the same, and what is remembered of it.

    A run whose profile is gone, damaged, or of another version, is passed over with a note.

    Args:
        workspace: Where to look.
        experiment: That of the run that asks.
        profile: Of its own table.
    """
    notes: list[str] = []
    for run in list_runs(workspace):
        if not _is_accepted(run, experiment):
            continue
        try:
            found = Profile.load(run.profile)
        except StorageError as err:
            notes.append(f"run {run.run_id} is compared with no more: {err.faults[0]}")
            continue
        if (found.target, found.task) == (profile.target, profile.task):
            return Accepted(run_id=run.run_id, profile=found, notes=tuple(notes))
    return Accepted(notes=tuple(notes))


def _is_accepted(run: RunFolder, experiment: str) -> bool:
    try:
        manifest = run.manifest()
    except StorageError:
        return False
    # A check or a requirement that is not met leaves a run FAILED. A candidate
    # was never measured on the test part.
    is_finished = manifest.status == "FINISHED" and not manifest.is_candidate
    return is_finished and manifest.experiment == experiment


def recall_accepted(run: RunFolder) -> Accepted | None:
    """Return what a run was compared with already; None where it has not come to that yet.

    Where its own file of it is gone or altered, the profile of the run compared with stands in.
    """
    manifest = run.manifest()
    if not (run.accepted_profile.is_file() or manifest.compared_with):
        return None
    if _is_unaltered(run.accepted_profile, manifest):
        try:
            return Accepted.load(run.accepted_profile)
        except StorageError:
            pass
    if manifest.compared_with is None:
        return Accepted()
    return _rebuild(run, manifest.compared_with)


def _is_unaltered(path: Path, manifest: Manifest) -> bool:
    recorded = manifest.files.get(path.name)
    return path.is_file() and recorded in (None, hash_file(path))


def _rebuild(run: RunFolder, run_id: str) -> Accepted:
    other = RunFolder(runs_folder(run.root.parents[1]) / run_id)
    try:
        return Accepted(run_id=run_id, profile=Profile.load(other.profile))
    except StorageError as err:
        line = (
            f"{run.accepted_profile.name} of run {run.run_id} must hold what it was compared "
            f"with, got a file that is gone or altered, and of run {run_id} itself: {err.faults[0]}"
        )
        return Accepted(run_id=run_id, notes=(line,))


def record_accepted(run: RunFolder, accepted: Accepted) -> None:
    """Write into a run what it is compared with."""
    accepted.save(run.accepted_profile)
    run.update(compared_with=accepted.run_id)
