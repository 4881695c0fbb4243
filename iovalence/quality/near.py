"""Own the search for near copies: rows that are nearly equal, but not quite.

Two rows are near copies when their numeric features lie within a tolerance of each other (root of
the mean square of the differences, each in units of its column's spread without outliers) and
their categories, booleans, dates, missing places and labels are equal: two events at two times are
two events. In a regression the target counts as one more number. Columns that are no features say
nothing, and rows whose features and label are equal are copies, not near ones.

In some tables rows lie that near by nature: they have all in common but one number, say. So pairs
are judged with those that differ in as many columns, as `iovalence.quality.density` says.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.schema import SOURCES
from iovalence.data.table import Table
from iovalence.quality.conflicting import mark_alike
from iovalence.quality.density import BEYOND, count_dimensions, is_by_nature, is_crowded
from iovalence.quality.distance import Numbers
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

_SEED, _SAMPLED = 0x6E617475, 0.25
_MAX_DIFFERENCES = 4096


@dataclass(frozen=True)
class NearCopies:
    """Hold the near copies of a table.

    Attributes:
        pairs: Indices (i < j) of rows of the table, ascending, int64 (P, 2). Of rows of one file
            that are alike, only the first is in a pair.
        natural: Likewise, pairs that lie as near, but no more of them than the table's density
            explains; int64 (Q, 2).
        bounded: Whether so many rows lie close together that not all pairs were looked at.
    """

    pairs: NDArray[np.int64]
    natural: NDArray[np.int64]
    bounded: bool = False


def no_near_copies() -> NearCopies:
    """Return what was found where nothing was looked for."""
    none = np.empty((0, 2), np.int64)
    return NearCopies(none, none)


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
    numbers = Numbers.fit(table, target, concerned)
    if not numbers.columns:
        return no_near_copies()
    search = _Search.over(table, target, numbers, tolerance)
    rows = _first_of_file(mark_alike(target, alike), table, np.flatnonzero(concerned))
    found = sample = search.find(rows)
    rng = np.random.default_rng(_SEED)
    while sample.bounded:
        # Of pairs that were looked at by their nearness, none tells how many lie a little farther.
        rows = rows[rng.random(len(rows)) < _SAMPLED]
        sample = search.find(rows)
    natural, near = _find_natural(found, sample), found.is_near
    return NearCopies(found.pairs[near & ~natural], found.pairs[near & natural], found.bounded)


@dataclass(frozen=True)
class _Close:
    """Hold C pairs of rows within `BEYOND` tolerances of each other.

    Attributes:
        pairs: Indices (i < j) of rows, ascending, int64 (C, 2).
        is_near: Whether they lie within one tolerance, bool (C,).
        differing: In how many columns they differ, int16 (C,), > 0.
        weight: How many each stands for: the search brings a share of those together, float64 (C,).
        numbers: What they differ in.
        bounded: Whether not all pairs were looked at.
    """

    pairs: NDArray[np.int64]
    is_near: NDArray[np.bool_]
    differing: NDArray[np.int16]
    weight: NDArray[np.float64]
    numbers: Numbers
    bounded: bool


def _find_natural(found: _Close, sample: _Close) -> NDArray[np.bool_]:
    """Return which pairs are near as many others are, by nature, bool (C,)."""
    natural = []
    for num_differing in np.unique(found.differing[found.is_near]).tolist():
        close = sample if num_differing in sample.differing else found
        stratum = close.differing == num_differing
        beyond = np.flatnonzero(stratum & ~close.is_near)
        differences = close.numbers.subtract(
            close.pairs[beyond[:: 1 + len(beyond) // _MAX_DIFFERENCES]]
        )
        near, weight = close.pairs[stratum & close.is_near], float(close.weight[beyond].sum())
        dimension = min(num_differing, count_dimensions(differences))
        if is_by_nature(len(near), weight, dimension) or is_crowded(len(near), _count_rows(near)):
            natural.append(num_differing)
    return np.isin(found.differing, natural)


def _count_rows(pairs: NDArray[np.int64]) -> int:
    """Return how many rows are in any of these pairs."""
    return len(np.unique(pairs))


def _columns_to_equal(table: Table, target: pa.Array, numbers: Numbers) -> pa.Table:
    """Return what near copies have in common: features that are no distance, and labels."""
    names = [name for name in table.schema.names("feature") if name not in numbers.names]
    columns = table.columns.select(names)
    if table.schema.target in numbers.names:
        return columns
    return columns.append_column(table.schema.target, pa.chunked_array([target]))


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
    numbers: Numbers
    tolerance: float

    @classmethod
    def over(cls, table: Table, target: pa.Array, numbers: Numbers, tolerance: float) -> "_Search":
        equal = _columns_to_equal(table, target, numbers)
        keys = numbers.hash_missing_places()
        if equal.num_columns:
            keys ^= hash_rows(equal)
        return cls(keys, equal, numbers, tolerance)

    def find(self, rows: NDArray[np.int64]) -> _Close:
        """Return the pairs of these rows that lie close together."""
        read, num_columns = self.numbers.read_block, len(self.numbers.columns)
        found = find_candidates(read, self.keys, rows, num_columns, self.tolerance)
        pairs, square, differing = self._compare(found)
        sound = (differing > 0) & rows_equal(self.equal, pairs[:, 0], pairs[:, 1])
        pairs, square, differing = pairs[sound], square[sound], differing[sound]
        # Each stands for those of its distance that no table brought together.
        grid = np.linspace(0, BEYOND, 17)[1:] * self.tolerance
        recall = [found.plan.recall(distance) for distance in grid.tolist()]
        weight = 1 / np.interp(np.sqrt(square / num_columns), grid, recall)
        is_near = square <= self._limit
        return _Close(pairs, is_near, differing, weight, self.numbers, found.bounded)

    @property
    def _limit(self) -> float:
        return len(self.numbers.columns) * self.tolerance**2

    def _compare(
        self, found: Candidates
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int16]]:
        """Return pairs within `BEYOND` tolerances, their sums of squares and differing columns."""
        same = self.keys[found.left] == self.keys[found.right]
        left, right = found.left[same], found.right[same]
        square, differing = np.zeros(len(left)), np.zeros(len(left), np.int16)
        for at in range(len(self.numbers.columns)):
            if not len(left):
                break
            differences = self.numbers.square_differences(at, left, right)
            square += differences
            differing += differences > 0
            # Most candidates are far apart in the first columns already.
            near = square <= self._limit * BEYOND**2
            left, right, square, differing = left[near], right[near], square[near], differing[near]
        pairs, first = _distinct_pairs(left, right, len(self.keys))
        return pairs, square[first], differing[first]


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
    copies = _later_rows(_in_one_file(table, near.pairs, concerned, given=False))
    given_copies = _later_rows(_in_one_file(table, near.pairs, concerned, given=True))
    if action == "fix":
        leaves = _with_alike(table, target, alike, copies[:, 0]) & concerned
    found = (
        _report(table, near, copies, int(leaves.sum()), action, given=False),
        _report(table, near, given_copies, 0, action, given=True),
    )
    natural = tuple(_report_natural(table, near, concerned, given=given) for given in (False, True))
    return tuple(finding for finding in (*found, *natural) if finding), leaves


def _in_one_file(
    table: Table, pairs: NDArray[np.int64], concerned: NDArray[np.bool_], *, given: bool
) -> NDArray[np.int64]:
    """Return the pairs of rows of one file that are both still in the data, int64 (P, 2)."""
    source = table.source_of_rows()
    pairs = pairs[concerned[pairs].all(axis=1)]
    one, other = source[pairs].T
    return np.asarray(pairs[(one == other) & ((one > 0) == given)])


def _later_rows(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows near an earlier one that is none of them, and that one, int64 (L, 2)."""
    earlier: dict[int, int] = {}
    # By the earlier row: when its turn comes, it is known whether it stays.
    for first, second in pairs.tolist():
        if first not in earlier:
            earlier.setdefault(second, first)
    return np.array(sorted(earlier.items()), np.int64).reshape(-1, 2)


def _with_alike(
    table: Table, target: pa.Array, alike: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return these rows of the train file and those with their features and label, bool (N,)."""
    marks = mark_alike(target, alike)
    return np.asarray(np.isin(marks, marks[rows]) & (table.source_of_rows() == 0))


def _report(
    table: Table,
    near: NearCopies,
    copies: NDArray[np.int64],
    num_removed: int,
    action: Action,
    *,
    given: bool,
) -> Finding | None:
    count = len(copies)
    if not count:
        return None
    checked = num_checked(table, given=given)
    rows = name_rows(table, copies[:, 0])
    effective: Action = "warn" if given and action == "fix" else action
    fixed = f"removed {num_removed} rows, the first of each kind stays"
    return Finding(
        check="duplicates.near",
        severity=severity_of(effective),
        count=count,
        share=count / checked,
        message=f"{_must(given)}, found {count} of {checked} to be near copies of earlier ones"
        + list_rows(rows, count)
        + _BOUNDED * near.bounded,
        rows=rows,
        partners=name_rows(table, copies[:, 1]),
        done=fixed if action == "fix" and not given else "kept",
        advice=_advise(action, given=given),
    )


def _report_natural(
    table: Table, near: NearCopies, concerned: NDArray[np.bool_], *, given: bool
) -> Finding | None:
    """Report rows that lie near earlier ones, and are no copies for all that is known."""
    copies = _later_rows(_in_one_file(table, near.natural, concerned, given=given))
    count, checked = len(copies), num_checked(table, given=given)
    rows = name_rows(table, copies[:, 0])
    if not count:
        return None
    return Finding(
        check="duplicates.near",
        severity="info",
        count=count,
        share=count / checked,
        message=f"{_must(given)}, found {count} of {checked} to lie near earlier ones, "
        f"as many as do by nature where rows are this dense{list_rows(rows, count)}"
        + _BOUNDED
        * near.bounded,
        rows=rows,
        partners=name_rows(table, copies[:, 1]),
        done="kept",
    )


_BOUNDED = "; so many lie close together that not all pairs were compared"


def _must(given: bool) -> str:
    return f"rows of {'a given file' if given else 'the train file'} must differ by more than noise"


def _advise(action: Action, *, given: bool) -> str:
    advice = "look at them, and take copies out of the file"
    fixable = "" if given or action == "fix" else ", or set quality.duplicates.near: fix"
    return f"{advice}{fixable}; quality.duplicates.near_tolerance says how near is near"
