"""Own how the values of one column become numbers: one class for each kind of column.

Each is fitted on the train part alone, names the features it makes, and fills them in.
"""

import math
from typing import Annotated, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field

from iovalence.data.scaling import RobustScale
from iovalence.record import Record

# Up to this many different values a category is one-hot, above it is embedded.
MAX_ONE_HOT = 50
# At most this many of the commonest values are embedded; the others count as unseen.
MAX_EMBEDDED = 10_000
# A value of fewer rows says nothing by itself: it shares the place of the unseen ones, and so
# that place is trained.
MIN_ROWS_A_VALUE = 2
UNSEEN, MISSING = "(unseen)", "(missing)"
_DAY = 86400.0
_MICROSECOND = 1e-6

Block = NDArray[np.float32]


class NumericEncoding(Record):
    """Scale numbers; missing ones become the centre, and are told apart by an indicator.

    Attributes:
        column: Name of the column.
        scale: Fitted on the train part.
        has_missing: Whether the train part has missing values, and so there is an indicator.
    """

    kind: Literal["numeric"] = "numeric"
    column: str
    scale: RobustScale
    has_missing: bool

    @classmethod
    def fit(cls, column: str, values: pa.ChunkedArray) -> Self:
        """Fit to the values of the train part."""
        known = values.drop_null().to_numpy()
        return cls(column=column, scale=RobustScale.fit(known), has_missing=values.null_count > 0)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the names of the features, in order."""
        return _with_missing((self.column,), self.column, self.has_missing)

    def fill(self, values: pa.Array, out: Block) -> None:
        """Write the features of values (N,) into `out`, float32 (N, number of names)."""
        numbers = values.to_numpy(zero_copy_only=False)
        out[:, 0] = self.scale.transform(numbers)
        if self.has_missing:
            out[:, 1] = np.isnan(numbers)


class BooleanEncoding(Record):
    """Write true as 1, false and missing as 0, with an indicator of missing ones.

    Attributes:
        column: Name of the column.
        has_missing: Whether the train part has missing values, and so there is an indicator.
    """

    kind: Literal["boolean"] = "boolean"
    column: str
    has_missing: bool

    @classmethod
    def fit(cls, column: str, values: pa.ChunkedArray) -> Self:
        """Fit to the values of the train part."""
        return cls(column=column, has_missing=values.null_count > 0)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the names of the features, in order."""
        return _with_missing((self.column,), self.column, self.has_missing)

    def fill(self, values: pa.Array, out: Block) -> None:
        """Write the features of values (N,) into `out`, float32 (N, number of names)."""
        out[:, 0] = _dense(pc.fill_null(values, False))
        if self.has_missing:
            out[:, 1] = _dense(pc.is_null(values))


class OneHotEncoding(Record):
    """Write one feature for each value, 1 where it is that value.

    A value without a place of its own is 0 throughout, or 1 in the place of unseen ones where
    rare values of the train part trained that place.

    Attributes:
        column: Name of the column.
        values: The values with a place, sorted.
        has_unseen: Whether there is a place for unseen values.
        has_missing: Whether there is a place for missing values.
    """

    kind: Literal["one_hot"] = "one_hot"
    column: str
    values: tuple[str, ...]
    has_unseen: bool
    has_missing: bool

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the names of the features, in order."""
        names = (*self.values, UNSEEN) if self.has_unseen else self.values
        shown = tuple(f"{self.column}={value}" for value in names)
        return _with_missing(shown, self.column, self.has_missing)

    def fill(self, values: pa.Array, out: Block) -> None:
        """Write the features of values (N,) into `out`, float32 (N, number of names)."""
        out[:] = 0
        codes = pc.index_in(values, value_set=pa.array(self.values, pa.string()))
        codes = codes.fill_null(len(self.values) if self.has_unseen else -1).to_numpy()
        missing = _dense(pc.is_null(values))
        codes = np.where(missing, out.shape[1] - 1 if self.has_missing else -1, codes)
        rows = np.flatnonzero(codes >= 0)
        out[rows, codes[rows]] = 1


class DatetimeEncoding(Record):
    """Write time elapsed, and sine and cosine of month, weekday and, where there are times, hour.

    Attributes:
        column: Name of the column.
        scale: Of the seconds since 1970, fitted on the train part.
        has_times: Whether the train part has times of day.
        has_missing: Whether the train part has missing values, and so there is an indicator.
    """

    kind: Literal["datetime"] = "datetime"
    column: str
    scale: RobustScale
    has_times: bool
    has_missing: bool

    @classmethod
    def fit(cls, column: str, values: pa.ChunkedArray) -> Self:
        """Fit to the values of the train part."""
        seconds = _seconds(values.drop_null())
        return cls(
            column=column,
            scale=RobustScale.fit(seconds),
            has_times=bool(np.any(seconds % _DAY)),
            has_missing=values.null_count > 0,
        )

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the names of the features, in order."""
        cycles = ("month", "weekday", "hour") if self.has_times else ("month", "weekday")
        names = [f"{self.column} {cycle} {wave}" for cycle in cycles for wave in ("sine", "cosine")]
        return _with_missing((f"{self.column} elapsed", *names), self.column, self.has_missing)

    def fill(self, values: pa.Array, out: Block) -> None:
        """Write the features of values (N,) into `out`, float32 (N, number of names)."""
        missing = _dense(pc.is_null(values))
        seconds = _seconds(pc.fill_null(values, pa.scalar(0, values.type)))
        out[:, 0] = self.scale.transform(seconds)
        filled = pc.fill_null(values, pa.scalar(0, values.type))
        phases = [(pc.month(filled).to_numpy() - 1) / 12, pc.day_of_week(filled).to_numpy() / 7]
        if self.has_times:
            phases.append(seconds % _DAY / _DAY)
        for i, phase in enumerate(phases):
            out[:, 1 + 2 * i] = np.sin(2 * np.pi * phase)
            out[:, 2 + 2 * i] = np.cos(2 * np.pi * phase)
        out[missing] = 0
        if self.has_missing:
            out[:, -1] = missing


class EmbeddedEncoding(Record):
    """Give each value a code for an embedding.

    Code 0 is for unseen values; rare values of the train part share it. Missing values have the
    code after the last value where the train part has some, else they count as unseen.

    Attributes:
        column: Name of the column.
        values: The values with a code of their own, sorted; the first has code 1.
        has_missing: Whether missing values have a code of their own.
    """

    kind: Literal["embedded"] = "embedded"
    column: str
    values: tuple[str, ...]
    has_missing: bool

    @property
    def num_codes(self) -> int:
        """Return how many codes there are."""
        return 1 + len(self.values) + self.has_missing

    @property
    def dimension(self) -> int:
        """Return how many numbers stand for one code.

        Source: the rule of fastai's tabular models, min(., 50) of 1.6 n^0.56.
        """
        return min(50, round(1.6 * math.pow(self.num_codes, 0.56)))

    def codes(self, values: pa.Array) -> NDArray[np.int32]:
        """Return the codes of values, int32 (N,) in [0, num_codes)."""
        known = pc.index_in(values, value_set=pa.array(self.values, pa.string()))
        codes: NDArray[np.int32] = pc.fill_null(known, -1).to_numpy() + np.int32(1)
        if self.has_missing:
            codes[_dense(pc.is_null(values))] = self.num_codes - 1
        return codes


DenseEncoding = NumericEncoding | BooleanEncoding | OneHotEncoding | DatetimeEncoding
Encoding = Annotated[DenseEncoding | EmbeddedEncoding, Field(discriminator="kind")]


def fit_categories(column: str, values: pa.ChunkedArray) -> OneHotEncoding | EmbeddedEncoding:
    """Fit the encoding of categories to the values of the train part."""
    counts = pc.value_counts(values.drop_null())
    by_count = sorted(
        zip(counts.field(1).to_pylist(), counts.field(0).to_pylist(), strict=True),
        key=lambda pair: (-pair[0], pair[1]),
    )
    frequent = [value for count, value in by_count if count >= MIN_ROWS_A_VALUE]
    has_missing = values.null_count > 0
    if len(frequent) <= MAX_ONE_HOT:
        return OneHotEncoding(
            column=column,
            values=tuple(sorted(frequent)),
            has_unseen=len(frequent) < len(by_count),
            has_missing=has_missing,
        )
    # The rarest value always shares the place of the unseen ones: else nothing would train it.
    places = min(MAX_EMBEDDED, len(by_count) - 1)
    return EmbeddedEncoding(
        column=column, values=tuple(sorted(frequent[:places])), has_missing=has_missing
    )


def _with_missing(names: tuple[str, ...], column: str, has_missing: bool) -> tuple[str, ...]:
    return (*names, f"{column}={MISSING}") if has_missing else names


def _dense(flags: pa.Array) -> NDArray[np.bool_]:
    dense: NDArray[np.bool_] = flags.to_numpy(zero_copy_only=False)
    return dense


def _seconds(times: pa.Array | pa.ChunkedArray) -> NDArray[np.float64]:
    seconds: NDArray[np.float64] = times.cast(pa.int64()).to_numpy() * _MICROSECOND
    return seconds
