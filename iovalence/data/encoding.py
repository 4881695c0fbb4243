"""Own in which encoding a text file is read: UTF-8, UTF-16, else Windows-1252."""

import codecs
import re
from pathlib import Path

from iovalence.data.packing import BLOCK_BYTES, unpacked
from iovalence.errors import DataError

UTF_8, UTF_16, WINDOWS = "utf-8", "utf-16", "cp1252"
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Western text has single accented letters among plain ones. Three in a row, or a byte that
# Windows-1252 leaves undefined, are another alphabet or no text: read so, it would be garbled.
_NOT_WESTERN = re.compile(rb"[\x81\x8d\x8f\x90\x9d]|[\x80-\xff]{3}")


def find_encoding(path: Path, key: str) -> str:
    """Return the encoding of a text file, having looked at all of it.

    Args:
        path: The file, packed or plain.
        key: The setting that named it, for messages.

    Returns:
        `utf-8`, `utf-16`, or `cp1252` (Windows-1252, and so Latin-1).

    Raises:
        DataError: The file is binary, or text in none of these encodings.
    """
    with unpacked(path, key) as file:
        marked = file.read(2) in _UTF_16_MARKS
    if marked:
        _check_utf_16(path, key)
        return UTF_16
    line = _first_line_not_utf_8(path, key)
    if line is None:
        return UTF_8
    _check_western(path, key, line)
    return WINDOWS


def _check_utf_16(path: Path, key: str) -> None:
    decoder = codecs.getincrementaldecoder(UTF_16)()
    with unpacked(path, key) as file:
        try:
            while block := file.read(BLOCK_BYTES):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as err:
            raise DataError(_undecodable(path, key, "UTF-16", err.reason)) from err


def _first_line_not_utf_8(path: Path, key: str) -> int | None:
    """Return the first line, from 1, that is not UTF-8, or None when all of them are."""
    decoder, line, only_ascii = codecs.getincrementaldecoder(UTF_8)(), 1, True
    with unpacked(path, key) as file:
        while True:
            block = file.read(BLOCK_BYTES)
            if b"\0" in block:
                raise DataError(_binary(path, key, line + _lines_before(block, b"\0")))
            try:
                only_ascii &= decoder.decode(block, final=not block).isascii()
            except UnicodeDecodeError as err:
                line += err.object[: err.start].count(b"\n")
                if not (only_ascii and err.object[: err.start].isascii()):
                    raise DataError(_undecodable(path, key, "UTF-8", f"line {line}")) from err
                return line
            if not block:
                return None
            line += block.count(b"\n")


def _lines_before(block: bytes, mark: bytes) -> int:
    return block[: block.index(mark)].count(b"\n")


def _check_western(path: Path, key: str, line: int) -> None:
    with unpacked(path, key) as file:
        while block := file.read(BLOCK_BYTES):
            if _NOT_WESTERN.search(block):
                raise DataError(_undecodable(path, key, "UTF-8 or Windows-1252", f"line {line}"))


def _binary(path: Path, key: str, line: int) -> str:
    return (
        f"{key} must be a CSV, TSV, Parquet or Arrow file, found binary data: a NUL byte in line "
        f"{line} ({path}); export the table as CSV in UTF-8 or as Parquet"
    )


def _undecodable(path: Path, key: str, encoding: str, where: str) -> str:
    return (
        f"{key} must be text in {encoding}, found bytes that are not, first at {where} ({path}); "
        "save the table as UTF-8"
    )
