"""Own the split of whole groups: shares, and classes, as near as can be.

Shapes: N rows, G groups, K classes, P parts.

Large groups are placed first, each where it is most lacking; small ones then even out, and all are
looked at once more. Groups of the same rows in each class are interchangeable and are shared out
together, so that a million groups of one row cost as little as a few.

Source: StratifiedGroupKFold of scikit-learn places groups in the order of their unevenness, one by
one; parts of different sizes, and the sharing out of equal groups, are ours.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from iovalence.splitting.units import (
    TRAIN,
    Shares,
    draw_keys,
    find_units,
    require_units,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_SIZES_A_DOUBLING = 2  # groups whose sizes are within a factor of 1.4 come in random order
_MIN_ALIKE = 8  # fewer equal groups are placed one by one
_TRIES, _MAX_TRIED = 8, 1000  # orders that are tried where there are at most so many placements
_MAX_PLACED = 20_000  # the rest, the smallest, are drawn: by the law of large numbers that is near
_MAX_CELLS = 1 << 24  # rows of the groups in each class that are held; then rare classes are one
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def assign_groups(
    labels: Ints | None, unit: Ints, *, shares: Shares, seed: int
) -> NDArray[np.int8]:
    """Assign rows to train, validation and test so that no group is in two.

    Each part holds the share asked for of the rows, and of each class, as near as whole groups
    come to it, and one group at least.

    Args:
        labels: Class of each row, int64 (N,), or None to look at the number of rows alone.
        unit: Rows with the same number stay together, int64 (N,).
        shares: Of the rows for validation and test.
        seed: Decides between groups that are alike.

    Returns:
        Part of each row, int8 (N,): 0 train, 1 validation, 2 test.

    Raises:
        DataError: There are fewer groups than parts.
    """
    _, unit_of_row, num_rows = find_units(unit)
    require_units(
        len(num_rows),
        shares,
        "data.group must have at least {} groups",
        "name a finer column" if len(num_rows) > 1 else "one group holds everything: name another",
    )
    parts = [TRAIN, *(at + 1 for at, share in enumerate(shares) if share > 0)]
    if len(parts) == 1:
        return np.full(len(unit), TRAIN, dtype=np.int8)
    counts = _count_rows(unit_of_row, labels, len(num_rows))
    sizes = np.array([1 - sum(shares), *(share for share in shares if share > 0)])
    placed = _place_groups(counts, sizes, seed)
    return np.asarray(np.array(parts, dtype=np.int8)[placed][unit_of_row])


def _count_rows(unit_of_row: Ints, labels: Ints | None, num_groups: int) -> Floats:
    """Return the rows of each group, in all and in each class, float64 (G, 1 + K)."""
    num_rows = np.bincount(unit_of_row, minlength=num_groups).astype(np.float64)
    if labels is None or not len(labels):
        return num_rows[:, None]
    labels = _join_rare(labels, max(1, _MAX_CELLS // num_groups))
    num_classes = int(labels.max()) + 1
    cells = np.bincount(unit_of_row * num_classes + labels, minlength=num_groups * num_classes)
    in_classes = cells.reshape(num_groups, num_classes).astype(np.float64)
    return np.column_stack([num_rows, in_classes[:, in_classes.any(axis=0)]])


def _join_rare(labels: Ints, most: int) -> Ints:
    """Return labels of `most` classes: the commonest, and all others as one."""
    order = np.argsort(-np.bincount(labels), kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return np.asarray(np.minimum(rank, most - 1)[labels])


def _place_groups(counts: Floats, sizes: Floats, seed: int) -> Ints:
    """Return the part of each group, int64 (G,), of the best order that is tried."""
    kind = _number_kinds(counts)
    alike = np.bincount(kind)
    num_placements = int(np.where(alike < _MIN_ALIKE, alike, 1).sum())
    best, least = np.zeros(len(counts), dtype=np.int64), np.inf
    for attempt in range(_TRIES if num_placements <= _MAX_TRIED else 1):
        placement = _Placement(sizes[:, None] * counts.sum(axis=0))
        keys = draw_keys(len(counts) * (attempt + 1), seed)[-len(counts) :]
        part = np.zeros(len(counts), dtype=np.int64)
        order = list(_order(counts[:, 0], kind, keys))
        for groups in order[:_MAX_PLACED]:
            part[groups] = placement.place(counts[groups[0]], len(groups))
        if len(order) > _MAX_PLACED:
            rest = np.concatenate(order[_MAX_PLACED:])
            rest = rest[np.argsort(keys[rest])]
            part[rest] = placement.draw(counts[rest])
        for groups in order[:_MAX_PLACED]:
            placement.take_back(counts[groups[0]], part[groups])
            part[groups] = placement.place(counts[groups[0]], len(groups))
        _fill_empty_parts(part, counts, placement)
        if placement.distance() < least:
            best, least = part, placement.distance()
    return best


def _number_kinds(counts: Floats) -> Ints:
    """Return a number for each group, int64 (G,), the same for the same rows in each class."""
    keys = np.zeros(len(counts), dtype=np.uint64)
    for column in counts.T:
        keys = (keys ^ column.astype(np.uint64)) * _MULTIPLIER
        keys ^= keys >> np.uint64(32)
    return np.asarray(np.unique(keys, return_inverse=True)[1])


def _order(num_rows: Floats, kind: Ints, keys: NDArray[np.uint64]) -> Iterator[Ints]:
    """Yield the groups, large ones first: one by one, or many that are alike together."""
    alike = np.bincount(kind)
    size = np.floor(_SIZES_A_DOUBLING * np.log2(num_rows))
    together = np.flatnonzero(alike >= _MIN_ALIKE)
    by_kind = np.lexsort((keys, kind))
    ends = np.cumsum(alike)
    alone = np.flatnonzero(alike[kind] < _MIN_ALIKE)
    items = [by_kind[ends[at] - alike[at] : ends[at]] for at in together]
    first = np.array([groups[0] for groups in items], dtype=np.int64)
    leading = np.concatenate([first, alone])
    for at in np.lexsort((keys[leading], -size[leading])):
        yield items[at] if at < len(items) else leading[at : at + 1]


class _Placement:
    """Hold what the parts still lack, and place groups by it.

    How far parts are off is the sum of (rows - wanted)^2 / wanted over parts and classes.

    Args:
        wanted: Rows of each part, in all and in each class, float64 (P, 1 + K).
    """

    def __init__(self, wanted: Floats) -> None:
        self.lacking = wanted.copy()
        self._weight = 1 / wanted

    def place(self, counts: Floats, num: int) -> Ints:
        """Return the parts of `num` groups with these rows each, int64 (num,)."""
        curve = self._weight @ counts**2
        slope = (self.lacking * self._weight) @ counts
        numbers = np.zeros(len(slope), dtype=np.int64)
        if num > 1:
            numbers = np.floor(_share_out(num, curve, slope)).astype(np.int64)
        for _ in range(num - int(numbers.sum())):
            # What one more group in a part would add to how far the parts are off.
            numbers[np.argmin(curve * (2 * numbers + 1) - 2 * slope)] += 1
        self.lacking -= numbers[:, None] * counts
        return np.repeat(np.arange(len(numbers)), numbers)

    def draw(self, counts: Floats) -> Ints:
        """Return the parts of groups with these rows, float64 (M, 1 + K), in their order."""
        lacking = np.maximum(self.lacking[:, 0], 0)
        middle = np.cumsum(counts[:, 0]) - counts[:, 0] / 2
        ends = np.cumsum(lacking)[:-1] * (counts[:, 0].sum() / lacking.sum())
        parts = np.searchsorted(ends, middle)
        for part in range(len(lacking)):
            self.lacking[part] -= counts[parts == part].sum(axis=0)
        return parts

    def take_back(self, counts: Floats, parts: Ints) -> None:
        """Take groups with these rows each out of their parts, int64 (num,)."""
        numbers = np.bincount(parts, minlength=len(self.lacking))
        self.lacking += numbers[:, None] * counts

    def move(self, counts: Floats, old: int, new: int) -> None:
        """Take a group with these rows from one part to another."""
        self.lacking[old] += counts
        self.lacking[new] -= counts

    def distance(self) -> float:
        """Return how far the parts are off."""
        return float((self.lacking**2 * self._weight).sum())


def _share_out(num: int, curve: Floats, slope: Floats) -> Floats:
    """Return how many of `num` equal groups each part gets, float64 (P,), before rounding.

    They minimise sum(curve * n^2 - 2 * slope * n), with n >= 0 that sum to `num`.
    """
    inside = np.ones(len(curve), dtype=bool)
    while True:
        level = (slope[inside] / curve[inside]).sum() - num
        numbers = np.where(inside, (slope - level / (1 / curve[inside]).sum()) / curve, 0.0)
        if (numbers >= 0).all():
            return numbers
        inside &= numbers > 0


def _fill_empty_parts(part: Ints, counts: Floats, placement: _Placement) -> None:
    """Give each part that has none the group that is best moved there, in place."""
    for empty in np.flatnonzero(np.bincount(part, minlength=len(placement.lacking)) == 0):
        spare = np.flatnonzero(np.bincount(part)[part] > 1)
        smallest = spare[np.argmin(counts[spare, 0])]
        placement.move(counts[smallest], int(part[smallest]), int(empty))
        part[smallest] = empty
