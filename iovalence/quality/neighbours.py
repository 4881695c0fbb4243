"""Own the search for rows that lie close together among many; know nothing of what they mean.

Rows are projected on random directions and cut into cells, in several tables that are shifted
against each other (E2LSH). Rows that share a cell of any table are candidates; whoever asked
confirms them. The tables find a pair by chance, and `plan_search` makes that chance good enough.

Source: Datar, Immorlica, Indyk, Mirrokni 2004, "Locality-Sensitive Hashing Scheme Based on
    p-Stable Distributions", sections 3 and 4.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, erf, exp, log, pi, sqrt

import numpy as np
from numpy.typing import NDArray

# Of the pairs just within the tolerance, so many have to be candidates: nearer ones are more.
MIN_RECALL = 0.99
_SEED = 0x6E656172
_BLOCK_ROWS = 1 << 16
_TABLES_AT_ONCE = 8
_WIDTHS = (5.0, 10.0, 20.0, 40.0, 80.0)  # cells, in tolerances
_MAX_PROJECTIONS, _MAX_TABLES = 24, 64
# How far rows are apart that have nothing in common: half of what independent columns would give.
_FAR = 0.7
# Relative costs: of a row in a table, of each of its projections, and of a candidate.
_ROW_COST, _PROJECTION_COST, _CANDIDATE_COST = 300.0, 25.0, 100.0
# Two rows differ on one more direction by less than so many distances, all but 1 in 10,000.
_REACH = 4.0
_CANDIDATES_PER_ROW, _MIN_CANDIDATES = 4, 1 << 20


@dataclass(frozen=True)
class SearchPlan:
    """Say how many tables of how fine cells a search takes.

    Attributes:
        num_tables: Tables, each with directions and shifts of its own.
        num_projections: Directions that make a cell.
        cell_width: Width of a cell along each, in the rows' units.
    """

    num_tables: int
    num_projections: int
    cell_width: float

    def recall(self, distance: float) -> float:
        """Return the chance that two rows at this RMS distance share a cell of some table."""
        shared = meet_probability(distance, self.cell_width) ** self.num_projections
        return float(1 - (1 - shared) ** self.num_tables)


@dataclass(frozen=True)
class Candidates:
    """Hold pairs of rows that share a cell.

    Attributes:
        left: One row of each of C pairs, int32 or int64 (C,).
        right: The other, likewise. A pair may come more than once.
        bounded: Whether cells held so many rows that not all their pairs are here.
        plan: How they were found.
    """

    left: NDArray[np.integer]
    right: NDArray[np.integer]
    bounded: bool
    plan: SearchPlan


def meet_probability(distance: float, cell_width: float) -> float:
    """Return the chance that two rows fall into one interval along a random direction.

    Args:
        distance: RMS distance of the rows, > 0.
        cell_width: Width of the intervals, > 0.

    Source: Datar et al. 2004, section 3.2, for p = 2; directions of variance 1/D make it hold for
        the RMS distance over D columns in place of the Euclidean one.
    """
    ratio = cell_width / distance
    below = (1 + erf(-ratio / sqrt(2))) / 2
    return 1 - 2 * below - 2 / (sqrt(2 * pi) * ratio) * (1 - exp(-(ratio**2) / 2))


def plan_search(num_rows: int, tolerance: float) -> SearchPlan:
    """Return the cheapest plan that finds pairs at the tolerance with `MIN_RECALL`.

    Args:
        num_rows: Rows to search among.
        tolerance: Largest RMS distance of a pair, in units where columns have a spread of 1.
    """
    plans = [
        plan
        for width in _WIDTHS
        for num_projections in range(1, _MAX_PROJECTIONS + 1)
        if (plan := _with_enough_tables(tolerance, width * tolerance, num_projections))
    ]
    return min(plans, key=lambda plan: _cost(plan, num_rows))


def _with_enough_tables(
    tolerance: float, cell_width: float, num_projections: int
) -> SearchPlan | None:
    missed = 1 - meet_probability(tolerance, cell_width) ** num_projections
    num_tables = max(1, ceil(log(1 - MIN_RECALL) / log(missed)))
    if num_tables > _MAX_TABLES:
        return None
    return SearchPlan(num_tables, num_projections, cell_width)


def _cost(plan: SearchPlan, num_rows: int) -> float:
    row = _ROW_COST + _PROJECTION_COST * plan.num_projections
    strangers = meet_probability(_FAR, plan.cell_width) ** plan.num_projections
    return plan.num_tables * num_rows * (row + _CANDIDATE_COST * num_rows / 2 * strangers)


def find_candidates(
    read_block: Callable[[int, int], NDArray[np.float32]],
    block_keys: NDArray[np.uint64],
    rows: NDArray[np.int64],
    num_columns: int,
    tolerance: float,
) -> Candidates:
    """Return pairs of rows that may lie within the tolerance of each other.

    Args:
        read_block: Returns rows start to stop, float32 (B, D), scaled, without NaN.
        block_keys: What has to be equal besides, uint64 (N,).
        rows: Rows to look at, ascending, int64 (M,).
        num_columns: D, 1 or more.
        tolerance: Largest RMS distance of a pair.

    Returns:
        Pairs among `rows`; their number is bounded by some per row, and cells that are too full
        give their nearest rows along one more direction first.
    """
    plan = plan_search(len(rows), tolerance)
    limit = max(_MIN_CANDIDATES, _CANDIDATES_PER_ROW * len(rows)) // plan.num_tables
    rng = np.random.default_rng(_SEED)
    left, right, bounded = [], [], False
    for start in range(0, plan.num_tables, _TABLES_AT_ONCE):
        num_tables = min(_TABLES_AT_ONCE, plan.num_tables - start)
        directions = _draw_directions(rng, num_columns, plan, num_tables)
        keys, along = _project(read_block, block_keys, directions, num_tables)
        order = rows[np.argsort(along[rows], kind="stable")]
        order = order.astype(np.int32) if len(block_keys) < 2**31 else order
        for table in keys:
            one = _pairs_of_table(table, along, order, _REACH * tolerance, limit)
            left.append(one[0])
            right.append(one[1])
            bounded |= one[2]
    return Candidates(np.concatenate(left), np.concatenate(right), bounded, plan)


@dataclass(frozen=True)
class _Directions:
    """Hold F directions, float32 (D, 1 + F), their shifts, and a factor for each, (F,)."""

    vectors: NDArray[np.float32]
    shifts: NDArray[np.float32]
    factors: NDArray[np.uint64]


def _draw_directions(
    rng: np.random.Generator, num_columns: int, plan: SearchPlan, num_tables: int
) -> _Directions:
    num_cuts = num_tables * plan.num_projections
    vectors = rng.standard_normal((num_columns, 1 + num_cuts)) / sqrt(num_columns)
    vectors[:, 1:] /= plan.cell_width
    # Cells are told apart by a random sum of their numbers, as in section 4 of the source.
    factors = rng.integers(1, 2**64, num_cuts, dtype=np.uint64) | np.uint64(1)
    return _Directions(vectors.astype(np.float32), rng.random(num_cuts, dtype=np.float32), factors)


def _project(
    read_block: Callable[[int, int], NDArray[np.float32]],
    block_keys: NDArray[np.uint64],
    directions: _Directions,
    num_tables: int,
) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Return the cell of each row in T tables, uint64 (T, N), and its place along a direction."""
    num_rows = len(block_keys)
    keys = np.empty((num_tables, num_rows), np.uint64)
    along = np.empty(num_rows, np.float32)
    for start in range(0, num_rows, _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, num_rows)
        places = np.ascontiguousarray((read_block(start, stop) @ directions.vectors).T)
        along[start:stop] = places[0]
        cells = np.floor(places[1:] + directions.shifts[:, None]).astype(np.int64).view(np.uint64)
        cells *= directions.factors[:, None]
        by_table = cells.reshape(num_tables, -1, stop - start)
        keys[:, start:stop] = by_table.sum(axis=1, dtype=np.uint64) ^ block_keys[start:stop]
    return keys, along


def _pairs_of_table(
    keys: NDArray[np.uint64],
    along: NDArray[np.float32],
    order: NDArray[np.integer],
    reach: float,
    limit: int,
) -> tuple[NDArray[np.integer], NDArray[np.integer], bool]:
    """Return pairs of one table whose places differ by `reach` at most, and if there were more.

    Args:
        keys: Cell of each row, uint64 (N,).
        along: Place of each row along a direction, float32 (N,).
        order: Rows to look at, by their place, int (M,).
        reach: Largest difference of places.
        limit: Pairs after which no more are taken.
    """
    cells = keys[order]
    sorting = np.argsort(cells, kind="stable")
    cells = cells[sorting]
    shared = np.zeros(len(cells), dtype=bool)
    shared[1:] = cells[1:] == cells[:-1]
    shared[:-1] |= shared[1:]
    rows, cells = order[sorting[shared]], cells[shared]
    left, right, total, bounded = [rows[:0]], [rows[:0]], 0, False
    for at, shift in _close_positions(cells, along[rows], reach):
        bounded = total + len(at) > limit
        at = at[: limit - total]
        left.append(rows[at])
        right.append(rows[at + shift])
        total += len(at)
        if bounded:
            break
    return np.concatenate(left), np.concatenate(right), bounded


def _close_positions(
    cells: NDArray[np.uint64], places: NDArray[np.float32], reach: float
) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Yield for each shift the positions that share their cell, closely, with the one so far on."""
    at, shift = np.arange(len(cells)), 1
    while len(at := at[: np.searchsorted(at, len(cells) - shift)]):
        after = at + shift
        at = at[(cells[after] == cells[at]) & (places[after] - places[at] <= reach)]
        yield at, shift
        shift += 1
