"""Own the search for rows that contradict each other: equal features, different labels.

Only features count: what a model does not see cannot tell such rows apart. In a regression such
rows are measurements of one thing, whose mean is what there is to learn: nothing is removed.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.table import Table
from iovalence.quality.duplicates import first_copies, lead
from iovalence.quality.findings import (
    MAX_EXAMPLES,
    Finding,
    count_rows,
    list_rows,
    name_file,
    name_rows,
    severity_of,
)
from iovalence.quality.section import Action


def find_alike(table: Table) -> NDArray[np.int64]:
    """Return for each row the first row of all files with the same features, int64 (N,)."""
    columns = table.columns.select(table.schema.names("feature"))
    if not columns.num_columns:
        return np.arange(table.num_rows, dtype=np.int64)
    return first_copies(columns)


def mark_alike(target: pa.Array, alike: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a number for each row, equal where features and label are, int64 (N,).

    Args:
        target: Labels with merged spellings, or values, (N,).
        alike: What `find_alike` returned, int64 (N,).
    """
    labels = target.dictionary_encode()
    codes = labels.indices.fill_null(-1).to_numpy().astype(np.int64)
    return np.asarray(alike * (len(labels.dictionary) + 1) + codes + 1)


def check_conflicting(
    table: Table,
    target: pa.Array,
    alike: NDArray[np.int64],
    first_copy: NDArray[np.int64],
    concerned: NDArray[np.bool_],
    action: Action,
) -> tuple[tuple[Finding, ...], NDArray[np.bool_]]:
    """Report rows with equal features and different labels, and say which rows leave.

    Copies have left before: a thousand rows of one label and one of another are two rows here. The
    message tells how many they were.

    Args:
        table: N rows.
        target: Labels with merged spellings, or values, (N,).
        alike: What `find_alike` returned, int64 (N,).
        first_copy: What `find_first_copies` returned, int64 (N,).
        concerned: Rows still in the data, all with a label, bool (N,).
        action: `fix` lets go of all that contradict each other within the train file; what
            contradicts rows of a given file is reported and stays.

    Returns:
        Findings, and the rows that leave, bool (N,).
    """
    leaves = np.zeros(table.num_rows, dtype=bool)
    if action == "off":
        return (), leaves
    codes = np.asarray(target.dictionary_encode().indices.fill_null(-1).to_numpy(), np.int64)
    in_train = table.source_of_rows() == 0
    within = _contradicting(alike, codes, concerned & in_train)
    if action == "fix" and table.schema.task == "classification":
        leaves = within
    across = _contradicting(alike, codes, concerned & ~leaves) & ~in_train
    looked_at = concerned & in_train, concerned & ~in_train & ~leaves
    leader = lead(first_copy, concerned)
    found = (
        _report(table, within, looked_at[0], leader, alike, codes, action),
        _report(table, across, looked_at[1], leader, alike, codes, action),
    )
    return tuple(finding for finding in found if finding), leaves


def _contradicting(
    alike: NDArray[np.int64], codes: NDArray[np.int64], concerned: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which of the rows concerned have a like with another label, bool (N,)."""
    rows = np.flatnonzero(concerned)
    like, code = alike[rows], codes[rows]
    some_code = np.empty(len(alike), np.int64)
    some_code[like] = code
    torn = np.zeros(len(alike), dtype=bool)
    torn[like[code != some_code[like]]] = True
    return np.asarray(concerned & torn[alike])


def _contradicted(
    torn: NDArray[np.bool_], alike: NDArray[np.int64], codes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return for the first of the torn rows the first row that each contradicts, int64."""
    rows = np.flatnonzero(torn)[:MAX_EXAMPLES]
    known = codes >= 0
    found = [(alike == alike[row]) & (codes != codes[row]) & known for row in rows]
    return np.array([np.argmax(others) for others in found], np.int64)


def _report(
    table: Table,
    torn: NDArray[np.bool_],
    looked_at: NDArray[np.bool_],
    leader: NDArray[np.int64],
    alike: NDArray[np.int64],
    codes: NDArray[np.int64],
    action: Action,
) -> Finding | None:
    count, checked = int(torn.sum()), int(looked_at.sum())
    if not count:
        return None
    indices, behind = np.flatnonzero(torn), int(torn[leader].sum())
    rows, file = name_rows(table, indices), name_file(table, indices)
    given = bool(indices[0] >= table.schema.num_rows[0])
    copies = f" ({behind:,} with their copies)" if behind > count else ""
    values = "value" if table.schema.task == "regression" else "label"
    return Finding(
        check="duplicates.conflicting",
        severity=severity_of("warn" if given else _effective(table, action)),
        count=count,
        share=count / checked,
        message=f"rows of {file} with equal features must have one {values}, found {count} of "
        f"{checked} that contradict {'rows of any file' if given else 'others'}{copies}"
        + list_rows(rows, count),
        rows=rows,
        partners=name_rows(table, _contradicted(torn, alike, codes)),
        done=_describe(table, count, action, given=given),
        advice=_advise(table, action, given=given),
        can_fix=not given and table.schema.task == "classification",
    )


def _effective(table: Table, action: Action) -> Action:
    return "warn" if action == "fix" and table.schema.task == "regression" else action


def _describe(table: Table, count: int, action: Action, *, given: bool) -> str:
    if given:
        return "kept: rows of a given file are never removed"
    if table.schema.task == "regression":
        return "kept: in a regression they train towards their mean"
    return f"removed all {count_rows(count)}" if action == "fix" else "kept"


def _advise(table: Table, action: Action, *, given: bool) -> str:
    if action == "fix" and not given and table.schema.task == "classification":
        return ""
    advice = "find out which is right, or add a column that tells them apart"
    fixable = not given and action != "fix" and table.schema.task == "classification"
    return advice + ", or set quality.duplicates.conflicting: fix" * fixable
