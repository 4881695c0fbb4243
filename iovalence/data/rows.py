"""Own how the files of one setting become one run of rows: same kind, same columns, cleaned."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from iovalence.data.cells import clean_cells
from iovalence.data.columnar import read_columnar, read_schema
from iovalence.data.delimited import read_delimited
from iovalence.data.dialect import find_dialect
from iovalence.data.encoding import WINDOWS
from iovalence.data.files import find_files
from iovalence.data.packing import Format, find_format
from iovalence.data.section import DataSection
from iovalence.errors import DataError


@dataclass(frozen=True)
class RawRows:
    """Hold rows before their columns have kinds.

    Attributes:
        schema: Fields in plain types, in the order of the first file.
        batches: The rows, blanks stripped, missing values null; read when walked through.
        notes: What was found out while opening the files, a line each.
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _OneFile:
    path: Path
    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    note: str = ""


def open_rows(
    value: str, base: Path, key: str, section: DataSection, *, target_needed: bool = True
) -> RawRows:
    """Open the files that a setting names.

    Args:
        value: A file, a folder or a glob.
        base: Folder that `value` is relative to.
        key: The setting, for messages.
        section: How files are to be read.
        target_needed: Whether files without a header must have the target among their columns.

    Raises:
        DataError: A file is missing, damaged, binary, without rows, or differs from the others
            in its kind or its columns. Faults further down come up as `batches` is read.
    """
    paths = find_files(value, base, key)
    formats = [find_format(path, key) for path in paths]
    _check_one_format(key, paths, formats)
    files = [
        _open_delimited(path, key, section, target_needed)
        if file_format == "delimited"
        else _open_columnar(path, key, file_format)
        for path, file_format in zip(paths, formats, strict=True)
    ]
    schema = _common_schema(key, files)
    return RawRows(
        schema,
        _walk(files, schema, section.missing_values),
        tuple(file.note for file in files if file.note),
    )


def _check_one_format(key: str, paths: Sequence[Path], formats: Sequence[Format]) -> None:
    for path, file_format in zip(paths, formats, strict=True):
        if file_format != formats[0]:
            raise DataError(
                f"{key} must name files of one kind, found {paths[0].name} ({formats[0]}) and "
                f"{path.name} ({file_format}); name them apart with a glob"
            )


def _open_delimited(path: Path, key: str, section: DataSection, target_needed: bool) -> _OneFile:
    dialect = find_dialect(path, key, section, target_needed=target_needed)
    note = ""
    if dialect.encoding == WINDOWS:
        note = f"{path.name} is not UTF-8: read as Windows-1252"
    schema = pa.schema([(name, pa.string()) for name in dialect.names])
    return _OneFile(path, schema, read_delimited(path, key, dialect), note)


def _open_columnar(path: Path, key: str, file_format: Format) -> _OneFile:
    schema = read_schema(path, key, file_format)
    if len(set(schema.names)) < len(schema.names) or "" in schema.names:
        raise DataError(f"{key} must give each column a name of its own, found two alike ({path})")
    return _OneFile(path, schema, read_columnar(path, key, file_format))


def _common_schema(key: str, files: Sequence[_OneFile]) -> pa.Schema:
    first = files[0]
    for file in files[1:]:
        missing = set(first.schema.names) - set(file.schema.names)
        extra = set(file.schema.names) - set(first.schema.names)
        if missing or extra:
            raise DataError(
                f"{key} must name files with the same columns, found {file.path.name} "
                f"{_difference(missing, extra)} compared with {first.path.name}"
            )
    return pa.schema(
        [
            _common_field(key, [file.schema.field(name) for file in files], files)
            for name in first.schema.names
        ]
    )


def _difference(missing: set[str], extra: set[str]) -> str:
    parts = [
        f"{verb} {', '.join(sorted(names)[:5])}"
        for verb, names in (("without", missing), ("with", extra))
        if names
    ]
    return " and ".join(parts)


def _common_field(key: str, fields: Sequence[pa.Field], files: Sequence[_OneFile]) -> pa.Field:
    name, types = fields[0].name, {field.type for field in fields} - {pa.null()}
    if not types:
        return pa.field(name, pa.string())
    if len(types) == 1:
        return next(field for field in fields if field.type != pa.null())
    if common := _common_type(types):
        return pa.field(name, common)
    other = next(i for i, field in enumerate(fields) if field.type != fields[0].type)
    raise DataError(
        f"{key} must name files with the same types, found column '{name}' as "
        f"{fields[0].type} in {files[0].path.name} and {fields[other].type} in "
        f"{files[other].path.name}"
    )


def _common_type(types: set[pa.DataType]) -> pa.DataType | None:
    """Return what holds the numbers, or the times, of files that differ in how; else None."""
    if all(pa.types.is_timestamp(dtype) for dtype in types):
        return pa.timestamp("us")
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    is_number = all(any(is_kind(dtype) for is_kind in kinds) for dtype in types)
    return pa.float64() if is_number else None


def _walk(
    files: Sequence[_OneFile], schema: pa.Schema, missing_values: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    clean = partial(clean_cells, missing_values=missing_values)
    for file in files:
        for batch in file.batches:
            columns = [batch.column(field.name).cast(field.type, safe=False) for field in schema]
            yield clean(pa.RecordBatch.from_arrays(columns, schema=schema))
