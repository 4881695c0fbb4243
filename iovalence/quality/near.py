"""Own the search for near copies: rows that are nearly equal, but not quite.

Two rows are near copies when their numeric features lie within a tolerance of each other (root of
the mean square of the differences, each in units of its column's spread without outliers) and
their categories, booleans, dates, missing places and labels are equal: two events at two times are
two events. In a regression the target counts as one more number. Columns that are no features say
nothing, and rows whose features and label are equal are copies, not near ones.

In some tables rows lie that near by nature. Around a row of a smooth cloud in M dimensions, a ball
of twice the radius holds 2**M times the rows. So the pairs that lie between one and two tolerances
say how many to expect within one, if M is the number of columns in which such a pair differs:
one in 2**M - 1 of them. Copies are a surplus over that.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.scaling import RobustScale
from iovalence.data.schema import SOURCES
from iovalence.data.table import Table
from iovalence.quality.duplicates import hash_rows, rows_equal
from iovalence.quality.findings import (
    Finding,
    list_rows,
    name_rows,
    num_checked,
    severity_of,
)
from iovalence.quality.neighbours import Candidates, find_candidates
from iovalence.quality.section import Action

_BEYOND = 2.0  # pairs up to so many tolerances are counted
# Wider than for training: noise comes as a share of the deviation, natural tails included.
_FENCE = 20.0
_FAR_OUT = 1e4  # spreads; where outliers are put together, as float32 tells them apart no more
_SEED, _SAMPLED = 0x6E617475, 0.25
# Density is not quite smooth; chance adds a few besides.
_MARGIN = 1.5
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class NearCopies:
    """Hold the near copies of a table.

    Attributes:
        pairs: Indices (i < j) of rows of the table, ascending, int64 (P, 2). Of rows of one file
            that are alike, only the first is in a pair.
        by_nature: Whether there are pairs, but no more than the table's density explains.
        bounded: Whether so many rows lie close together that not all pairs were looked at.
    """

    pairs: NDArray[np.int64]
    by_nature: bool = False
    bounded: bool = False


def no_near_copies() -> NearCopies:
    """Return what was found where nothing was looked for."""
    return NearCopies(np.empty((0, 2), np.int64))


def find_near_copies(
    table: Table,
    target: pa.Array,
    tolerance: float,
    concerned: NDArray[np.bool_],
    alike: NDArray[np.int64],
) -> NearCopies:
    """Return the near copies among the rows of all files.

    Args:
        table: N rows.
        target: Labels with merged spellings, or values, (N,).
        tolerance: Largest RMS distance, in spreads of the columns, > 0.
        concerned: Rows still in the data, bool (N,).
        alike: What `find_alike` returned, int64 (N,).
    """
    numbers = _Numbers.fit(table, target, concerned)
    if not numbers.columns:
        return no_near_copies()
    search = _Search.over(table, target, numbers, tolerance)
    rows = _first_of_file(_mark_alike(target, alike), table, np.flatnonzero(concerned))
    pairs, expected, bounded = search.find(rows)
    num_pairs, cut = len(pairs), bounded
    rng = np.random.default_rng(_SEED)
    while cut:
        # Of pairs that were looked at by their nearness, none tells how many lie a little farther.
        rows = rows[rng.random(len(rows)) < _SAMPLED]
        sample, expected, cut = search.find(rows)
        num_pairs = len(sample)
    by_nature = 0 < num_pairs <= _MARGIN * expected + 3 * sqrt(expected)
    return NearCopies(pairs, by_nature, bounded)


@dataclass(frozen=True)
class _Numbers:
    """Hold the D columns that make a distance, and the spread of each in the train file."""

    names: tuple[str, ...]
    columns: tuple[pa.ChunkedArray, ...]
    scales: tuple[RobustScale, ...]

    @classmethod
    def fit(cls, table: Table, target: pa.Array, concerned: NDArray[np.bool_]) -> "_Numbers":
        schema = table.schema
        named = {
            column.name: table.columns.column(column.name)
            for column in schema.columns
            if column.role == "feature" and column.kind == "numeric"
        }
        in_train = concerned[: schema.num_rows[0]]
        found = {name: _fit_scale(column, in_train) for name, column in named.items()}
        used = [name for name in named if found[name] is not None]
        if used and schema.task == "regression":
            named[schema.target] = pa.chunked_array([target])
            found[schema.target] = _fit_scale(named[schema.target], in_train)
            used += [schema.target] if found[schema.target] else []
        scales = tuple(scale for name in used if (scale := found[name]))
        return cls(tuple(used), tuple(named[name] for name in used), scales)

    def read_block(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return rows start to stop in scaled units, float32 (B, D); missing values as 0."""
        block = np.empty((stop - start, len(self.columns)), np.float32)
        for at, (column, scale) in enumerate(zip(self.columns, self.scales, strict=True)):
            with np.errstate(over="ignore"):
                values = (_read(column, start, stop) - scale.centre) / scale.scale
            block[:, at] = np.nan_to_num(np.clip(values, -_FAR_OUT, _FAR_OUT), copy=False)
        return block

    def hash_missing_places(self) -> NDArray[np.uint64]:
        """Return a hash of where each row misses a number, uint64 (N,)."""
        places = np.zeros(len(self.columns[0]), np.uint64)
        for column in self.columns:
            places *= _MULTIPLIER
            if column.null_count:
                places += _missing(column)
        return places * _MULTIPLIER


def _fit_scale(column: pa.ChunkedArray, in_train: NDArray[np.bool_]) -> RobustScale | None:
    """Return the scale of a column in the train file, or None where it has no spread."""
    values = _read(column, 0, len(in_train))[in_train]
    values = values[~np.isnan(values)]
    if not len(values) or values.min() == values.max():
        return None
    return RobustScale.fit(values, _FENCE)


def _read(column: pa.ChunkedArray, start: int, stop: int) -> NDArray[np.float64]:
    """Return values, float64, NaN where missing; a copy where Arrow holds them in pieces."""
    return np.asarray(column.slice(start, stop - start).to_numpy())


def _missing(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(column.is_null().to_numpy())


def _columns_to_equal(table: Table, target: pa.Array, numbers: _Numbers) -> pa.Table:
    """Return what near copies have in common: features that are no distance, and labels."""
    names = [name for name in table.schema.names("feature") if name not in numbers.names]
    columns = table.columns.select(names)
    if table.schema.target in numbers.names:
        return columns
    return columns.append_column(table.schema.target, pa.chunked_array([target]))


def _mark_alike(target: pa.Array, alike: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a number for each row, equal where features and label are, int64 (N,)."""
    labels = target.dictionary_encode()
    codes = labels.indices.fill_null(-1).to_numpy().astype(np.int64)
    return np.asarray(alike * (len(labels.dictionary) + 1) + codes + 1)


def _first_of_file(
    marks: NDArray[np.int64], table: Table, rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return those of the rows that are the first of their file with their mark, ascending."""
    in_file = marks[rows] * len(SOURCES) + table.source_of_rows()[rows]
    _, first = np.unique(in_file, return_index=True)
    return np.sort(rows[first])


@dataclass(frozen=True)
class _Search:
    """Hold what near copies have in common and what tells them apart, for N rows."""

    keys: NDArray[np.uint64]
    equal: pa.Table
    numbers: _Numbers
    tolerance: float

    @classmethod
    def over(cls, table: Table, target: pa.Array, numbers: _Numbers, tolerance: float) -> "_Search":
        equal = _columns_to_equal(table, target, numbers)
        keys = numbers.hash_missing_places()
        if equal.num_columns:
            keys ^= hash_rows(equal)
        return cls(keys, equal, numbers, tolerance)

    def find(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], float, bool]:
        """Return pairs of near copies, how many to expect by nature, and whether it was bounded."""
        read, num_columns = self.numbers.read_block, len(self.numbers.columns)
        found = find_candidates(read, self.keys, rows, num_columns, self.tolerance)
        pairs, square, differing = self._compare(found)
        sound = (differing > 0) & rows_equal(self.equal, pairs[:, 0], pairs[:, 1])
        near = square <= self._limit
        beyond = sound & ~near
        # Each stands for those of its distance that no table brought together.
        grid = np.linspace(1, _BEYOND, 9) * self.tolerance
        recall = [found.plan.recall(distance) for distance in grid.tolist()]
        weight = 1 / np.interp(np.sqrt(square[beyond] / len(self.numbers.columns)), grid, recall)
        expected = float((weight / (2.0 ** differing[beyond] - 1)).sum())
        return pairs[sound & near], expected, found.bounded

    @property
    def _limit(self) -> float:
        return len(self.numbers.columns) * self.tolerance**2

    def _compare(
        self, found: Candidates
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int16]]:
        """Return pairs within `_BEYOND` tolerances, their sums of squares and differing columns."""
        same = self.keys[found.left] == self.keys[found.right]
        left, right = found.left[same], found.right[same]
        square, differing = np.zeros(len(left)), np.zeros(len(left), np.int16)
        for column, scale in zip(self.numbers.columns, self.numbers.scales, strict=True):
            if not len(left):
                break
            differences = _differences(column, left, right, scale)
            square += differences
            differing += differences > 0
            # Most candidates are far apart in the first columns already.
            near = square <= self._limit * _BEYOND**2
            left, right, square, differing = left[near], right[near], square[near], differing[near]
        pairs, first = _distinct_pairs(left, right, len(self.keys))
        return pairs, square[first], differing[first]


def _differences(
    column: pa.ChunkedArray,
    left: NDArray[np.integer],
    right: NDArray[np.integer],
    scale: RobustScale,
) -> NDArray[np.float64]:
    """Return squares of scaled differences, float64 (C,), 0 where both values are missing."""
    values = _read(column, 0, len(column))
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.nan_to_num((values[left] - values[right]) / scale.scale, posinf=np.inf)
        return np.asarray(np.square(scaled), np.float64)


def _distinct_pairs(
    left: NDArray[np.integer], right: NDArray[np.integer], num_rows: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs (i < j), ascending, int64 (P, 2), and where each came first, int64 (P,)."""
    numbers = np.minimum(left, right).astype(np.int64) * num_rows + np.maximum(left, right)
    numbers, first = np.unique(numbers, return_index=True)
    return np.stack(np.divmod(numbers, num_rows), axis=1), first


def check_near(
    table: Table,
    target: pa.Array,
    near: NearCopies,
    alike: NDArray[np.int64],
    concerned: NDArray[np.bool_],
    action: Action,
) -> tuple[tuple[Finding, ...], NDArray[np.bool_]]:
    """Report the near copies within each file, and say which rows leave.

    Args:
        table: N rows.
        target: Labels with merged spellings, or values, (N,).
        near: What `find_near_copies` returned.
        alike: What `find_alike` returned, int64 (N,).
        concerned: Rows still in the data, bool (N,).
        action: `fix` lets go of each row of the train file that is near an earlier one that stays.

    Returns:
        Findings, and the rows that leave, bool (N,).
    """
    leaves = np.zeros(table.num_rows, dtype=bool)
    if action == "off":
        return (), leaves
    source = table.source_of_rows()
    pairs = near.pairs[concerned[near.pairs].all(axis=1)]
    pairs = pairs[source[pairs[:, 0]] == source[pairs[:, 1]]]
    given = source[pairs[:, 0]] > 0
    later = _later_rows(pairs[~given])
    if action == "fix":
        leaves = _with_alike(table, target, alike, later) & concerned
    found = (
        _report(table, near, later, int(leaves.sum()), action, given=False),
        _report(table, near, _later_rows(pairs[given]), 0, action, given=True),
    )
    return tuple(finding for finding in found if finding), leaves


def _later_rows(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows that are near an earlier one which is none of them, ascending, int64."""
    if not len(pairs):
        return np.empty(0, np.int64)
    later = bytearray(int(pairs.max()) + 1)
    # By the earlier row: when its turn comes, it is known whether it stays.
    for first, second in pairs.tolist():
        if not later[first]:
            later[second] = 1
    return np.flatnonzero(np.frombuffer(later, np.uint8))


def _with_alike(
    table: Table, target: pa.Array, alike: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return these rows of the train file and those with their features and label, bool (N,)."""
    marks = _mark_alike(target, alike)
    return np.asarray(np.isin(marks, marks[rows]) & (table.source_of_rows() == 0))


def _report(
    table: Table,
    near: NearCopies,
    later: NDArray[np.int64],
    num_removed: int,
    action: Action,
    *,
    given: bool,
) -> Finding | None:
    count = len(later)
    if not count:
        return None
    checked = num_checked(table, given=given)
    rows = name_rows(table, later)
    mild = action == "warn" and near.by_nature
    effective: Action = "warn" if given and action == "fix" else action
    bound = "; so many lie close together that not all pairs were compared" * near.bounded
    fixed = f"removed {num_removed} rows, the first of each kind stays"
    return Finding(
        check="duplicates.near",
        severity="info" if mild else severity_of(effective),
        count=count,
        share=count / checked,
        message=f"rows of {'a given file' if given else 'the train file'} must differ by more than "
        f"noise, found {count} of {checked} to be near copies of earlier ones"
        + list_rows(rows, count)
        + bound
        + "; rows of this table are as near by nature" * near.by_nature,
        rows=rows,
        done=fixed if action == "fix" and not given else "kept",
        advice="" if mild else _advise(action, given=given),
    )


def _advise(action: Action, *, given: bool) -> str:
    advice = "look at them, and take copies out of the file"
    fixable = "" if given or action == "fix" else ", or set quality.duplicates.near: fix"
    return f"{advice}{fixable}; quality.duplicates.near_tolerance says how near is near"
