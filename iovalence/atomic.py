"""Own the one way files are written: whole or not at all."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from iovalence.errors import StorageError

_FILE = re.compile(r"\..+\.(?P<pid>\d+)\.tmp")
_SCRATCH = re.compile(r"\..+\.(?P<pid>\d+)\.[a-z0-9_]{8}")
_FOLDER = re.compile(r"\.(?P<name>.+)\.[a-z0-9_]{8}")


def explain_os_error(err: OSError, path: Path, doing: str) -> StorageError:
    """Return the error to raise when the operating system refused to read or write `path`."""
    cause = err.strerror or str(err)
    return StorageError(
        f"{doing} must be possible, got '{cause}' ({path}); check the disk's space and your rights"
    )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; flush and rename it when the block ends well.

    A reader sees the old file or the new one, also after a power cut. What a failing block
    wrote is removed.

    Raises:
        StorageError: The folder cannot be written to, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    _make_folder(path.parent)
    try:
        yield temporary
        flush(temporary)
        temporary.replace(path)
        flush(path.parent)
    except OSError as err:
        if isinstance(err, StorageError):
            raise
        raise explain_os_error(err, path, "writing") from err
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all; see `replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` to `path` as UTF-8, whole or not at all; see `replacing`."""
    write_bytes(path, content.encode())


def copy_file(source: Path, path: Path) -> None:
    """Copy a file to `path`, whole or not at all; see `replacing`."""
    import shutil

    with replacing(path) as temporary:
        shutil.copyfile(source, temporary)


def remove(path: Path) -> None:
    """Remove a file, if it is there.

    Raises:
        StorageError: It cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as err:
        raise explain_os_error(err, path, "removing") from err


def write_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write files into a temporary folder, flush them, and rename it to `folder`.

    `folder` must not exist, unless another process has made it meanwhile: then that one stays.

    Raises:
        StorageError: The folder cannot be written to, or the disk is full.
    """
    temporary = _make_temporary(folder.parent, folder.name)
    try:
        fill(temporary)
        for path in sorted(temporary.rglob("*"), reverse=True):
            flush(path)
        flush(temporary)
        temporary.rename(folder)
        flush(folder.parent)
    except OSError as err:
        if isinstance(err, StorageError):
            raise
        if not folder.is_dir():
            raise explain_os_error(err, folder, "writing") from err
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def scratch_folder(parent: Path, name: str) -> Iterator[Path]:
    """Yield an empty folder in `parent` that is removed when the block ends, well or not.

    Its name tells the process that it belongs to, for `owner_of`.

    Raises:
        StorageError: `parent` cannot be written to.
    """
    folder = _make_temporary(parent, f"{name}.{os.getpid()}")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def owner_of(path: Path) -> int | None:
    """Return the number of the process that a temporary file or scratch folder belongs to.

    None for anything else, and for the folders of `write_folder`, which name no process.
    """
    found = _FILE.fullmatch(path.name) or _SCRATCH.fullmatch(path.name)
    return int(found["pid"]) if found else None


def meant_name(path: Path) -> str | None:
    """Return the name that a folder of `write_folder` would have got; None for anything else."""
    found = None if owner_of(path) is not None else _FOLDER.fullmatch(path.name)
    return found["name"] if found else None


def _make_temporary(parent: Path, name: str) -> Path:
    _make_folder(parent)
    try:
        return Path(tempfile.mkdtemp(prefix=f".{name}.", dir=parent))
    except OSError as err:
        raise explain_os_error(err, parent / name, "writing") from err


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise explain_os_error(err, folder, "writing") from err


def flush(path: Path) -> None:
    """Have the operating system write a file or a folder's entries to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
