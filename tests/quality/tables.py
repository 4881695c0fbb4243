"""Small tables, built as `ingest` would have typed them."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from iovalence.data.schema import Column, TableSchema
from iovalence.data.table import Table


def build_table(
    columns: dict[str, Sequence[Any]],
    *,
    target: str = "y",
    num_rows: tuple[int, int, int] | None = None,
    row_id: str | None = None,
    group: str | None = None,
    time: str | None = None,
) -> Table:
    """Return a table of these columns; its task follows from the type of the target."""
    values = pa.table(
        {name: pa.array(column, from_pandas=True) for name, column in columns.items()}
    )
    roles = {target: "target", row_id: "id", group: "group", time: "time"}
    schema = TableSchema(
        columns=tuple(
            Column(name=name, kind=_kind(values[name].type), role=roles.get(name, "feature"))
            for name in columns
        ),
        target=target,
        task="regression" if pa.types.is_floating(values[target].type) else "classification",
        task_reason="",
        num_rows=num_rows or (values.num_rows, 0, 0),
        files=(),
    )
    return Table(schema, values)


def _kind(values: pa.DataType) -> str:
    if pa.types.is_floating(values):
        return "numeric"
    if pa.types.is_timestamp(values):
        return "datetime"
    return "boolean" if pa.types.is_boolean(values) else "categorical"
