"""Own which rows of a table are a sequence, and in which order.

A sequence is the rows of one group of one file, in order of time; rows of the same time stay in
the order of the file. Knows nothing of labels, parts and models.

Shapes: N rows of a table, M of them in sequences, S sequences.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.schema import SOURCES
from iovalence.data.table import Table
from iovalence.errors import DataError

Ints = NDArray[np.int64]
_MAX_EXAMPLES = 5


@dataclass(frozen=True)
class Sequences:
    """Hold sequences one after the other, each in order of time.

    Attributes:
        rows: Where each row is, in a table or in an array of rows, int64 (M,).
        starts: Where each sequence begins in `rows`, and M at the end, int64 (S + 1,).
    """

    rows: Ints
    starts: Ints

    @property
    def number(self) -> int:
        """Return S."""
        return len(self.starts) - 1

    @cached_property
    def lengths(self) -> Ints:
        """Return the rows of each sequence, int64 (S,)."""
        return np.diff(self.starts)

    @property
    def first(self) -> Ints:
        """Return where the first row of each sequence is, int64 (S,)."""
        return np.asarray(self.rows[self.starts[:-1]])

    @property
    def last(self) -> Ints:
        """Return where the last row of each sequence is, int64 (S,)."""
        return np.asarray(self.rows[self.starts[1:] - 1])

    @property
    def of_rows(self) -> Ints:
        """Return the sequence of each row of `rows`, int64 (M,)."""
        return np.repeat(np.arange(self.number), self.lengths)

    @property
    def place(self) -> Ints:
        """Return where each row of `rows` is in its sequence, from 0, int64 (M,)."""
        return np.arange(len(self.rows)) - np.repeat(self.starts[:-1], self.lengths)

    def mark_last(self, num_rows: int) -> NDArray[np.bool_]:
        """Return which rows are the last of their sequence, bool (N,): one for each sequence."""
        marked = np.zeros(num_rows, dtype=bool)
        marked[self.last] = True
        return marked

    def keep(self, stays: NDArray[np.bool_]) -> "Sequences":
        """Return what is left of the sequences with the rows that stay, bool (N,)."""
        kept = stays[self.rows]
        return _gather(self.rows[kept], self.of_rows[kept])

    def take(self, which: Ints) -> "Sequences":
        """Return some of the sequences, int64 (T,), in the order asked for."""
        lengths = self.lengths[which]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        within = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)
        return Sequences(self.rows[np.repeat(self.starts[which], lengths) + within], starts)

    def pieces(self, num_rows: int) -> "Iterator[Sequences]":
        """Yield the sequences in order, `num_rows` rows at a time, or one sequence."""
        start = 0
        while start < self.number:
            limit = self.starts[start] + num_rows
            end = max(start + 1, int(np.searchsorted(self.starts, limit, side="right")) - 1)
            yield self.take(np.arange(start, end))
            start = end

    def split_off(self, most: int) -> tuple["Sequences", Ints]:
        """Return each sequence with its last `most` rows, and the rows that are before these."""
        before_end = np.repeat(self.lengths, self.lengths) - self.place
        kept = before_end <= most
        return _gather(self.rows[kept], self.of_rows[kept]), self.rows[~kept]


def _gather(rows: Ints, number: Ints) -> Sequences:
    """Return the sequences of rows, (M,), that lie together, with their numbers, (M,)."""
    changes = np.flatnonzero(np.diff(number, prepend=-1))
    return Sequences(np.asarray(rows), np.append(changes, len(rows)).astype(np.int64))


def find_sequences(table: Table) -> Sequences:
    """Return the sequences of a table: in the order of their first rows in it.

    Args:
        table: N rows, with a column of groups and one of times.

    Raises:
        DataError: A row has no group or no time; one line each, with the rows.
    """
    (group_name,), (time_name,) = table.schema.names("group"), table.schema.names("time")
    times = table.columns[time_name]
    group = table.group_of_rows()
    if group is None:
        raise ValueError("sequences must have a column of groups")
    faults = [
        _tell_missing(table, key, name, missing)
        for key, name, missing in (
            ("group", group_name, np.flatnonzero(group < 0)),
            ("time", time_name, np.flatnonzero(times.is_null().to_numpy())),
        )
        if len(missing)
    ]
    if faults:
        raise DataError(faults)
    numbers = times.cast(pa.int64()) if pa.types.is_timestamp(times.type) else times
    return order_rows(_number(table, group), np.asarray(numbers.to_numpy()))


def order_rows(group: Ints, time: NDArray[np.generic]) -> Sequences:
    """Return the sequences of N rows by their groups, int64 (N,), and times, (N,)."""
    _, first, number = np.unique(group, return_index=True, return_inverse=True)
    by_appearance = first[number]
    rows = np.lexsort((time, by_appearance))
    return _gather(rows.astype(np.int64), by_appearance[rows])


def count_ties(table: Table, sequences: Sequences) -> int:
    """Return how many rows have the time of the row before them in their sequence."""
    (name,) = table.schema.names("time")
    times = table.columns[name]
    numbers = times.cast(pa.int64()) if pa.types.is_timestamp(times.type) else times
    ordered = numbers.to_numpy()[sequences.rows]
    inside = sequences.place[1:] > 0
    return int(((ordered[1:] == ordered[:-1]) & inside).sum())


def _number(table: Table, group: Ints) -> Ints:
    """Return a number for each row's group and file together, int64 (N,)."""
    return group + table.source_of_rows().astype(np.int64) * (int(group.max(initial=0)) + 1)


def _tell_missing(table: Table, key: str, name: str, rows: Ints) -> str:
    source, number = table.source_of_rows()[rows], table.row_numbers()[rows]
    pairs = zip(source[:_MAX_EXAMPLES], number[:_MAX_EXAMPLES], strict=True)
    is_one_file = not any(table.schema.num_rows[1:])
    named = ", ".join(
        f"{'' if is_one_file else SOURCES[at]} row {row}".strip() for at, row in pairs
    )
    more = f" and {len(rows) - _MAX_EXAMPLES} more" if len(rows) > _MAX_EXAMPLES else ""
    return (
        f"data.{key} must be there in every row for model_type: rnn, found '{name}' missing in "
        f"{len(rows)} of {table.num_rows} ({named}{more}); fill it in, or take these rows out"
    )
