"""Own the file of the rows that left the data: which, why, and what they held."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.atomic import replacing
from iovalence.data.schema import SOURCES
from iovalence.data.table import Table

_BLOCK_ROWS = 1 << 16


def write_removed_rows(path: Path, table: Table, reason: NDArray[np.object_]) -> None:
    """Write a CSV file with a row for each that left: source, row, reason, then its values.

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
    schema = pa.schema([*ours, *table.columns.schema])
    with replacing(path) as temporary, pyarrow.csv.CSVWriter(temporary, schema) as writer:
        for start in range(0, table.num_rows, _BLOCK_ROWS):
            rows = start + np.flatnonzero(left[start : start + _BLOCK_ROWS])
            if not len(rows):
                continue
            columns = [
                pa.array(SOURCES).take(pa.array(source[rows])),
                pa.array(number[rows]),
                pa.array(reason[rows], type=pa.string()),
                *table.columns.slice(start, _BLOCK_ROWS).take(rows - start).columns,
            ]
            writer.write_table(pa.table(columns, schema=schema))
