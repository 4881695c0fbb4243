"""Own how predictions are written as they come, whole or not at all, and how data are piped in."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from iovalence.atomic import replacing
from iovalence.errors import ConfigError

PIPE = "-"
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_ARROW = (".arrow", ".feather")
_PACKERS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}

OpenWriter = Callable[[Path, pa.Schema], Any]


@contextmanager
def piped(data: str) -> Iterator[str]:
    """Yield the data's path; for `-`, that of a file with what comes on standard input."""
    if data != PIPE:
        yield data
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "standard-input"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
        yield str(path)


def write_tables(tables: Iterable[pa.Table], out: str, source: str) -> int:
    """Write predictions as they come, whole or not at all; return the rows.

    Args:
        tables: What to write, one after the other, of the same columns; one at least.
        out: A path that ends in .csv, .tsv, .parquet, .arrow or .feather, the first two also
            packed as in .csv.gz; or `-` for CSV on standard output.
        source: The file that was predicted, which is not to be written over.

    Raises:
        ConfigError: `out` ends otherwise, or is the file that was read.
        StorageError: It cannot be written.
    """
    if out != PIPE:
        open_writer = _find_writer(Path(out), source)
        with replacing(Path(out)) as temporary:
            return _write_each(tables, lambda schema: open_writer(temporary, schema))
    # Who reads from a pipe cannot tell half an answer from a whole one.
    with tempfile.TemporaryFile() as file:
        num_rows = _write_each(tables, lambda schema: _open_csv(file, schema, ","))
        file.seek(0)
        shutil.copyfileobj(file, sys.stdout.buffer)
    return num_rows


def _write_each(tables: Iterable[pa.Table], open_writer: Callable[[pa.Schema], Any]) -> int:
    tables = iter(tables)
    first = next(tables)
    num_rows = 0
    with open_writer(first.schema) as writer:
        for table in chain([first], tables):
            writer.write_table(table)
            num_rows += table.num_rows
    return num_rows


def check_out(out: str, source: str) -> None:
    """Refuse a path that predictions cannot be written to, before anything is done.

    Raises:
        ConfigError: `out` has an unknown ending, or is the file that is read.
    """
    if out != PIPE:
        _find_writer(Path(out), source)


def _find_writer(path: Path, source: str) -> OpenWriter:
    import pyarrow.parquet as pq

    if path.exists() and Path(source).exists() and path.samefile(source):
        raise ConfigError(f"--out must be another file than the data, got {path} for both")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packer = _PACKERS.get(suffixes[-1]) if suffixes else None
    kind = "".join(suffixes[-2:-1] if packer else suffixes[-1:])
    if kind in _DELIMITERS:
        return lambda to, schema: _open_packed(to, schema, _DELIMITERS[kind], packer)
    if kind == ".parquet" and packer is None:
        return lambda to, schema: pq.ParquetWriter(to, schema)
    if kind in _ARROW and packer is None:
        return lambda to, schema: pa.ipc.new_file(str(to), schema)
    known = ", ".join((*_DELIMITERS, ".parquet", *_ARROW))
    raise ConfigError(
        f"--out must end in {known}, the first two also packed ({', '.join(_PACKERS)}), or be -, "
        f"got '{path}'"
    )


@contextmanager
def _open_packed(
    path: Path, schema: pa.Schema, delimiter: str, packer: str | None
) -> Iterator[Any]:
    with (
        pa.output_stream(str(path), compression=packer) as to,
        _open_csv(to, schema, delimiter) as writer,
    ):
        yield writer


def _open_csv(to: object, schema: pa.Schema, delimiter: str) -> Any:
    from pyarrow import csv

    options = csv.WriteOptions(delimiter=delimiter, quoting_style="needed")
    return csv.CSVWriter(to, schema, write_options=options)
