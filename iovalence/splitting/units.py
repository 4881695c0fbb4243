"""Own which rows move together, and how many parts they are enough for.

A *unit* is a group, where `data.group` names a column, else a row with its exact copies. Copies
agree in all columns but the id, so a group holds its copies whole. A row without a group is a unit
with its copies.
"""

import numpy as np
from numpy.typing import NDArray

from iovalence.data.schema import SOURCES
from iovalence.data.table import Table
from iovalence.errors import DataError

TRAIN, VALIDATION, TEST = 0, 1, 2
PARTS = SOURCES
Shares = tuple[float, float]
"""Of the rows for validation and test, each in [0, 1); 0 means no such part."""
_STREAM = 0x73706C69  # keeps these numbers apart from others drawn with the same seed


def number_units(table: Table, first_copy: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of each row's unit, int64 (N,), the same for rows that move together.

    Args:
        table: N rows.
        first_copy: Index of the first row that each equals, int64 (N,).
    """
    group = table.group_of_rows()
    if group is None:
        return first_copy
    return np.where(group >= 0, group, first_copy + group.max() + 1)


def find_units(unit: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Return first row and number of rows of each unit, and the unit of each row, int64.

    Args:
        unit: Rows with the same number are one unit, int64 (N,).

    Returns:
        First row (U,), unit of each row (N,) from 0, rows of each unit (U,).
    """
    rows = np.arange(len(unit))
    if np.all(unit[1:] > unit[:-1]):
        # Without copies a row is a unit; sorting millions of them would say the same.
        return rows, rows, np.ones(len(rows), np.int8)
    _, first, unit_of_row, num_rows = np.unique(
        unit, return_index=True, return_inverse=True, return_counts=True
    )
    return first, unit_of_row, num_rows


def draw_keys(num: int, seed: int) -> NDArray[np.uint64]:
    """Return `num` numbers to order units by at random, uint64, the same for the same seed."""
    # Raw numbers of the generator: numpy may change its shuffling between versions, not these.
    return np.random.PCG64(np.random.SeedSequence([seed, _STREAM])).random_raw(num)


def name_parts(shares: Shares) -> tuple[str, ...]:
    """Return the names of the parts that the train file is split into."""
    asked = (True, *(share > 0 for share in shares))
    return tuple(name for name, wanted in zip(PARTS, asked, strict=True) if wanted)


def require_units(num_units: int, shares: Shares, what: str, advice: str) -> None:
    """Refuse a split with more parts than there are units.

    Args:
        num_units: How many there are.
        shares: Asked for.
        what: What must be kept, as in "the train file must keep at least {} different rows".
        advice: What else than leaving out a part can be done.

    Raises:
        DataError: There are fewer units than parts.
    """
    names = name_parts(shares)
    if num_units < len(names):
        raise DataError(
            f"{what.format(len(names))}, one for each part ({', '.join(names)}), got {num_units}; "
            f"{advice}, or set data.validation_split or data.test_size to 0"
        )
