"""Own the one way files are written: whole or not at all."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from iovalence.errors import StorageError


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


def write_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write files into a temporary folder, flush them, and rename it to `folder`.

    `folder` must not exist, unless another process has made it meanwhile: then that one stays.

    Raises:
        StorageError: The folder cannot be written to, or the disk is full.
    """
    import shutil

    _make_folder(folder.parent)
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as err:
        raise explain_os_error(err, folder, "writing") from err
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
