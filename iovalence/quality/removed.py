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
    sources = pa.array(SOURCES).take(pa.array(table.source_of_rows()[left]))
    columns = [sources, table.row_numbers()[left], checked.reason[left].astype(str)]
    names = ["source", "row", "reason", *values.column_names]
    with replacing(path) as temporary:
        pyarrow.csv.write_csv(
            pa.table([*map(_as_arrow, columns), *values.columns], names), temporary
        )


def _as_arrow(values: object) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values)
