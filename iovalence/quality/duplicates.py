"""Own the search for exact copies of rows; know nothing of what is near or contradictory.

A row is a copy of another in its file when all columns but `data.id` are equal: also those that
are no features, for two people who differ in an excluded column are two people. Missing equals
missing, and labels are compared as `labels.spelling` left them. Where a value does not say what was
written (the last digits of a long number, a text among numbers), what was written is compared too.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.table import Table
from iovalence.quality.findings import (
    MAX_EXAMPLES,
    Finding,
    count_rows,
    list_rows,
    name_file,
    name_rows,
    num_checked,
    severity_of,
)
from iovalence.quality.section import Action

_CHECK = "duplicates.exact"
_BLOCK_ROWS = 1 << 20
_ROWS_KEY, _PAIRS_KEY = "iovalence-rows-1", "iovalence-pairs1"  # sixteen bytes, as SipHash takes
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd, so that multiplying loses nothing


def find_first_copies(table: Table, target: pa.Array) -> NDArray[np.int64]:
    """Return for each row the index of the first row of its file that it equals.

    Args:
        table: N rows.
        target: Labels to compare in place of the table's own, (N,).

    Returns:
        Indices into the table, int64 (N,); a row that is no copy has its own.
    """
    columns = columns_to_compare(table, target)
    starts = np.cumsum((0, *table.schema.num_rows))
    files = zip(starts[:-1], table.schema.num_rows, strict=True)
    return np.concatenate([first_copies(columns.slice(at, num)) + at for at, num in files])


def columns_to_compare(table: Table, target: pa.Array) -> pa.Table:
    """Return all columns but the id, with `target` for the table's own, (N,).

    Columns with cells whose value does not say what was written come a second time, as written.
    """
    names = table.columns.column_names
    columns = table.columns.set_column(
        names.index(table.schema.target), table.schema.target, target
    )
    columns = columns.drop_columns(list(table.schema.names("id")))
    for name, written in table.with_written().items():
        columns = columns.append_column(name, written)
    return columns


def first_copies(columns: pa.Table) -> NDArray[np.int64]:
    """Return for each row the index of the first row that it equals, int64 (N,)."""
    hashes = hash_rows(columns)
    first = np.arange(len(hashes), dtype=np.int64)
    left = _not_alone(hashes)
    while len(left):
        # The first row of a hash leads; who differs from it only shares the hash by accident and
        # goes round again, led by the first of its like. One round, but for one table in millions.
        _, leader, group = np.unique(hashes[left], return_index=True, return_inverse=True)
        leaders = left[leader[group]]
        followers = left != leaders
        left, leaders = left[followers], leaders[followers]
        equal = rows_equal(columns, left, leaders)
        first[left[equal]] = leaders[equal]
        left = left[~equal]
    return first


def _not_alone(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the rows whose hash another row has too, ascending: most tables have few."""
    ordered = np.sort(hashes)
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    del ordered
    if not len(repeated):
        return np.empty(0, np.int64)
    blocks = range(0, len(hashes), _BLOCK_ROWS)
    found = [at + np.flatnonzero(np.isin(hashes[at : at + _BLOCK_ROWS], repeated)) for at in blocks]
    return np.concatenate(found)


def hash_rows(columns: pa.Table) -> NDArray[np.uint64]:
    """Return a hash of each row, uint64 (N,), equal for rows that are equal."""
    hashes = np.zeros(columns.num_rows, dtype=np.uint64)
    for column in columns.columns:
        hashes ^= _codes(column, _ROWS_KEY)
        hashes *= _MULTIPLIER
        hashes ^= hashes >> np.uint64(32)
    return hashes


def rows_equal(
    columns: pa.Table, left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which of P pairs of rows are equal throughout, bool (P,).

    Args:
        columns: N rows.
        left: One row of each pair, int64 (P,).
        right: The other, int64 (P,).
    """
    equal = np.ones(len(left), dtype=bool)
    for column in columns.columns if len(left) else ():
        codes = _codes(column, _PAIRS_KEY)
        equal &= codes[left] == codes[right]
    return equal


def _codes(column: pa.ChunkedArray, key: str) -> NDArray[np.uint64]:
    """Return a number for each value, equal where the values are, uint64 (N,).

    The bits of a number are its own. A text has a hash, so that no column has to be in memory
    whole: under one key two texts agree by accident in one table in millions, under two never.
    """
    chunks = [_codes_of_chunk(chunk, key) for chunk in column.chunks]
    return np.concatenate(chunks) if chunks else np.empty(0, np.uint64)


def _codes_of_chunk(values: pa.Array, key: str) -> NDArray[np.uint64]:
    if pa.types.is_float64(values.type):
        numbers = values.to_numpy(zero_copy_only=False) + 0.0  # -0.0 becomes 0.0, which it equals
        numbers[np.isnan(numbers)] = np.nan
        return np.asarray(numbers.view(np.uint64))
    encoded = values.dictionary_encode()
    known = _hash_values(encoded.dictionary, key)
    codes = encoded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
    return np.asarray(np.append(known, _MULTIPLIER)[codes])


def _hash_values(values: pa.Array, key: str) -> NDArray[np.uint64]:
    if not pa.types.is_string(values.type):
        return np.asarray(values.cast(pa.int64()).to_numpy(zero_copy_only=False).view(np.uint64))
    import pandas as pd

    texts = np.array(values.to_pylist(), dtype=object)
    hashes: NDArray[np.uint64] = pd.util.hash_array(texts, hash_key=key, categorize=False)
    return hashes


def lead(first_copy: NDArray[np.int64], concerned: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each row the first row concerned that it equals, int64 (N,).

    Args:
        first_copy: What `find_first_copies` returned, int64 (N,).
        concerned: Rows still in the data, bool (N,); one whose like all left leads itself.
    """
    leader = np.full(len(first_copy), -1, np.int64)
    backwards = np.flatnonzero(concerned)[::-1]
    leader[first_copy[backwards]] = backwards
    led = leader[first_copy]
    return np.where(led < 0, np.arange(len(led)), led)


def check_exact(
    table: Table, first_copy: NDArray[np.int64], concerned: NDArray[np.bool_], action: Action
) -> tuple[tuple[Finding, ...], NDArray[np.bool_]]:
    """Report the copies, and say which rows leave.

    Args:
        table: N rows.
        first_copy: What `find_first_copies` returned, int64 (N,).
        concerned: Rows still in the data, bool (N,).
        action: `fix` lets the later copies in the train file go; those in a given file stay.

    Returns:
        Findings, and the rows that leave, bool (N,).
    """
    # The first of its kind may have left for another reason: then the next one stays.
    first_copy = lead(first_copy, concerned)
    copies = concerned & (first_copy != np.arange(table.num_rows))
    in_train = table.source_of_rows() == 0
    leaves = copies & in_train if action == "fix" else np.zeros(table.num_rows, dtype=bool)
    if action == "off":
        return (), leaves
    found = (
        _report(table, first_copy, copies & in_train, action, given=False),
        _report(table, first_copy, copies & ~in_train, action, given=True),
    )
    return tuple(finding for finding in found if finding), leaves


def _report(
    table: Table,
    first_copy: NDArray[np.int64],
    copies: NDArray[np.bool_],
    action: Action,
    *,
    given: bool,
) -> Finding | None:
    count = int(copies.sum())
    if not count:
        return None
    checked = num_checked(table, given=given)
    rows, file = name_rows(table, np.flatnonzero(copies)), name_file(table, np.flatnonzero(copies))
    fixed = f"removed {count_rows(count)}, the first of each kind stays"
    kept = "kept: rows of a given file are never removed" if given else "kept, copies in one part"
    return Finding(
        check=_CHECK,
        severity=severity_of("warn" if given and action == "fix" else action),
        count=count,
        share=count / checked,
        message=f"rows of {file} must differ, found {count} of {checked} to be copies"
        + list_rows(rows, count),
        rows=rows,
        partners=name_rows(table, first_copy[np.flatnonzero(copies)[:MAX_EXAMPLES]]),
        done=fixed if action == "fix" and not given else kept,
        advice="remove the copies from the file"
        + ("" if given or action == "fix" else ", or set quality.duplicates.exact: fix"),
        can_fix=not given,
    )
