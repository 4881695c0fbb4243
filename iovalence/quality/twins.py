"""Own the rows of two parts that are one row to a model and two to a person.

They are equal in every feature, group, time and label, and differ in columns that are none of
these: a number that was given anew, a remark. They may be two people alike or one person twice;
nothing in the table tells. So they are reported and stay, and a column that is named as `data.id`
is compared no more.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.data.schema import SOURCES
from iovalence.data.table import Table
from iovalence.quality.conflicting import mark_alike
from iovalence.quality.duplicates import first_copies
from iovalence.quality.findings import MAX_EXAMPLES, Finding, list_rows, name_rows

CHECK = "leakage.twins"
_RELATIONS = ((0, 1), (0, 2), (1, 2))
# Where a number is hardly ever the same in two rows, all of them the same is no accident.
_MIN_DISTINCT = 0.5
_MAX_NAMES = 5


def check_twins(table: Table, target: pa.Array, part: NDArray[np.int8]) -> tuple[Finding, ...]:
    """Report rows that equal a row of another part in all that the model sees.

    Args:
        table: N rows.
        target: Labels with merged spellings, or values, (N,).
        part: Part of each row, after those that are in two parts have left, int8 (N,); -1 for one
            that left.
    """
    seen_by_model, others = _compared(table)
    if not others or not table.schema.names("feature"):
        return ()
    kin = mark_alike(target, first_copies(table.columns.select(seen_by_model)))
    seen = {pair: _seen(kin, part, *pair) for pair in _RELATIONS}
    if not (found := {pair: rows for pair, rows in seen.items() if len(rows)}):
        return ()
    rows = np.unique(np.concatenate([*found.values()]))
    return (_report(table, kin, part, rows, found, others),)


def _compared(table: Table) -> tuple[list[str], list[str]]:
    """Return the columns that make two rows two events, and those that no model sees."""
    columns = table.schema.columns
    used = [column.name for column in columns if column.role in ("feature", "group", "time")]
    unused = [column.name for column in columns if column.role in ("excluded", "left_out")]
    return used, unused


def _seen(
    kin: NDArray[np.int64], part: NDArray[np.int8], one: int, other: int
) -> NDArray[np.int64]:
    """Return the rows of the one part whose like is in the other, int64."""
    rows = np.flatnonzero(part == one)
    return np.asarray(rows[np.isin(kin[rows], kin[part == other])])


def _report(
    table: Table,
    kin: NDArray[np.int64],
    part: NDArray[np.int8],
    rows: NDArray[np.int64],
    found: dict[tuple[int, int], NDArray[np.int64]],
    others: list[str],
) -> Finding:
    first, count = rows[:MAX_EXAMPLES], len(rows)
    like = [np.argmax((kin == kin[row]) & (part >= 0) & (part != part[row])) for row in first]
    relations = ", ".join(
        f"{len(seen)} of {SOURCES[one]} in {SOURCES[other]}" for (one, other), seen in found.items()
    )
    names = ", ".join(f"'{name}'" for name in others[:_MAX_NAMES])
    more = f" and {len(others) - _MAX_NAMES} more columns" if len(others) > _MAX_NAMES else ""
    examples = name_rows(table, first)
    return Finding(
        check=CHECK,
        severity="warning" if _is_fine(table, part) else "info",
        count=count,
        share=count / int((part >= 0).sum()),
        message="no row may be in two parts, found rows that equal one of another part in all "
        f"features and the label, and differ in {names}{more} alone: {relations}"
        + list_rows(examples, count),
        rows=examples,
        partners=name_rows(table, np.array(like, np.int64)),
        columns=tuple(others),
        done="kept: they may be two that are alike",
        advice="if they are the same row under another number, name that column as data.id; it is "
        "not compared then, and quality.leakage.copies finds them",
    )


def _is_fine(table: Table, part: NDArray[np.int8]) -> bool:
    """Say whether a feature is a number that hardly any two rows of train share."""
    train = pa.array(np.flatnonzero(part == 0))
    for column in table.schema.columns:
        if column.role == "feature" and column.kind == "numeric":
            values = table.columns[column.name].take(train).drop_null()
            if len(values) and pc.count_distinct(values).as_py() > _MIN_DISTINCT * len(values):
                return True
    return False
