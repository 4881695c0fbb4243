"""Own the reading of delimited text: blocks of rows, every field as text."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from iovalence.data.dialect import Dialect
from iovalence.data.encoding import UTF_16
from iovalence.data.packing import unpacked
from iovalence.errors import DataError

# No row may be longer than a block.
_BLOCK_BYTES = 1 << 23
_MAX_EXAMPLES = 5


@dataclass
class _RaggedRows:
    """Collect the rows that have another number of fields than the first."""

    has_header: bool
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, row: Any) -> str:
        self.count += 1
        if self.count <= _MAX_EXAMPLES:
            hint = " (line breaks within: is a quote left open?)" if "\n" in row.text else ""
            number = row.number - self.has_header
            self.examples.append(f"row {number} has {row.actual_columns}{hint}")
        return "skip"


def read_delimited(path: Path, key: str, dialect: Dialect) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a delimited text file, every field as text.

    Raises:
        DataError: Rows differ in their number of fields, or a quote is not closed.
    """
    ragged = _RaggedRows(dialect.has_header)
    to_skip = int(dialect.has_header)
    last: pa.RecordBatch | None = None
    with unpacked(path, key) as file:
        try:
            for batch in _open(file, dialect, ragged):
                # The header is read as a row, so that quotes in it are understood.
                yield batch.slice(to_skip)
                to_skip, last = 0, batch if batch.num_rows else last
        except pa.ArrowInvalid as err:
            raise DataError(_malformed(path, key, err)) from err
    if ragged.count:
        raise DataError(_ragged(path, key, dialect, ragged))
    if last is not None:
        _check_last_quote(path, key, last, dialect.encoding)


def _open(file: Any, dialect: Dialect, ragged: _RaggedRows) -> pa_csv.CSVStreamingReader:
    return pa_csv.open_csv(
        file,
        # One thread: only then does Arrow say which row is ragged. It is no slower.
        pa_csv.ReadOptions(
            use_threads=False,
            block_size=_BLOCK_BYTES,
            column_names=list(dialect.names),
            encoding=dialect.encoding,
        ),
        pa_csv.ParseOptions(
            delimiter=dialect.delimiter,
            newlines_in_values=True,
            invalid_row_handler=ragged.add,
        ),
        pa_csv.ConvertOptions(
            column_types={name: pa.string() for name in dialect.names}, strings_can_be_null=False
        ),
    )


def _malformed(path: Path, key: str, err: pa.ArrowInvalid) -> str:
    cause = str(err).split("\n")[0]
    if "straddling" in cause:
        cause = f"a row longer than {_BLOCK_BYTES >> 20} MB, most likely a quote that is not closed"
    return f"{key} must hold rows of fields, found {cause} ({path})"


def _ragged(path: Path, key: str, dialect: Dialect, ragged: _RaggedRows) -> str:
    more = f", and {ragged.count - _MAX_EXAMPLES} more" if ragged.count > _MAX_EXAMPLES else ""
    return (
        f"{key} must have {len(dialect.names)} fields in every row, found {ragged.count} "
        f"with another number: {', '.join(ragged.examples)}{more} ({path}); "
        "quote fields that hold the delimiter, or set data.delimiter"
    )


def _check_last_quote(path: Path, key: str, last: pa.RecordBatch, encoding: str) -> None:
    """Refuse a quote that is open at the end: Arrow takes all that follows for one field."""
    text = last.columns[-1][-1].as_py()
    if "\n" not in text:
        return
    tail = b""
    with unpacked(path, key) as file:
        while block := file.read(_BLOCK_BYTES):
            tail = (tail + block)[-64:]
    mark = '"'.encode(encoding if encoding != UTF_16 else "utf-8")
    if not tail.replace(b"\0", b"").rstrip().endswith(mark):
        raise DataError(
            f"{key} must close every quote, found one open at the end, before "
            f"'{text[:30].splitlines()[0]}' ({path})"
        )
