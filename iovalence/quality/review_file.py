"""Own the format of label_review.csv: written by a run, filled in by a person, read by the next.

It knows nothing of what a decision means. People open it with a spreadsheet, so any usual
delimiter and encoding is read, and columns of their own may follow ours.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.atomic import replacing
from iovalence.data.encoding import find_encoding
from iovalence.data.files import fingerprint_file
from iovalence.data.packing import unpacked
from iovalence.data.schema import SOURCES
from iovalence.data.table import Table
from iovalence.errors import DataError

KEY = "quality.labels.review_file"
COLUMNS = ("source", "row", "given", "suggested", "score", "decision")
MAX_OPEN = 10_000
"""Rows to decide on that a file lists: more is no work for a person, and no file to open."""

_DECISION = COLUMNS.index("decision")
_BLOCK_ROWS = 1024
_HEAD_BYTES = 1 << 16
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_OTHER_FILES = (b"PAR1", b"ARROW1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_FIRST_NAME = re.compile(r'"?source"?\s*([,;\t|])')


@dataclass(frozen=True)
class ReviewLine:
    """Hold one row of the file, as it is written there.

    Attributes:
        number: Line of the file that it ends on, from 1.
        fields: Texts: ours, those of the table's columns, and what the person added.
    """

    number: int
    fields: tuple[str, ...]

    @property
    def source(self) -> str:
        """Return the file that the row came from."""
        return self.fields[0]

    @property
    def row(self) -> int | None:
        """Return the row's number in that file, or None where it is no number."""
        text = self.fields[1].removesuffix(".0")
        return int(text) if text.isdecimal() else None

    @property
    def given(self) -> str:
        """Return the label that the row had."""
        return self.fields[2]

    @property
    def decision(self) -> str:
        """Return what the person wrote; empty for nothing yet."""
        return self.fields[_DECISION]

    @property
    def values(self) -> tuple[str, ...]:
        """Return the row's own values, and what the person added after them."""
        return self.fields[len(COLUMNS) :]


def hash_review(path: Path) -> str:
    """Return the SHA-256 of a review file's bytes, in hexadecimal.

    Raises:
        DataError: It is missing or cannot be read.
    """
    if not path.is_file():
        raise DataError(f"{KEY} must name a file, found none ({path})")
    return fingerprint_file(path, "train", KEY).sha256


def read_decided(path: Path, names: Sequence[str]) -> tuple[ReviewLine, ...]:
    """Return the lines of a review file that a person has decided on.

    Args:
        path: The file.
        names: The table's columns, in order.

    Raises:
        DataError: It is no text, or does not have these columns, or a line has other fields.
    """
    text = _read_text(path)
    found = _FIRST_NAME.match(text)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=found[1] if found else ",")
    try:
        header = [name.strip() for name in next(lines, [])]
        _check_header(header, (*COLUMNS, *names), path)
        return tuple(_decided(lines, len(header), path))
    except csv.Error as err:
        raise DataError(
            f"{KEY} must hold rows of fields, got '{err}' ({path}:{lines.line_num})"
        ) from err


def _require_csv(path: Path) -> None:
    """Refuse other files by their first bytes: what reads tables would offer more than is read."""
    with unpacked(path, KEY) as file:
        head = file.read(_HEAD_BYTES)
    is_text = head[:2] in _UTF_16_MARKS or b"\0" not in head
    if not is_text or head.startswith(_OTHER_FILES):
        raise DataError(
            f"{KEY} must be a CSV file, as label_review.csv is, got another kind of file ({path}); "
            "save it as CSV in the spreadsheet"
        )


def _read_text(path: Path) -> str:
    _require_csv(path)
    encoding = find_encoding(path, KEY)
    with unpacked(path, KEY) as file:
        text = file.read().decode(encoding).removeprefix("\ufeff")
    if not text.strip():
        raise DataError(
            f"{KEY} must hold the lines of a run's label_review.csv, got an empty file ({path})"
        )
    return text


def _check_header(header: Sequence[str], expected: Sequence[str], path: Path) -> None:
    for at, name in enumerate(expected):
        if at >= len(header) or header[at] != name:
            found = f"'{header[at]}'" if at < len(header) else "none"
            kind = "of a label_review.csv" if at < len(COLUMNS) else "of this data's own table"
            raise DataError(
                f"{KEY} must have the columns {kind}, in order, got {found} where '{name}' should "
                f"be, column {at + 1} ({path}:1)"
            )


def _decided(lines: Iterator[list[str]], num_fields: int, path: Path) -> Iterator[ReviewLine]:
    for fields in lines:
        number = int(lines.line_num)  # type: ignore[attr-defined]
        if not any(field.strip() for field in fields):
            continue
        if len(fields) != num_fields:
            raise DataError(
                f"{KEY} must have {num_fields} fields in every line, got {len(fields)} "
                f"({path}:{number}); quote fields that hold the delimiter"
            )
        line = ReviewLine(number, tuple(field.strip() for field in fields))
        if line.decision:
            yield line


def write_review(
    path: Path,
    table: Table,
    target: pa.Array,
    rows: tuple[NDArray[np.int64], pa.Array, NDArray[np.float32]],
    decided: Sequence[ReviewLine] = (),
) -> None:
    """Write a review file: what is open first, then what is decided, so that none is lost.

    Args:
        path: Where to write.
        table: N rows.
        target: Labels after the checks, (N,).
        rows: What is open, the most doubtful first, of which `MAX_OPEN` are listed: rows of the
            table, int64 (S,), the labels suggested (S,), and the probability of the labels as
            they are, (S,).
        decided: Lines of the file that was applied.
    """
    index, suggested, score = rows[0][:MAX_OPEN], rows[1][:MAX_OPEN], rows[2][:MAX_OPEN]
    source, numbers = table.source_of_rows()[index], table.row_numbers()[index]
    given = target.take(pa.array(index)).fill_null("").to_pylist()
    opened = zip(source, numbers, given, suggested.to_pylist(), score, strict=True)
    names = table.columns.column_names
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*COLUMNS, *names))
        for (at, row, label, other, probability), values in zip(
            opened, row_texts(table, index), strict=True
        ):
            writer.writerow((SOURCES[at], row, label, other, f"{probability:.4f}", "", *values))
        writer.writerows(line.fields[: len(COLUMNS) + len(names)] for line in decided)


def row_texts(table: Table, index: NDArray[np.int64]) -> Iterator[tuple[str, ...]]:
    """Yield the values of rows, int64 (S,), as texts; empty for a missing one."""
    taken = pa.array(index)
    # As Arrow's texts they take a tenth of the memory of Python's.
    by_name = {
        name: values.take(taken).cast(pa.string())
        for name, values in zip(table.columns.column_names, table.columns.columns, strict=True)
    }
    for name, written in table.with_written().items():
        by_name[name] = pc.coalesce(written.take(taken), by_name[name])
    texts = [values.fill_null("") for values in by_name.values()]
    for start in range(0, len(index), _BLOCK_ROWS):
        block = (column.slice(start, _BLOCK_ROWS).to_pylist() for column in texts)
        yield from zip(*block, strict=True)
