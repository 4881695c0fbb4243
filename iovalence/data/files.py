"""Own which files a setting names, and what identifies their bytes; know nothing of tables."""

import glob
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from iovalence.data.schema import SOURCES, Source, SourceFile
from iovalence.data.section import DataSection
from iovalence.errors import DataError
from iovalence.names import nearest

_TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".psv", ".txt", ".data", ".dat"})
_ARROW_SUFFIXES = frozenset({".parquet", ".pq", ".arrow", ".arrows", ".feather", ".ipc"})
TABLE_SUFFIXES = _TEXT_SUFFIXES | _ARROW_SUFFIXES
PACKED_SUFFIXES = frozenset({".gz", ".bz2", ".xz", ".zst", ".zstd"})
_HASH_BLOCK = 1 << 20


def find_files(value: str, base: Path, key: str) -> tuple[Path, ...]:
    """Return the files that a setting names, in the order of their names.

    Args:
        value: A file, a folder or a glob.
        base: Folder that `value` is relative to.
        key: The setting, for messages, as in `data.train_file`.

    Raises:
        DataError: Nothing is there, the folder holds no data files, or may not be looked at.
    """
    path = base / Path(value).expanduser()
    try:
        if path.is_dir():
            return _files_of_folder(path, key)
        if path.exists():
            return (_regular(path, key),)
        found = _files_of_glob(path)
    except OSError as err:
        raise unreadable(err, path, key) from err
    if not found:
        raise DataError(_nothing_there(path, key))
    return found


def _regular(path: Path, key: str) -> Path:
    if not path.is_file():
        raise DataError(f"{key} must name a regular file, got a device, pipe or socket ({path})")
    return path


def unreadable(err: OSError, path: Path, key: str) -> DataError:
    """Return the error to raise when the operating system refused to read `path`."""
    cause = err.strerror or str(err)
    return DataError(f"{key} must be readable, got '{cause}' ({path}); check path and permissions")


def _files_of_folder(folder: Path, key: str) -> tuple[Path, ...]:
    found = tuple(sorted(path for path in folder.iterdir() if _is_table_file(path)))
    if not found:
        raise DataError(
            f"{key} must name a folder with CSV, TSV, Parquet or Arrow files, "
            f"found none ({folder}); name a file, or a glob such as '{folder.name}/*'"
        )
    return found


def _is_table_file(path: Path) -> bool:
    # Names that start so are by convention not data: .DS_Store, _SUCCESS, _metadata.
    if path.name.startswith((".", "_")):
        return False
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in PACKED_SUFFIXES:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in TABLE_SUFFIXES and path.is_file()


def _files_of_glob(path: Path) -> tuple[Path, ...]:
    found = (Path(name) for name in glob.glob(str(path), recursive=True))  # noqa: PTH207
    return tuple(sorted(path for path in found if path.is_file()))


def _nothing_there(path: Path, key: str) -> str:
    hint = ""
    if path.parent.is_dir():
        hint = nearest(path.name, os.listdir(path.parent))  # noqa: PTH208
    return f"{key} must name a file, a folder or a glob, found nothing ({path}){hint}"


def source_settings(section: DataSection) -> Iterator[tuple[Source, str, str]]:
    """Yield source, setting and value of each file that the section gives, train first."""
    for source in SOURCES:
        value = getattr(section, f"{source}_file")
        if value is not None:
            yield source, f"data.{source}_file", value


def fingerprint(section: DataSection, base: Path) -> tuple[SourceFile, ...]:
    """Return what identifies the bytes of every file that the section names.

    Raises:
        DataError: A file is missing or cannot be read.
    """
    return tuple(
        fingerprint_file(path, source, key)
        for source, key, value in source_settings(section)
        for path in find_files(value, base, key)
    )


def fingerprint_file(path: Path, source: Source, key: str) -> SourceFile:
    """Return what identifies the bytes of one file, which the setting `key` names.

    Raises:
        DataError: It is missing or cannot be read.
    """
    digest, num_bytes = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(_HASH_BLOCK):
                digest.update(block)
                num_bytes += len(block)
    except OSError as err:
        raise unreadable(err, path, key) from err
    return SourceFile(path=str(path), source=source, num_bytes=num_bytes, sha256=digest.hexdigest())
