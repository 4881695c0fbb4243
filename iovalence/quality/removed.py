"""Own the file of the rows that left the data: which, why, and what they held."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from iovalence.atomic import replacing
from iovalence.data.schema import SOURCES
from iovalence.data.table import Table
from iovalence.quality.checks import CheckedRows


def write_removed_rows(path: Path, table: Table, checked: CheckedRows) -> None:
    """Write a CSV file with a row for each that left: source, row, reason, then its values.

    Args:
        path: Where to write.
        table: N rows, as they were read.
        checked: Which of them left.
    """
    import pyarrow.csv

    left = np.flatnonzero(~checked.keep)
    values = table.columns.take(left)
    columns = [
        pa.array(SOURCES).take(pa.array(table.source_of_rows()[left])),
        pa.array(table.row_numbers()[left]),
        pa.array(checked.reason[left], type=pa.string()),
        *values.columns,
    ]
    # Names may occur twice, when the table has a column called `row`: ours come first.
    rows = pa.table(columns, ["source", "row", "reason", *values.column_names])
    with replacing(path) as temporary:
        pyarrow.csv.write_csv(rows, temporary)
