"""Own how a pandas frame becomes rows of a known table."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from iovalence.data.ingest import read_rows
from iovalence.data.schema import TableSchema
from iovalence.data.section import DataSection

if TYPE_CHECKING:
    import pandas as pd


def type_frame(
    frame: "pd.DataFrame",
    section: DataSection,
    schema: TableSchema,
    *,
    need_order: bool = False,
) -> pa.Table:
    """Return the rows of a frame as a table's columns are typed, as if read from a file.

    Args:
        frame: N rows.
        section: How the files of the table were read.
        schema: The table's columns.
        need_order: Whether the frame must have group and time.

    Raises:
        DataError: A column is missing, or a value does not fit its column.
    """
    columns = {str(name): _as_arrow(values) for name, values in frame.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model_input"
        rows = pa.table(columns)
        with pa.ipc.new_file(path, rows.schema) as writer:
            writer.write_table(rows)
        return read_rows(
            path.name, path.parent, section, schema, need_target=False, need_order=need_order
        )


def _as_arrow(values: "pd.Series[Any]") -> pa.Array:
    if values.dtype == object:
        # An object column may mix types, which Arrow refuses: its texts say the same.
        values = values.map(str, na_action="ignore")
    return pa.Array.from_pandas(values)
