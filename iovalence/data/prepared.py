"""Own the rows as the trainer takes them: encoded, in files that are memory-mapped."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.atomic import explain_os_error
from iovalence.data.preprocessing import BLOCK_ROWS, Preprocessing
from iovalence.data.schema import SOURCES
from iovalence.data.sequences import Sequences
from iovalence.data.table import Table
from iovalence.errors import DataError, StorageError

_TRAIN = 0
_NUM_PARTS = len(SOURCES)


@dataclass(frozen=True)
class Prepared:
    """Hold the M rows that were kept: train, validation, test, each in the table's order.

    So the rows of a part lie together, and reading a part is reading a file from here to there.

    Where the rows are sequences, M counts these: a sequence has one target, weight and part, and
    the last of its rows stands for it in the table. Then `features` and `codes` alone hold rows.

    Attributes:
        preprocessing: How they were encoded.
        features: float32 (M, F), C order; of all rows of the sequences where there are any.
        codes: int32 (M, E), likewise.
        target: Class indices int64 (M,), -1 for a class the train part lacks; or standardised
            values float32 (M,).
        weight: float32 (M,), >= 0; None where no column holds weights.
        part: int8 (M,): 0 train, 1 validation, 2 test.
        table_index: Row of the table, int64 (M,), from 0.
        sequences: Which rows of `features` and `codes` each of M sequences has; None where a row
            stands by itself.
    """

    preprocessing: Preprocessing
    features: NDArray[np.float32]
    codes: NDArray[np.int32]
    target: NDArray[np.int64] | NDArray[np.float32]
    weight: NDArray[np.float32] | None
    part: NDArray[np.int8]
    table_index: NDArray[np.int64]
    sequences: Sequences | None = None

    def y_true(self, rows: NDArray[np.int64]) -> NDArray[np.int64] | NDArray[np.float64]:
        """Return what is true of rows, by their positions, int64 (N,).

        Returns:
            Class index, int64 (N,), -1 for a class the train part lacks; or values in the
            target's own unit, float64 (N,).
        """
        target = self.target[rows]
        if self.preprocessing.classes is not None:
            return target.astype(np.int64)
        return self.preprocessing.decode_target(target.astype(np.float64))


def prepare(
    table: Table,
    keep: NDArray[np.bool_],
    target: pa.Array | pa.ChunkedArray,
    part: NDArray[np.int8],
    positive_class: str | None,
    folder: Path,
    sequences: Sequences | None = None,
) -> Preprocessing:
    """Fit the preprocessing on the train part and write all kept rows, encoded.

    Args:
        table: All N rows.
        keep: Which rows stayed, bool (N,).
        target: Target of each row after the checks, (N,).
        part: Part of each row, int8 (N,): 0 train, 1 validation, 2 test, -1 removed.
        positive_class: The positive one of two classes; None for the last.
        folder: Where preprocessing.json and the arrays are written.
        sequences: Of the rows that have a part, where rows are sequences.

    Raises:
        DataError: The train part holds fewer than two classes, or lacks `positive_class`.
        StorageError: `folder` cannot be written to.
    """
    kept = np.where(keep, part, np.int8(-1))
    train = kept == _TRAIN
    once = target if sequences is None else _count_once(target, sequences)
    preprocessing = Preprocessing.fit(table.columns, table.schema, once, positive_class, train)
    encode_rows(table, kept, target, preprocessing, folder, sequences)
    return preprocessing


def _count_once(target: pa.Array | pa.ChunkedArray, sequences: Sequences) -> pa.Array:
    """Return the target, (N,), of the last row of each sequence alone: a long one counts once."""
    return pc.if_else(pa.array(sequences.mark_last(len(target))), target, None)


def encode_rows(
    table: Table,
    kept: NDArray[np.int8],
    target: pa.Array | pa.ChunkedArray,
    preprocessing: Preprocessing,
    folder: Path,
    sequences: Sequences | None = None,
) -> None:
    """Write the rows of each part, encoded as was fitted, for `load_prepared`.

    Args:
        table: All N rows.
        kept: Part of each row, int8 (N,): 0 train, 1 validation, 2 test, -1 for none.
        target: Target of each row after the checks, (N,).
        preprocessing: How rows become numbers.
        folder: Where preprocessing.json and the arrays are written.
        sequences: Of the rows that have a part, where rows are sequences.

    Raises:
        DataError: The weights of a part cannot be summed.
        StorageError: `folder` cannot be written to.
    """
    index = np.concatenate([np.flatnonzero(kept == at) for at in range(_NUM_PARTS)])
    arrays: dict[str, np.ndarray] = {}
    if sequences is not None:
        sequences = sequences.take(np.argsort(kept[sequences.last], kind="stable"))
        arrays |= {"sequence_rows": _place(index)[sequences.rows]}
        arrays |= {"sequence_starts": sequences.starts}
        index = sequences.last
    arrays |= {
        "target": preprocessing.encode_target(target)[index],
        "part": kept[index],
        "table_index": index,
    }
    if names := table.schema.names("weight"):
        weight = table.columns[names[0]].to_numpy()[index]
        arrays["weight"] = check_weights(weight, kept[index], names[0])
    try:
        preprocessing.save(folder / "preprocessing.json")
        for name, values in arrays.items():
            np.save(folder / f"{name}.npy", values)
        _write_encoded(table.columns, kept, preprocessing, folder)
    except OSError as err:
        raise explain_os_error(err, folder, "writing") from err


def _place(index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each row of a table is among the rows at `index`, int64 (M,)."""
    place = np.empty(int(index.max(initial=-1)) + 1, np.int64)
    place[index] = np.arange(len(index))
    return place


def check_weights(
    weight: NDArray[np.float64], part: NDArray[np.int8], name: str
) -> NDArray[np.float32]:
    """Return weights as float32, (M,); no part may weigh nothing, or more than float32 holds.

    Args:
        weight: Of each row, float64 (M,), >= 0.
        part: Part of each row, int8 (M,), none removed.
        name: The column.

    Raises:
        DataError: The weights of a part cannot be summed.
    """
    with np.errstate(over="ignore", under="ignore"):
        small = weight.astype(np.float32)
    for at in np.unique(part):
        total = float(small[part == at].sum(dtype=np.float64))
        if not 0 < total < np.finfo(np.float32).max:
            raise DataError(
                f"the weights of each part must sum to a number > 0 and < 3e38, got {total:g} in "
                f"the {SOURCES[at]} part ('{name}'); scale them, or leave data.weight out"
            )
    return small


def _write_encoded(
    columns: pa.Table, kept: NDArray[np.int8], preprocessing: Preprocessing, folder: Path
) -> None:
    """Write the rows of each part, int8 (N,), -1 for none, where those before it end."""
    counts = np.bincount(kept + 1, minlength=_NUM_PARTS + 1)[1:]
    at, num_rows = np.cumsum(counts) - counts, int(counts.sum())
    widths = len(preprocessing.feature_names), len(preprocessing.embedding_sizes)
    with (
        _NewArray(folder / "features.npy", "<f4", num_rows, widths[0]) as features,
        _NewArray(folder / "codes.npy", "<i4", num_rows, widths[1]) as codes,
    ):
        for start in range(0, columns.num_rows, BLOCK_ROWS):
            part = kept[start : start + BLOCK_ROWS]
            stays = part >= 0
            block = columns.slice(start, BLOCK_ROWS).filter(pa.array(stays))
            encoded, part = preprocessing.transform(block), part[stays]
            for which in range(_NUM_PARTS):
                rows = np.flatnonzero(part == which)
                features.write(at[which], encoded.features[rows])
                codes.write(at[which], encoded.codes[rows])
                at[which] += len(rows)


class _NewArray:
    """Write a file of NumPy's format in pieces; mapping it would count as memory.

    Args:
        path: The file.
        dtype: Of its numbers, as NumPy's format names it.
        num_rows: N.
        width: Numbers in a row.
    """

    def __init__(self, path: Path, dtype: str, num_rows: int, width: int) -> None:
        self._file = path.open("wb")
        self._dtype, self._row_bytes = np.dtype(dtype), width * np.dtype(dtype).itemsize
        header = {"descr": dtype, "fortran_order": False, "shape": (num_rows, width)}
        np.lib.format.write_array_header_1_0(self._file, header)
        self._start = self._file.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, first: int, rows: np.ndarray) -> None:
        """Write rows (B, width) from row `first` on."""
        self._file.seek(self._start + int(first) * self._row_bytes)
        self._file.write(np.ascontiguousarray(rows, self._dtype).tobytes())


def load_prepared(folder: Path) -> Prepared:
    """Open what `prepare` wrote, memory-mapped.

    Raises:
        StorageError: A file is missing, damaged, or of another version.
    """
    preprocessing = Preprocessing.load(folder / "preprocessing.json")
    names = ("features", "codes", "target", "part", "table_index")
    arrays = {name: open_array(folder / f"{name}.npy") for name in names}
    weight = folder / "weight.npy"
    weights = open_array(weight) if weight.exists() else None
    return Prepared(preprocessing, weight=weights, sequences=_load_sequences(folder), **arrays)


def _load_sequences(folder: Path) -> Sequences | None:
    starts = folder / "sequence_starts.npy"
    if not starts.exists():
        return None
    return Sequences(open_array(folder / "sequence_rows.npy"), np.array(open_array(starts)))


def open_array(path: Path) -> np.ndarray:
    """Open an array of a stage, memory-mapped where it is not empty; no pickle is ever read.

    Raises:
        StorageError: It is missing, or no array of numbers.
    """
    try:
        return _map_or_load(path)
    except OSError as err:
        raise explain_os_error(err, path, "reading") from err
    except (ValueError, EOFError) as err:
        raise StorageError(
            f"an array must be whole, got '{err}' ({path}); remove "
            f"{path.parent}, and its stage is done again"
        ) from err


def _map_or_load(path: Path) -> np.ndarray:
    array: np.ndarray
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:
        # Empty arrays cannot be mapped.
        array = np.load(path, allow_pickle=False)
    return array
