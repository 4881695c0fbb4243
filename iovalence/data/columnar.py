"""Own the reading of Parquet and Arrow files, and how their many types become a few plain ones."""

import io
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from iovalence.data.packing import Format, unpacked
from iovalence.errors import DataError

BATCH_ROWS = 1 << 16
_BUFFER_BYTES = 1 << 18
UNSUPPORTED = b"unsupported"
_MAX_EXACT_DIGITS = 15  # of a decimal, as float64 holds them

_Reader = tuple[pa.Schema, Iterator[pa.RecordBatch]]


def read_schema(path: Path, key: str, file_format: Format) -> pa.Schema:
    """Return the plain fields of a Parquet or Arrow file.

    Returns:
        Fields of type string, int64, float64, bool, timestamp("us") or null; or, where these
        would lose digits, uint64, a decimal or timestamp("ns"). What none of these can hold is
        text, and the field's metadata names its type under `unsupported`.

    Raises:
        DataError: The file is damaged or cannot be read.
    """
    with _opened(path, key, file_format) as (schema, _):
        return pa.schema([_plain_field(field) for field in schema])


def read_columnar(path: Path, key: str, file_format: Format) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet or Arrow file, in the plain types of `read_schema`.

    Raises:
        DataError: The file is damaged or cannot be read.
    """
    with _opened(path, key, file_format) as (schema, batches):
        fields = [_plain_field(field) for field in schema]
        for batch in batches:
            columns = [
                _plain_values(column, field)
                for column, field in zip(batch.columns, fields, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))


@contextmanager
def _opened(path: Path, key: str, file_format: Format) -> Iterator[_Reader]:
    with unpacked(path, key) as file, _seekable(file, path, file_format) as source:
        try:
            yield _OPENERS[file_format](source)
        except pa.ArrowException as err:
            cause = str(err).split("\n")[0]
            raise DataError(
                f"{key} must be a whole {file_format} file, found it damaged: {cause} ({path})"
            ) from err


@contextmanager
def _seekable(file: IO[bytes], path: Path, file_format: Format) -> Iterator[Any]:
    if isinstance(file, io.BufferedReader):
        # A batch of an Arrow file may be all of it: mapped, it need not be in memory.
        opened = pa.memory_map if file_format == "arrow file" else pa.OSFile
        with opened(str(path)) as source:
            yield source
        return
    # A packed file has to be unpacked whole: Parquet's directory is at its end.
    with tempfile.TemporaryFile() as unpacked_file:
        shutil.copyfileobj(file, unpacked_file, 1 << 20)
        unpacked_file.seek(0)
        yield unpacked_file


def _open_parquet(file: Any) -> _Reader:
    # Without a buffer size the columns of a row group, which may be the file, are read whole.
    parquet = pq.ParquetFile(file, buffer_size=_BUFFER_BYTES)
    return parquet.schema_arrow, parquet.iter_batches(batch_size=BATCH_ROWS)


def _open_arrow_file(file: Any) -> _Reader:
    reader = pa.ipc.open_file(file)
    return reader.schema, _cut(reader.get_batch(i) for i in range(reader.num_record_batches))


def _open_arrow_stream(file: Any) -> _Reader:
    reader = pa.ipc.open_stream(file)
    return reader.schema, _cut(reader)


def _cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the batches in pieces: a file may be one batch."""
    for batch in batches:
        for start in range(0, batch.num_rows, BATCH_ROWS):
            yield batch.slice(start, BATCH_ROWS)


_OPENERS: dict[Format, Callable[[Any], _Reader]] = {
    "parquet": _open_parquet,
    "arrow file": _open_arrow_file,
    "arrow stream": _open_arrow_stream,
}


def _plain_field(field: pa.Field) -> pa.Field:
    plain = _plain_type(field.type)
    if plain is not None:
        return pa.field(field.name, plain)
    return pa.field(field.name, pa.string(), metadata={UNSUPPORTED: str(field.type).encode()})


def _plain_type(dtype: pa.DataType) -> pa.DataType | None:
    """Return the plain type that holds the values of a type, or None where there is none."""
    types = pa.types
    if types.is_dictionary(dtype):
        return _plain_type(dtype.value_type)
    if types.is_string(dtype) or types.is_large_string(dtype) or types.is_string_view(dtype):
        return pa.string()
    if types.is_boolean(dtype):
        return pa.bool_()
    if types.is_integer(dtype):
        return dtype if dtype == pa.uint64() else pa.int64()
    if types.is_decimal(dtype) and dtype.precision > _MAX_EXACT_DIGITS:
        return dtype
    if types.is_floating(dtype) or types.is_decimal(dtype):
        return pa.float64()
    if types.is_timestamp(dtype) or types.is_date(dtype):
        return pa.timestamp("ns" if types.is_timestamp(dtype) and dtype.unit == "ns" else "us")
    return dtype if types.is_null(dtype) else None


def _plain_values(values: pa.Array, field: pa.Field) -> pa.Array:
    if field.metadata and UNSUPPORTED in field.metadata:
        shown = [None if value is None else str(value) for value in values.to_pylist()]
        return pa.array(shown, pa.string())
    plain = values.cast(field.type, safe=False)
    if field.type == pa.float64():
        return pc.if_else(pc.is_nan(plain), None, plain)
    return plain
