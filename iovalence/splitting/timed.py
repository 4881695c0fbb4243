"""Own the split by time: the earliest units are trained on, the latest are the test.

A unit stands where its latest row stands. So every row of train is earlier than the moment at which
validation begins, and every row of train and validation earlier than that at which the test begins;
only a group may bring older rows of its own into a later part.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.table import Table
from iovalence.errors import DataError
from iovalence.quality.findings import list_rows, name_rows
from iovalence.splitting.units import TEST, TRAIN, VALIDATION, Shares, find_units, require_units

Times = NDArray[np.float64] | NDArray[np.int64]


def read_times(table: Table, rows: NDArray[np.int64]) -> Times:
    """Return the times of M rows of the train file, (M,): the numbers, or microseconds of dates.

    Args:
        table: All rows; one column holds times.
        rows: Indices of the M rows.

    Raises:
        DataError: A row has no time; one line, with the rows.
    """
    (name,) = table.schema.names("time")
    values = table.columns[name].take(pa.array(rows))
    missing = rows[values.is_null().to_numpy()]
    if len(missing):
        raise DataError(
            f"data.split: time must find a time in every row, found '{name}' missing in "
            f"{len(missing)} of {len(rows)}{list_rows(name_rows(table, missing), len(missing))}; "
            "fill it in, or take these rows out: there is no telling which part they belong to"
        )
    numbers = values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values
    return np.asarray(numbers.to_numpy())


def assign_by_time(time: Times, unit: NDArray[np.int64], shares: Shares) -> NDArray[np.int8]:
    """Assign rows to train, validation and test in the order of time.

    Units that end at the same time are in one part. Each part holds the share asked for of the
    rows as near as these bounds allow, and something.

    Args:
        time: Of each row, (N,), in any unit.
        unit: Rows with the same number stay together, int64 (N,).
        shares: Of the rows for validation and test.

    Returns:
        Part of each row, int8 (N,): 0 train, 1 validation, 2 test.

    Raises:
        DataError: There are fewer different times than parts.
    """
    _, unit_of_row, num_rows = find_units(unit)
    latest = np.full(len(num_rows), time.min())
    np.maximum.at(latest, unit_of_row, time)
    moments, moment = np.unique(latest, return_inverse=True)
    what = "the rows of data.time must end at {} different times at least"
    require_units(len(moments), shares, what, "name a finer column of times")
    rows_until = np.cumsum(np.bincount(moment, weights=num_rows)).astype(np.float64)
    ends = _choose_ends(rows_until, shares)
    part = np.searchsorted(ends, np.arange(len(moments)), side="right").astype(np.int8)
    return np.asarray(np.array(_parts_in_order(shares), np.int8)[part][moment][unit_of_row])


def _parts_in_order(shares: Shares) -> list[int]:
    asked = (True, *(share > 0 for share in shares))
    return [part for part in (TRAIN, VALIDATION, TEST) if asked[part]]


def _choose_ends(rows_until: NDArray[np.float64], shares: Shares) -> NDArray[np.int64]:
    """Return how many moments lie before each part but the first, int64 (P - 1,)."""
    asked = [share for share in shares if share > 0]
    num_moments, total = len(rows_until), rows_until[-1]
    ends: list[int] = []
    for at in range(len(asked)):
        wanted = total * (1 - sum(asked[at:]))
        first, last = (ends[-1] + 1 if ends else 1), num_moments - (len(asked) - at)
        distance = np.abs(rows_until[first - 1 : last] - wanted)
        ends.append(first + int(np.argmin(distance)))
    return np.array(ends, dtype=np.int64)
