"""Own what makes the distance between two rows: numbers, each in units of its column's spread.

Shapes: N rows, D columns.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.scaling import RobustScale
from iovalence.data.table import Table

# Wider than for training: noise comes as a share of the deviation, natural tails included.
_FENCE = 20.0
_FAR_OUT = 1e4  # spreads; where outliers are put together, as float32 tells them apart no more
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Numbers:
    """Hold the D columns that make a distance, and the spread of each in the train file."""

    names: tuple[str, ...]
    columns: tuple[pa.ChunkedArray, ...]
    scales: tuple[RobustScale, ...]

    @classmethod
    def fit(cls, table: Table, target: pa.Array, concerned: NDArray[np.bool_]) -> "Numbers":
        """Take the numeric features, and the target of a regression, that have a spread.

        Args:
            table: N rows.
            target: Labels with merged spellings, or values, (N,).
            concerned: Rows still in the data, bool (N,).
        """
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

    def subtract(self, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return how the rows of pairs differ in scaled units, float64 (P, D)."""
        rows, places = np.unique(pairs, return_inverse=True)
        values = np.zeros((len(rows), len(self.columns)))
        for at, (column, scale) in enumerate(zip(self.columns, self.scales, strict=True)):
            values[:, at] = np.nan_to_num(_read(column, 0, len(column))[rows]) / scale.scale
        left, right = places.reshape(-1, 2).T
        return np.asarray(values[left] - values[right])

    def square_differences(
        self, at: int, left: NDArray[np.integer], right: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """Return squares of scaled differences in one column, float64 (C,), 0 where both miss it.

        Args:
            at: Which column, from 0.
            left: One row of each pair, int (C,).
            right: The other, likewise.
        """
        column, scale = self.columns[at], self.scales[at]
        values = _read(column, 0, len(column))
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = np.nan_to_num((values[left] - values[right]) / scale.scale, posinf=np.inf)
            return np.asarray(np.square(scaled), np.float64)

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
