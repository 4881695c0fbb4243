"""Own the search for features that count or name rows; what texts are, `data.kinds` has decided."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.kinds import names_identifier
from iovalence.data.table import Table
from iovalence.quality.findings import Finding, list_rows, name_rows, severity_of
from iovalence.quality.section import Action

_MIN_ROWS = 30  # fewer do not tell a counter from numbers that happen to differ
_MAX_GAPS = 2.0  # a counter fills at least half of its range
_GLANCE = 1000  # rows that tell most columns from whole numbers
_MIN_DISTINCT = 0.9  # of the values of a column whose name says that it identifies


def check_identifiers(
    table: Table, rows: NDArray[np.int64], action: Action
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Report the features that identify rows, and which of them are to be left out.

    Such are whole numbers that all differ and fill half of their range at least, as a counter
    does, also one with gaps; and those under a name such as `id` that nearly all differ.

    Args:
        table: All rows.
        rows: Indices of the rows to look at, int64 (M,).
        action: `fix` leaves the columns out.
    """
    features = table.schema.names("feature")
    if action == "off" or len(rows) < _MIN_ROWS:
        return (), ()
    found = {
        name: why
        for name in features
        if table.schema.column(name).kind == "numeric"
        and _are_whole(_read(table, name, rows[:_GLANCE]))
        and (why := _why_identifier(name, _read(table, name, rows)))
    }
    if not found:
        return (), ()
    named = ", ".join(f"'{name}' {why}" for name, why in list(found.items())[:5])
    finding = Finding(
        check="leakage.id",
        severity=severity_of(action),
        count=len(found),
        share=len(found) / len(features),
        message=f"a feature must say something of rows that are not known yet, found {named}"
        + (f" and {len(found) - 5} more" if len(found) > 5 else ""),
        columns=tuple(found),
        done="left out" if action == "fix" else "",
        advice="to use it after all, set quality.leakage.id: warn"
        if action == "fix"
        else "name it in data.exclude, or as data.id, or set quality.leakage.id: fix",
    )
    return (finding,), tuple(found) if action == "fix" else ()


def check_repeated_ids(table: Table, concerned: NDArray[np.bool_]) -> tuple[Finding, ...]:
    """Report the rows of one id in `data.id`, within a file or across files: it names no row.

    Args:
        table: N rows.
        concerned: Rows still in the data, bool (N,).
    """
    rows = np.flatnonzero(concerned)
    found: list[Finding] = []
    for name in table.schema.names("id"):
        encoded = table.columns[name].dictionary_encode().combine_chunks()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)[rows]
        known = codes >= 0
        counts = np.bincount(codes[known], minlength=len(encoded.dictionary))
        repeated = rows[known & (counts[codes] > 1)]
        if len(repeated):
            num_ids = int((counts > 1).sum())
            found.append(_report_repeated(table, name, repeated, num_ids, len(rows)))
    return tuple(found)


def _report_repeated(
    table: Table, name: str, repeated: NDArray[np.int64], num_ids: int, num_rows: int
) -> Finding:
    count, examples = len(repeated), name_rows(table, repeated)
    return Finding(
        check="duplicates.id",
        severity="warning",
        count=count,
        share=count / num_rows,
        message=f"'{name}' is data.id and must name each row, found {count} of {num_rows} rows "
        f"that differ and share {num_ids} of its values{list_rows(examples, count)}",
        rows=examples,
        columns=(name,),
        done="kept",
        advice="correct the ids, or name the column as data.group where rows of one belong "
        "together",
    )


def _read(table: Table, name: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(table.columns[name].take(pa.array(rows)).to_numpy(), dtype=np.float64)


def _are_whole(values: NDArray[np.float64]) -> bool:
    return bool((values == np.floor(values)).all())  # what is missing is no whole number either


def _why_identifier(name: str, values: NDArray[np.float64]) -> str:
    """Return what makes the values an identifier, or an empty text."""
    if not _are_whole(values):
        return ""
    distinct, span = len(np.unique(values)), values.max() - values.min() + 1
    if distinct == len(values) and span <= _MAX_GAPS * distinct:
        return f"to count the rows: {distinct} different whole numbers from {values.min():.0f} on"
    if names_identifier(name) and distinct >= _MIN_DISTINCT * len(values):
        return f"to name the rows: {distinct} different whole numbers in {len(values)} rows"
    return ""
