"""Own how a file is opened whatever packs it, and what its first bytes say it is."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, cast

import pyarrow as pa

from iovalence.data.files import unreadable
from iovalence.errors import DataError

Format = Literal["delimited", "parquet", "arrow file", "arrow stream"]
BLOCK_BYTES = 1 << 22

_PACKERS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz", b"(\xb5/\xfd": "zstd"}
_FORMATS: dict[bytes, Format] = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow file",
    b"\xff\xff\xff\xff": "arrow stream",
}
_FOREIGN = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"SQLite format 3": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"\x89PNG": "a picture",
    b"FEA1": "a Feather file of version 1",
    b"ORC": "an ORC file",
}
_HEAD_BYTES = 16


@contextmanager
def unpacked(path: Path, key: str) -> Iterator[IO[bytes]]:
    """Open a file for reading, decompressed as its first bytes say.

    Args:
        path: The file.
        key: The setting that named it, for messages.

    Raises:
        DataError: The file cannot be read, or what packs it is damaged.
    """
    try:
        with path.open("rb") as file:
            packer = _match(file.read(_HEAD_BYTES), _PACKERS)
            file.seek(0)
            yield _unpack(file, packer)
    except (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError) as err:
        raise DataError(_damaged(path, key, err)) from err
    except OSError as err:
        # Damaged bz2 and zstd raise a bare OSError, without the number of a system call.
        if err.errno is None:
            raise DataError(_damaged(path, key, err)) from err
        raise unreadable(err, path, key) from err


def _match(head: bytes, known: dict[bytes, str]) -> str | None:
    return next((name for magic, name in known.items() if head.startswith(magic)), None)


def _unpack(file: IO[bytes], packer: str | None) -> IO[bytes]:
    if packer == "gzip":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if packer == "bz2":
        return bz2.BZ2File(file)
    if packer == "xz":
        return lzma.LZMAFile(file)
    if packer == "zstd":
        return cast("IO[bytes]", pa.CompressedInputStream(file, "zstd"))
    return file


def _damaged(path: Path, key: str, err: Exception) -> str:
    cause = str(err).replace("\n", " ")
    return f"{key} must be a whole file, found it damaged: {cause} ({path}); fetch it again"


def find_format(path: Path, key: str) -> Format:
    """Return what a file holds, by its first bytes once unpacked.

    Raises:
        DataError: The file is empty, cannot be read, or is known to be something else.
    """
    with unpacked(path, key) as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise DataError(f"{key} must hold rows, found an empty file ({path})")
    if foreign := _match(head, _FOREIGN):
        raise DataError(
            f"{key} must be a CSV, TSV, Parquet or Arrow file, found {foreign} ({path}); "
            "export the table as CSV or Parquet"
        )
    return next((name for magic, name in _FORMATS.items() if head.startswith(magic)), "delimited")
