"""Own what is remembered of a table, so that the next one can be compared with it.

A profile is of the train file as it was read, before any check changed or removed a row. It is
made a column at a time.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.atomic import write_text
from iovalence.data.schema import Column, Kind, Role
from iovalence.data.section import Task
from iovalence.data.table import Table
from iovalence.quality.sketch import Sketch, build_sketch
from iovalence.record import Record

MAX_CATEGORIES = 1000
# More rows than these move no share by as much as 0.005, in one table of a million.
MAX_SAMPLED = 1 << 18


class Range(Record):
    """Hold the smallest and the largest of a column's numbers, and how many there are."""

    minimum: float
    maximum: float
    num_known: int


class Categories(Record):
    """Hold how often each category stands in a column.

    Attributes:
        counts: Rows of each of the `MAX_CATEGORIES` most frequent, the most frequent first.
        num_rest: Rows of all others.
        num_single: Categories of a single row.
    """

    counts: dict[str, int]
    num_rest: int = 0
    num_single: int = 0

    @property
    def num_known(self) -> int:
        """Return how many rows have a category."""
        return sum(self.counts.values()) + self.num_rest


class Period(Record):
    """Hold the earliest and the latest of a column's times, ISO 8601."""

    earliest: str
    latest: str


class ColumnProfile(Record):
    """Hold what is remembered of one column.

    Attributes:
        name: Its name.
        kind: What its values are.
        role: What it is used for.
        num_missing: Rows without a value.
        numbers: For finite numbers, where there are any.
        sketch: Their distribution; made of `MAX_SAMPLED` rows at most, drawn evenly.
        categories: For categories and for true and false, where there are any.
        period: For times, where there are any.
    """

    name: str
    kind: Kind
    role: Role
    num_missing: int
    numbers: Range | None = None
    sketch: Sketch | None = None
    categories: Categories | None = None
    period: Period | None = None


class Profile(Record):
    """Hold what is remembered of a train file.

    Attributes:
        layout: Version of this layout; others are refused.
        num_rows: Its rows.
        target: The column to predict.
        task: What is predicted.
        columns: In the table's order.
    """

    layout: Literal[1] = 1
    num_rows: int
    target: str
    task: Task
    columns: tuple[ColumnProfile, ...]

    def save(self, path: Path) -> None:
        """Write the profile to `path`, on one line: it is thousands of numbers."""
        write_text(path, self.model_dump_json() + "\n")

    def by_name(self) -> dict[str, ColumnProfile]:
        """Return the columns by their names."""
        return {column.name: column for column in self.columns}


def build_profile(table: Table) -> Profile:
    """Return the profile of a table's train file."""
    schema = table.schema
    rows = table.columns.slice(0, schema.num_rows[0])
    sampled = draw_evenly(rows.num_rows)
    profiles = (_profile(column, rows.column(column.name), sampled) for column in schema.columns)
    return Profile(
        num_rows=rows.num_rows, target=schema.target, task=schema.task, columns=tuple(profiles)
    )


def draw_evenly(num_rows: int) -> NDArray[np.int64] | None:
    """Return the rows to make sketches of, int64, ascending; None for all of them.

    One is drawn from each of `MAX_SAMPLED` stretches of equal length, the same each time.
    """
    if num_rows <= MAX_SAMPLED:
        return None
    ends = np.arange(MAX_SAMPLED + 1) * num_rows // MAX_SAMPLED
    within = np.random.Generator(np.random.PCG64(0)).random(MAX_SAMPLED)
    return np.asarray(ends[:-1] + (within * np.diff(ends)).astype(np.int64))


def _profile(
    column: Column, values: pa.ChunkedArray, sampled: NDArray[np.int64] | None
) -> ColumnProfile:
    about = dict(_describe(column, values, sampled)) if values.null_count < len(values) else {}
    return ColumnProfile(
        name=column.name,
        kind=column.kind,
        role=column.role,
        num_missing=values.null_count,
        **about,
    )


def _describe(
    column: Column, values: pa.ChunkedArray, sampled: NDArray[np.int64] | None
) -> Iterator[tuple[str, Record]]:
    if column.kind == "numeric":
        yield from _describe_numbers(values, sampled)
    elif column.kind == "datetime":
        ends = pc.min_max(values).as_py()
        earliest, latest = ends["min"].isoformat(), ends["max"].isoformat()
        yield "period", Period(earliest=earliest, latest=latest)
    elif column.kind in ("categorical", "boolean"):
        yield "categories", count_categories(values)


def _describe_numbers(
    values: pa.ChunkedArray, sampled: NDArray[np.int64] | None
) -> Iterator[tuple[str, Record]]:
    found = find_range(values)
    if found is None:
        return
    yield "numbers", found
    drawn = _take(values, sampled)
    drawn = drawn[np.isfinite(drawn)]  # a missing number is NaN here
    if len(drawn):
        yield "sketch", build_sketch(drawn)


def find_range(values: pa.ChunkedArray) -> Range | None:
    """Return the range of the finite numbers of a column, float64 (N,); None without any."""
    ends = pc.min_max(values).as_py()
    if ends["min"] is None:
        return None
    if not np.isfinite([ends["min"], ends["max"]]).all():
        return find_range(values.filter(pc.is_finite(values)))
    num_known = len(values) - values.null_count
    return Range(minimum=ends["min"], maximum=ends["max"], num_known=num_known)


def _take(values: pa.ChunkedArray, rows: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """Return the numbers of some rows, ascending int64, or of all; a chunk at a time."""
    if rows is None:
        return np.asarray(values.to_numpy())
    ends = np.cumsum([0, *map(len, values.chunks)])
    cuts = np.searchsorted(rows, ends)
    pieces = [
        chunk.to_numpy(zero_copy_only=False)[rows[first:last] - start]
        for chunk, start, first, last in zip(
            values.chunks, ends[:-1], cuts[:-1], cuts[1:], strict=True
        )
    ]
    return np.concatenate(pieces)


def count_categories(values: pa.ChunkedArray) -> Categories:
    """Return how often each category stands in a column, (N,) of text or bool."""
    counted = pc.value_counts(values.drop_null())
    names, rows = counted.field("values").cast(pa.string()), counted.field("counts").to_numpy()
    order = np.argsort(-rows, kind="stable")  # where counts are equal, the first in the table
    first = order[:MAX_CATEGORIES]
    counts = zip(names.take(pa.array(first)).to_pylist(), rows[first].tolist(), strict=True)
    return Categories(
        counts=dict(counts),
        num_rest=int(rows[order[MAX_CATEGORIES:]].sum()),
        num_single=int((rows == 1).sum()),
    )


# What the user named as no feature, or as what orders and groups rows, may change as it likes.
_JUDGED: frozenset[Role] = frozenset({"feature", "target", "weight", "left_out"})


def is_judged(column: ColumnProfile) -> bool:
    """Return whether a column is compared with what it was: not where the user excluded it."""
    return column.role in _JUDGED


def pair_columns(now: Profile, before: Profile) -> list[tuple[ColumnProfile, ColumnProfile]]:
    """Return each column that both tables have and that is judged in both, now and before."""
    known = before.by_name()
    pairs = [(column, known[column.name]) for column in now.columns if column.name in known]
    return [pair for pair in pairs if all(map(is_judged, pair))]
