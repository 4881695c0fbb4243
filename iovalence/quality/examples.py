"""Own the values of single rows, as a person looks at them; they are never stored."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import numpy as np

from iovalence.data.schema import SOURCES, Role
from iovalence.data.table import Table
from iovalence.quality.findings import Finding, RowNumber

MAX_COLUMNS = 12
MAX_TEXT = 80  # characters of a value

ShownRow = Mapping[str, str | None]
"""The values of a row by column, as text; None where one is missing."""

_ORDER: tuple[Role, ...] = (
    "id",
    "group",
    "time",
    "target",
    "feature",
    "weight",
    "left_out",
    "excluded",
)


def show_rows(table: Table, rows: Iterable[RowNumber]) -> dict[RowNumber, ShownRow]:
    """Return the values of these rows, as they were read; as written where that says more."""
    written = table.with_written()
    starts = np.cumsum((0, *table.schema.num_rows))
    shown: dict[RowNumber, ShownRow] = {}
    for row in rows:
        index = int(starts[SOURCES.index(row.source)]) + row.row - 1
        # A slice of each column: `take` would copy all of a column of many chunks.
        (values,) = table.columns.slice(index, 1).to_pylist()
        values |= {
            name: text
            for name, texts in written.items()
            if (text := texts.slice(index, 1)[0].as_py()) is not None
        }
        shown[row] = {name: show_value(value) for name, value in values.items()}
    return shown


def show_value(value: Any) -> str | None:
    """Return a value of a table as text of at most 80 characters; None for none."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    text = value.isoformat(" ") if isinstance(value, datetime) else str(value)
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def choose_columns(
    table_columns: Iterable[tuple[str, Role]],
    finding: Finding,
    shown: Mapping[RowNumber, ShownRow],
) -> list[str]:
    """Return which columns of a finding's rows to show, twelve at most.

    First those that the finding names, then those in which a row and its partner differ, then
    identity, target and features in the table's order.
    """
    ordered = sorted(table_columns, key=lambda column: _ORDER.index(column[1]))
    names = [name for name, _ in ordered]
    pairs = zip(finding.rows, finding.partners, strict=False)
    known = [(shown[one], shown[other]) for one, other in pairs if one in shown and other in shown]
    differing = [name for name in names if any(one[name] != other[name] for one, other in known)]
    named = [name for name in finding.columns if name in names]
    return list(dict.fromkeys([*named, *differing, *names]))[:MAX_COLUMNS]
