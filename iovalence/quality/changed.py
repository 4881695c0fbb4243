"""Own the file of the labels that the checks changed: which row, from what, to what, and why."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.atomic import replacing
from iovalence.data.schema import SOURCES
from iovalence.data.table import Table
from iovalence.quality.review import RELABELLED

_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("row", pa.int64()),
        ("from", pa.string()),
        ("to", pa.string()),
        ("reason", pa.string()),
    ]
)


def write_changed_labels(
    path: Path, table: Table, target: pa.Array, decision: NDArray[np.int8]
) -> None:
    """Write a CSV file with a row for each label that is not as it was read; none without any.

    Args:
        path: Where to write.
        table: N rows, as they were read.
        target: Labels after the checks, (N,).
        decision: What the review file decided, int8 (N,).
    """
    import pyarrow.csv

    if table.schema.task == "regression":
        return
    before = table.columns[table.schema.target].combine_chunks()
    is_given = pc.and_(before.is_null(), target.is_valid())
    differs = pc.or_(pc.not_equal(before, target).fill_null(False), is_given)
    rows = np.flatnonzero(differs.to_numpy(zero_copy_only=False))
    if not len(rows):
        return
    taken = pa.array(rows)
    columns = [
        pa.array(SOURCES).take(pa.array(table.source_of_rows()[rows])),
        pa.array(table.row_numbers()[rows]),
        before.take(taken),
        target.take(taken),
        pa.array(np.where(decision[rows] == RELABELLED, "labels.errors", "labels.spelling")),
    ]
    with replacing(path) as temporary, pyarrow.csv.CSVWriter(temporary, _SCHEMA) as writer:
        writer.write_table(pa.table(columns, schema=_SCHEMA))
