"""Own the cells whose typed value does not say what was written: found while typing, kept as text.

Texts that do not fit their column and become missing, whole numbers beyond 2**53, decimals of more
than 15 digits, fractions of a microsecond, and numbers with dots that a decimal comma makes mean
thousands. Most tables have none, and then there is no file.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from iovalence.atomic import explain_os_error
from iovalence.data.schema import Column
from iovalence.data.values import MAX_EXACT_INTEGER, as_text
from iovalence.errors import StorageError

_SCHEMA = pa.schema([("column", pa.int32()), ("row", pa.int64()), ("text", pa.string())])
_MAX_EXACT_DIGITS = 15
_NULL_ROWS = 1 << 16

Pieces = Sequence[tuple[pa.Array, pa.Array]]
"""Rows, ascending, int64, and the texts written there; piece after piece."""


def find_lost(plain: pa.Array, values: pa.Array, column: Column) -> pa.Array | None:
    """Return which values do not say what was written, bool (N,); None where all do.

    Args:
        plain: Values as they were read, (N,).
        values: The same as the column's kind holds them, (N,).
        column: The kind, and how numbers are written.
    """
    found = [_find_unfit(plain, values)]
    if column.kind == "numeric":
        found.append(_find_inexact(plain, values, column))
    if plain.type == pa.timestamp("ns") and values.type == pa.timestamp("us"):
        found.append(pc.not_equal(values.cast(plain.type), plain))
    lost = None
    for some in found:
        if some is not None and pc.any(some).as_py():
            some = some.fill_null(False)
            lost = some if lost is None else pc.or_(lost, some)
    return lost


def _find_unfit(plain: pa.Array, values: pa.Array) -> pa.Array | None:
    if values.null_count == plain.null_count:
        return None
    lost = pc.and_(pc.is_valid(plain), pc.is_null(values))
    # The text `nan` is a missing number.
    return pc.and_(lost, pc.not_equal(pc.utf8_lower(as_text(plain)), "nan"))


def _find_inexact(plain: pa.Array, values: pa.Array, column: Column) -> pa.Array | None:
    if pa.types.is_decimal(plain.type):
        digits = pc.replace_substring_regex(as_text(plain), r"^-?0*\.?0*|\.", "")
        return pc.greater(pc.utf8_length(digits), _MAX_EXACT_DIGITS)
    is_text = plain.type == pa.string()
    if is_text and column.decimal_comma:
        return pc.or_(pc.match_substring(plain, "."), _find_wide(plain, values))
    ends = pc.min_max(values)
    if pa.types.is_floating(plain.type) or not _is_wide(ends["min"], ends["max"]):
        return None
    return _find_wide(plain, values)


def _is_wide(smallest: pa.Scalar, largest: pa.Scalar) -> bool:
    ends = (smallest.as_py(), largest.as_py())
    return any(end is not None and abs(end) >= MAX_EXACT_INTEGER for end in ends)


def _find_wide(plain: pa.Array, values: pa.Array) -> pa.Array:
    wide = pc.greater_equal(pc.abs(values), float(MAX_EXACT_INTEGER))
    if plain.type != pa.string():
        return wide
    # 1.5e300 and infinity are written as what they are.
    return pc.and_not(wide, pc.match_substring_regex(plain, "(?i)e|inf"))


class WrittenFile:
    """Write such cells as they are found; without any there is no file.

    Args:
        path: Where to write.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pa.ipc.RecordBatchFileWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def add(self, column: int, rows: pa.Array, texts: pa.Array) -> None:
        """Add cells of one column: its position, their rows in the table from 0, int64, ascending.

        Raises:
            StorageError: The file cannot be written.
        """
        try:
            if self._writer is None:
                self._writer = pa.ipc.new_file(str(self._path), _SCHEMA)
            positions = pa.array(np.full(len(rows), column, np.int32))
            self._writer.write_batch(
                pa.RecordBatch.from_arrays([positions, rows, texts], schema=_SCHEMA)
            )
        except OSError as err:
            raise explain_os_error(err, self._path, "writing") from err


class WrittenCells:
    """Hold what was written in the cells of a table whose typed values do not say it.

    Args:
        pieces: Of each column that has such cells.
    """

    def __init__(self, pieces: Mapping[str, Pieces] | None = None) -> None:
        self._pieces = dict(pieces or {})

    @property
    def names(self) -> tuple[str, ...]:
        """Return the columns that have such cells."""
        return tuple(self._pieces)

    def column(self, name: str, num_rows: int) -> pa.ChunkedArray:
        """Return the texts of a column, (N,); null where the typed value says it all.

        What was written throughout is not copied, and what lies between shares its memory.
        """
        return pa.chunked_array(list(self._chunks(name, num_rows)), pa.string())

    def _chunks(self, name: str, num_rows: int) -> Iterator[pa.Array]:
        at = 0
        for rows, texts in self._pieces.get(name, ()):
            first, last = rows[0].as_py(), rows[-1].as_py()
            yield from _nulls(first - at)
            yield texts if last - first + 1 == len(rows) else _spread(rows, texts, first, last)
            at = last + 1
        yield from _nulls(num_rows - at)


def _nulls(num_rows: int) -> Iterator[pa.Array]:
    block = pa.nulls(min(num_rows, _NULL_ROWS), pa.string())
    for start in range(0, num_rows, _NULL_ROWS):
        yield block.slice(0, num_rows - start)


def _spread(rows: pa.Array, texts: pa.Array, first: int, last: int) -> pa.Array:
    index = np.full(last - first + 1, -1, np.int64)
    index[rows.to_numpy() - first] = np.arange(len(rows))
    return texts.take(pa.array(index, mask=index < 0))


def load_written(path: Path, columns: Sequence[Column]) -> WrittenCells:
    """Open what `WrittenFile` wrote, memory-mapped; nothing where there is no file.

    Raises:
        StorageError: The file is damaged.
    """
    if not path.exists():
        return WrittenCells()
    pieces: dict[str, list[tuple[pa.Array, pa.Array]]] = defaultdict(list)
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        for at in range(reader.num_record_batches):
            column, rows, texts = reader.get_batch(at).columns
            pieces[columns[column[0].as_py()].name].append((rows, texts))
    except (pa.ArrowInvalid, IndexError) as err:
        raise StorageError(f"{path} must be whole, got '{err}'") from err
    except OSError as err:
        raise explain_os_error(err, path, "reading") from err
    return WrittenCells(pieces)
