"""Own what in a workspace nobody needs any more, and its removal: `iovalence gc`.

It knows runs by their manifests and files by their names; it reads no data and no checkpoint.
What may still be needed stays: all of a run that goes on, the stages that any run refers to,
what a process holds the lock of, and what was asked for within the last hour.
"""

import os
import platform
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from iovalence.atomic import explain_os_error, meant_name, owner_of
from iovalence.errors import StorageError
from iovalence.record import Record
from iovalence.runs.checks import all_checks_folder
from iovalence.runs.folder import RunFolder, list_runs, runs_folder
from iovalence.runs.manifest import Manifest
from iovalence.runs.store import folder_name, lock_of, store_folder
from iovalence.runs.sweep import SweepFolder, list_sweeps, sweeps_folder

Kind = Literal["stage", "temporary", "checkpoint", "lock"]
KINDS: tuple[Kind, ...] = ("stage", "temporary", "checkpoint", "lock")
REST_SECONDS = 3600.0
KEPT_CHECKPOINTS = frozenset({"best", "last"})
_STORED = re.compile("[0-9a-f]{32}")


class Removed(Record):
    """Name one thing that was removed, or would be.

    Attributes:
        kind: What it is.
        path: Where it was; a file, or a folder with all in it.
        num_bytes: Its size.
    """

    kind: Kind
    path: Path
    num_bytes: int


class Cleaning(Record):
    """Say what came of cleaning a workspace.

    Attributes:
        dry_run: Whether nothing was removed, and this is what would be.
        removed: In the order of `KINDS`.
        num_bytes: Size of all of it.
        notes: What was left although it looks unneeded, and why; a line each.
        failures: What could not be removed, and why; a line each.
    """

    dry_run: bool
    removed: tuple[Removed, ...]
    num_bytes: int
    notes: tuple[str, ...]
    failures: tuple[str, ...]

    def totals(self) -> list[tuple[str, int, int]]:
        """Return kind, number and bytes of what was removed, for each kind there is."""
        sizes = {
            kind: [item.num_bytes for item in self.removed if item.kind == kind] for kind in KINDS
        }
        return [(kind, len(some), sum(some)) for kind, some in sizes.items() if some]


@dataclass(frozen=True)
class _Candidate:
    """Hold something to remove, and how.

    Attributes:
        kind: What it is.
        path: Where it is.
        remove: Removes it unless it has come into use meanwhile; says whether it did.
    """

    kind: Kind
    path: Path
    remove: Callable[[], bool]


@dataclass(frozen=True)
class _Known:
    """Hold the runs of a workspace.

    Attributes:
        workspace: Their folder.
        manifests: Of each run whose manifest can be read.
        damaged: The other runs.
        ended: The runs that no process writes into.
        busy: Ids of the sweeps that go on: they may take up any run and any stage of theirs.
    """

    workspace: Path
    manifests: dict[RunFolder, Manifest]
    damaged: tuple[RunFolder, ...]
    ended: frozenset[RunFolder]
    busy: frozenset[str]

    def stage_folders(self) -> set[tuple[str, str]]:
        """Return stage and folder's name of every result that a run refers to."""
        return {
            (stage, folder_name(cost.key))
            for manifest in self.manifests.values()
            for stage, cost in manifest.stages.items()
            if cost.key
        }


def clean_workspace(workspace: Path, *, dry_run: bool = False) -> Cleaning:
    """Remove what no run needs, and say what it was.

    Args:
        workspace: Folder of runs.
        dry_run: Remove nothing; say what would be removed.

    Raises:
        StorageError: A lock may not be looked at.
    """
    known = _survey(workspace)
    removed: list[Removed] = []
    failures: list[str] = []
    for find in (_unneeded_stages, _temporaries, _checkpoints, _locks):
        for found in list(find(known)):
            item = Removed(kind=found.kind, path=found.path, num_bytes=_size(found.path))
            try:
                if dry_run or found.remove():
                    removed.append(item)
            except OSError as err:
                failures.append(f"{found.path} must be removable, got '{err.strerror or err}'")
    return Cleaning(
        dry_run=dry_run,
        removed=tuple(removed),
        num_bytes=sum(item.num_bytes for item in removed),
        notes=_notes(known),
        failures=tuple(failures),
    )


def _survey(workspace: Path) -> _Known:
    manifests, damaged = {}, []
    for run in list_runs(workspace):
        try:
            manifests[run] = run.manifest()
        except StorageError:
            damaged.append(run)
    busy = frozenset(sweep.sweep_id for sweep in list_sweeps(workspace) if _is_busy(sweep))
    at_rest = (
        run
        for run, manifest in manifests.items()
        if manifest.state() != "RUNNING" and manifest.sweep_id not in busy and is_free(run.lock)
    )
    return _Known(workspace, manifests, tuple(damaged), frozenset(at_rest), busy)


def _is_busy(sweep: SweepFolder) -> bool:
    try:
        return sweep.record().state() == "RUNNING"
    except StorageError:
        return True


def _notes(known: _Known) -> tuple[str, ...]:
    if known.damaged:
        names = ", ".join(run.run_id for run in known.damaged)
        return (f"all stages stay: no manifest can be read that says which are needed by {names}",)
    if known.busy:
        return (f"all stages stay: a sweep goes on ({', '.join(sorted(known.busy))})",)
    young = sum(_is_young(folder) for folder in _unreferred(known))
    if young:
        return (f"stages of the last hour stay, {young} here: a run may be about to need them",)
    return ()


def _unneeded_stages(known: _Known) -> Iterator[_Candidate]:
    if known.damaged or known.busy:
        return
    for folder in _unreferred(known):
        if not _is_young(folder) and is_free(lock_of(folder)):
            yield _Candidate("stage", folder, _stage_remover(folder))


def _unreferred(known: _Known) -> list[Path]:
    """Return the stages' folders that no run refers to."""
    needed = known.stage_folders()
    return [
        folder
        for folder in _in_store(known.workspace, "")
        if folder.is_dir() and (folder.parent.name, folder.name) not in needed
    ]


def _in_store(workspace: Path, suffix: str) -> list[Path]:
    """Return what is named as the store names things: a workspace may hold a person's files too."""
    store = store_folder(workspace)
    return [
        path
        for path in sorted(store.glob(f"*/*{suffix}"))
        if _STORED.fullmatch(path.name.removesuffix(suffix))
        and not any(at.is_symlink() for at in (store, path.parent, path))
    ]


def _is_young(folder: Path) -> bool:
    """Say whether a stage was made, or asked for again, within the last hour."""
    try:
        return time.time() - folder.stat().st_mtime < REST_SECONDS
    except FileNotFoundError:
        return False


def _stage_remover(folder: Path) -> Callable[[], bool]:
    def remove() -> bool:
        with _holding(lock_of(folder)) as is_held:
            # A run that began since the survey has asked for it, and so made it young.
            if not is_held or _is_young(folder):
                return False
            shutil.rmtree(folder)
        return True

    return remove


def _temporaries(known: _Known) -> Iterator[_Candidate]:
    """Find what killed processes left half written."""
    workspace = known.workspace
    folders = (store_folder(workspace), sweeps_folder(workspace), all_checks_folder(workspace))
    inside = (path for at in folders for path in sorted(at.glob("*/")))
    places = [workspace, *(path for path in inside if not path.is_symlink())]
    for path in (path for place in places for path in sorted(place.glob(".*"))):
        if _is_orphan(path) or _is_half_made(path):
            yield _Candidate("temporary", path, _remover(path))
    for root in sorted(runs_folder(known.workspace).glob("*/")):
        for path in _temporaries_of(RunFolder(root), known):
            yield _Candidate("temporary", path, _remover(path))


def _temporaries_of(run: RunFolder, known: _Known) -> Iterator[Path]:
    manifest, is_at_rest = known.manifests.get(run), run in known.ended
    if manifest is not None and not is_at_rest and manifest.process.host != platform.node():
        # Its processes are on another machine: numbers of processes say nothing here.
        return
    inside: list[Path] = []
    for path in sorted(run.root.rglob(".*")):
        if any(folder in path.parents for folder in inside):
            continue
        if _is_orphan(path) or (is_at_rest and path.is_dir() and meant_name(path)):
            inside.append(path)
            yield path


def _is_orphan(path: Path) -> bool:
    """Say whether a path names the process that it belongs to, and that one is no more."""
    import psutil

    pid = owner_of(path)
    return pid is not None and not psutil.pid_exists(pid)


def _is_half_made(path: Path) -> bool:
    """Say whether a folder was being written under a lock that nobody holds any more."""
    name = meant_name(path)
    if name is None or not path.is_dir():
        return False
    locks = [path.with_name(f"{name}.lock"), path.with_name(f".{name}.lock")]
    there = [lock for lock in locks if lock.exists()]
    if not there:
        # Its lock may have been removed as one that guards nothing.
        return _STORED.fullmatch(name) is not None and not _is_young(path)
    return all(is_free(lock) for lock in there)


def _remover(path: Path) -> Callable[[], bool]:
    def remove() -> bool:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        return True

    return remove


def _checkpoints(known: _Known) -> Iterator[_Candidate]:
    """Find the checkpoints of finished runs that only a run that goes on needs."""
    for run, manifest in known.manifests.items():
        if manifest.status != "FINISHED" or run not in known.ended:
            continue
        files = [path for path in sorted(run.checkpoints.glob("*")) if path.is_file()]
        if {path.stem for path in files} >= KEPT_CHECKPOINTS:
            for path in files:
                if path.stem not in KEPT_CHECKPOINTS and _is_recorded(run, manifest, path):
                    yield _Candidate("checkpoint", path, _checkpoint_remover(run, path))


def _is_recorded(run: RunFolder, manifest: Manifest, path: Path) -> bool:
    name = path.relative_to(run.root).as_posix()
    return name in manifest.files or name in manifest.pruned


def _checkpoint_remover(run: RunFolder, path: Path) -> Callable[[], bool]:
    def remove() -> bool:
        # Who holds one may be about to go on from this very file, or be sending it to MLflow.
        with _holding(run.lock) as is_at_rest, _holding(run.tracking_lock) as is_sent:
            manifest = run.manifest()
            if not (is_at_rest and is_sent and manifest.status == "FINISHED"):
                return False
            files, name = dict(manifest.files), path.relative_to(run.root).as_posix()
            if name in files:
                # First the record: it never lists a file that is not there.
                run.update(pruned=manifest.pruned | {name: files.pop(name)}, files=files)
            path.unlink(missing_ok=True)
        return True

    return remove


def _locks(known: _Known) -> Iterator[_Candidate]:
    """Find lock files that guard nothing: of stages that are gone, and of runs that ended."""
    leaving = {found.path for found in _unneeded_stages(known)}
    guards = _in_store(known.workspace, ".lock")
    folders = ((lock, lock.with_suffix("")) for lock in guards)
    stale = [lock for lock, folder in folders if folder in leaving or not folder.exists()]
    stale += [
        lock
        for run in sorted(known.ended, key=lambda run: run.run_id)
        for lock in sorted(run.root.glob(".*.lock"))
    ]
    for lock in stale:
        if is_free(lock):
            yield _Candidate("lock", lock, _lock_remover(lock))


def _lock_remover(lock: Path) -> Callable[[], bool]:
    def remove() -> bool:
        with _holding(lock) as is_held:
            if is_held:
                lock.unlink(missing_ok=True)
        return is_held

    return remove


@contextmanager
def _holding(path: Path) -> Iterator[bool]:
    """Hold a lock for a block if nobody else does; yield whether it is held."""
    from filelock import FileLock, Timeout

    lock, is_new = FileLock(path), not path.exists()
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    except OSError as err:
        raise explain_os_error(err, path, "locking") from err
    try:
        yield True
    finally:
        if is_new:
            path.unlink(missing_ok=True)
        lock.release()


def is_free(path: Path) -> bool:
    """Say whether nobody holds the lock of a file; one that is not there is free."""
    if not path.exists():
        return True
    with _holding(path) as is_held:
        return is_held


def _size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder; what vanishes meanwhile is 0."""
    if not path.is_dir():
        return _file_size(path)
    return sum(_file_size(Path(root, name)) for root, _, names in os.walk(path) for name in names)


def _file_size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0
