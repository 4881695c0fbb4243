"""Own the file of the rows that left the data: which, why, and what they held."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.atomic import replacing
from iovalence.data.schema import SOURCES
from iovalence.data.table import Table

_BLOCK_ROWS = 1 << 16


def write_removed_rows(path: Path, table: Table, reason: NDArray[np.object_]) -> None:
    """Write a CSV file with a row for each that left: source, row, reason, then its values.

    A value that does not say what was written is given as it was written.

    Args:
        path: Where to write.
        table: N rows, as they were read.
        reason: Why each left, empty for one that stayed; object (N,).
    """
    import pyarrow.csv

    left = np.asarray(reason != "")
    source, number = table.source_of_rows(), table.row_numbers()
    # Names may occur twice, when the table has a column called `row`: ours come first.
    ours = pa.schema([("source", pa.string()), ("row", pa.int64()), ("reason", pa.string())])
    written = table.with_written()
    theirs = [
        pa.field(field.name, pa.string()) if field.name in written else field
        for field in table.columns.schema
    ]
    schema = pa.schema([*ours, *theirs])
    with replacing(path) as temporary, pyarrow.csv.CSVWriter(temporary, schema) as writer:
        for start in range(0, table.num_rows, _BLOCK_ROWS):
            rows = start + np.flatnonzero(left[start : start + _BLOCK_ROWS])
            if not len(rows):
                continue
            columns = [
                pa.array(SOURCES).take(pa.array(source[rows])),
                pa.array(number[rows]),
                pa.array(reason[rows], type=pa.string()),
                *_take(table.columns, written, start, rows - start),
            ]
            writer.write_table(pa.table(columns, schema=schema))


def _take(
    columns: pa.Table, written: dict[str, pa.ChunkedArray], start: int, rows: NDArray[np.int64]
) -> Iterator[pa.ChunkedArray]:
    """Yield the columns of some rows of a block, by their place in it."""
    block = columns.slice(start, _BLOCK_ROWS)
    for name, values in zip(block.column_names, block.take(rows).columns, strict=True):
        if name in written:
            texts = written[name].slice(start, _BLOCK_ROWS).take(rows)
            yield pc.coalesce(texts, values.cast(pa.string()))
        else:
            yield values
