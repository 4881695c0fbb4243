"""Own how the target is spread: the rows of each class, or of each range of values."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.table import Table
from iovalence.quality.labels import encode_labels

NUM_BINS = 30


@dataclass(frozen=True)
class ClassCounts:
    """Hold the rows of one class.

    Attributes:
        name: The label.
        read: Its rows in the train file.
        kept: Those of them that stayed.
        parts: Its rows in the train, validation and test part; empty where no split was made.
    """

    name: str
    read: int
    kept: int
    parts: tuple[int, ...] = ()


@dataclass(frozen=True)
class TargetSpread:
    """Hold how the target is spread in the rows that were read, and in those that stayed.

    Attributes:
        classes: The largest first; empty for a regression.
        histogram: Lowest and highest value of the train file, and the rows that were read and
            that stayed in each of 30 ranges of equal width; None for classes.
    """

    classes: tuple[ClassCounts, ...] = ()
    histogram: tuple[float, float, list[int], list[int]] | None = None


def spread_target(
    table: Table, target: pa.Array, kept: NDArray[np.bool_], part: NDArray[np.int8] | None
) -> TargetSpread:
    """Count the target's values.

    Args:
        table: N rows.
        target: Labels with merged spellings, or values, (N,).
        kept: Rows that stayed, bool (N,).
        part: Part of each row, int8 (N,), or None before the split.
    """
    in_train = table.source_of_rows() == 0
    if table.schema.task == "regression":
        return _bin_values(target.to_numpy(zero_copy_only=False), in_train, kept)
    codes, names = encode_labels(target)

    def count(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(codes[rows & (codes >= 0)], minlength=len(names))

    read, stayed = count(in_train), count(in_train & kept)
    parts = [] if part is None else [count(part == at) for at in range(3)]
    order = np.argsort(-read, kind="stable")
    return TargetSpread(
        classes=tuple(
            ClassCounts(
                str(names[at]), int(read[at]), int(stayed[at]), tuple(int(one[at]) for one in parts)
            )
            for at in order.tolist()
        )
    )


def _bin_values(
    values: NDArray[np.float64], in_train: NDArray[np.bool_], kept: NDArray[np.bool_]
) -> TargetSpread:
    there = np.isfinite(values)
    read = values[in_train & there]
    if not len(read):
        return TargetSpread()
    low, high = float(read.min()), float(read.max())
    before, after = (
        np.histogram(values[rows & there], bins=NUM_BINS, range=(low, high))[0].tolist()
        for rows in (in_train, in_train & kept)
    )
    return TargetSpread(histogram=(low, high, before, after))
