"""Own how rows become numbers and predictions become values again; fitted on the train part."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.data.encodings import (
    BooleanEncoding,
    DatetimeEncoding,
    DenseEncoding,
    EmbeddedEncoding,
    Encoding,
    NumericEncoding,
    fit_categories,
)
from iovalence.data.scaling import compute_mean_and_std
from iovalence.data.schema import Column, TableSchema
from iovalence.errors import DataError
from iovalence.names import nearest
from iovalence.record import Record

BLOCK_ROWS = 1 << 14


@dataclass(frozen=True)
class Encoded:
    """Hold rows as a network takes them.

    Attributes:
        features: float32 (N, F), C order, finite.
        codes: int32 (N, E), one column for each embedded one.
    """

    features: NDArray[np.float32]
    codes: NDArray[np.int32]


class Preprocessing(Record):
    """Turn rows into numbers as was fitted on the train part.

    Attributes:
        columns: How each feature column is encoded, in the table's order.
        classes: Classes of the train part, in numeric order where all are numbers, else sorted,
            the positive one of two last in doubt; None for regression.
        positive_index: Index of the positive class where there are two classes, else None.
        target_mean: Mean of the train part's target, in its own unit; 0 for classification.
        target_scale: Its standard deviation, 1 where it is constant or for classification.
    """

    columns: tuple[Encoding, ...]
    classes: tuple[str, ...] | None
    positive_index: int | None
    target_mean: float = 0.0
    target_scale: float = 1.0

    @classmethod
    def fit(
        cls,
        columns: pa.Table,
        schema: TableSchema,
        target: pa.Array | pa.ChunkedArray,
        positive_class: str | None,
        rows: NDArray[np.bool_] | None = None,
    ) -> Self:
        """Fit to the train part.

        Args:
            columns: Rows typed as `Table.columns`; (N,) of them.
            schema: What the columns are.
            target: Target of these rows, (N,); texts for classification, else float64.
            positive_class: The positive one of two classes; None for the last.
            rows: Which rows to fit to, bool (N,); None for all. Filtered a column at a time,
                to bound memory.

        Raises:
            DataError: The rows hold fewer than two classes, or `positive_class` is not one.
        """
        mask = None if rows is None else pa.array(rows)
        chosen = target if mask is None else target.filter(mask)
        encodings = tuple(
            _fit_column(column, columns[column.name], mask)
            for column in schema.columns
            if column.role == "feature"
        )
        if schema.task == "regression":
            mean, scale = _fit_values(chosen)
            return cls(
                columns=encodings,
                classes=None,
                positive_index=None,
                target_mean=mean,
                target_scale=scale,
            )
        classes = _fit_classes(chosen)
        return cls(
            columns=encodings,
            classes=classes,
            positive_index=_positive_index(classes, positive_class),
        )

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the names of the F features, in order."""
        return tuple(name for encoding in self._dense for name in encoding.feature_names)

    @property
    def embedding_sizes(self) -> tuple[tuple[int, int], ...]:
        """Return for each embedded column how many codes and how many numbers for one."""
        return tuple((encoding.num_codes, encoding.dimension) for encoding in self._embedded)

    @property
    def _dense(self) -> tuple[DenseEncoding, ...]:
        return tuple(e for e in self.columns if not isinstance(e, EmbeddedEncoding))

    @property
    def _embedded(self) -> tuple[EmbeddedEncoding, ...]:
        return tuple(e for e in self.columns if isinstance(e, EmbeddedEncoding))

    def transform(self, columns: pa.Table) -> Encoded:
        """Encode rows.

        Args:
            columns: N rows typed as `Table.columns`; other columns are ignored.
        """
        num_rows = columns.num_rows
        features = np.empty((num_rows, len(self.feature_names)), np.float32)
        codes = np.empty((num_rows, len(self._embedded)), np.int32)
        for start in range(0, num_rows, BLOCK_ROWS):
            end = start + BLOCK_ROWS
            self.encode_into(
                columns.slice(start, BLOCK_ROWS), features[start:end], codes[start:end]
            )
        return Encoded(features, codes)

    def encode_into(
        self, columns: pa.Table, features: NDArray[np.float32], codes: NDArray[np.int32]
    ) -> None:
        """Encode rows into `features`, float32 (N, F), and `codes`, int32 (N, E)."""
        start = 0
        for encoding in self._dense:
            end = start + len(encoding.feature_names)
            encoding.fill(_whole(columns[encoding.column]), features[:, start:end])
            start = end
        for i, embedded in enumerate(self._embedded):
            codes[:, i] = embedded.codes(_whole(columns[embedded.column]))

    def encode_target(
        self, target: pa.Array | pa.ChunkedArray
    ) -> NDArray[np.int64] | NDArray[np.float32]:
        """Encode the target of rows.

        Returns:
            Index of the class, int64 (N,), -1 where it is missing or not in the train part; or
            for regression standardised values, float32 (N,), NaN where missing.
        """
        if self.classes is None:
            values = target.to_numpy(zero_copy_only=False)
            limit = float(np.finfo(np.float32).max)
            with np.errstate(over="ignore"):
                scaled = (values - self.target_mean) / self.target_scale
            standardised: NDArray[np.float32] = np.clip(scaled, -limit, limit).astype(np.float32)
            return standardised
        index = pc.index_in(target, value_set=pa.array(self.classes, pa.string()))
        encoded: NDArray[np.int64] = index.fill_null(-1).to_numpy().astype(np.int64)
        return encoded

    def decode_target(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return standardised values (N,) in the target's own unit, float64 (N,)."""
        return np.asarray(values, np.float64) * self.target_scale + self.target_mean


def _whole(values: pa.ChunkedArray) -> pa.Array:
    combined = values.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


def _fit_column(column: Column, values: pa.ChunkedArray, mask: pa.Array | None) -> Encoding:
    train = values if mask is None else values.filter(mask)
    if column.kind == "numeric":
        return NumericEncoding.fit(column.name, train)
    if column.kind == "boolean":
        return BooleanEncoding.fit(column.name, train)
    if column.kind == "datetime":
        return DatetimeEncoding.fit(column.name, train)
    return fit_categories(column.name, train)


def _fit_values(target: pa.Array | pa.ChunkedArray) -> tuple[float, float]:
    values = target.drop_null().to_numpy(zero_copy_only=False)
    if not len(values):
        raise DataError("the train part must have target values, found none")
    mean, std = compute_mean_and_std(values)
    return mean, std or 1.0


def _fit_classes(target: pa.Array | pa.ChunkedArray) -> tuple[str, ...]:
    found = pc.unique(target.drop_null()).to_pylist()
    if len(found) < 2:
        raise DataError(
            f"the train part must have two classes at least, found {len(found)}: "
            f"{', '.join(found)}; check the target and what the checks removed"
        )
    return tuple(sorted(found, key=_class_order(found)))


def _class_order(classes: list[str]):  # type: ignore[no-untyped-def]
    try:
        numbers = {name: float(name) for name in classes}
    except ValueError:
        return str
    return lambda name: (numbers[name], name)


def _positive_index(classes: tuple[str, ...], positive: str | None) -> int | None:
    if positive is None:
        return 1 if len(classes) == 2 else None
    if positive not in classes:
        raise DataError(
            f"data.positive_class must be a class of the target, got '{positive}'"
            f"{nearest(positive, classes)}; the classes are {', '.join(classes[:20])}"
        )
    if len(classes) != 2:
        raise DataError(
            f"data.positive_class must go with two classes, found {len(classes)}; leave it out"
        )
    return classes.index(positive)
