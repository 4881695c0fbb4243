"""Own the first stage: files in, one typed table and its schema out; and its way back."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from iovalence.atomic import explain_os_error
from iovalence.data.files import fingerprint, source_settings
from iovalence.data.roles import Roles, decide_roles
from iovalence.data.rows import RawRows, open_rows
from iovalence.data.schema import SOURCES, Column, Source, TableSchema
from iovalence.data.section import DataSection
from iovalence.data.table import Table
from iovalence.data.typed import RowTyper, arrow_schema
from iovalence.errors import DataError, StorageError

_TABLE, _SCHEMA, _SPOOL = "table.arrow", "schema.json", "plain.arrow"


def ingest(section: DataSection, base: Path, folder: Path) -> TableSchema:
    """Read the files that a configuration names into one typed table.

    Kinds, roles and the task are decided on the train file alone. The rows pass through memory
    in batches.

    Args:
        section: Files, and what the user said of them.
        base: Folder that paths are relative to.
        folder: Where table.arrow and schema.json are written.

    Raises:
        DataError: A file is missing, cannot be read, or is not a table with such columns.
        StorageError: `folder` cannot be written to.
    """
    raw = open_rows(section.train_file, base, "data.train_file", section)
    spool = folder / _SPOOL
    _write_batches(spool, raw.schema, raw.batches)
    try:
        rows = _map_table(spool)
        if rows.num_rows < 2:
            raise DataError(
                f"data.train_file must hold two rows at least, found {rows.num_rows} "
                f"({base / section.train_file})"
            )
        roles = decide_roles(section, rows)
        return _write_table(section, base, folder, roles, raw, rows)
    finally:
        spool.unlink()


def _write_table(
    section: DataSection, base: Path, folder: Path, roles: Roles, raw: RawRows, rows: pa.Table
) -> TableSchema:
    merger = _Merger(section, base, roles.columns)
    batches = merger.walk(rows.to_batches())
    _write_batches(folder / _TABLE, arrow_schema(roles.columns), batches)
    schema = TableSchema(
        columns=roles.columns,
        target=roles.target,
        task=roles.task,
        task_reason=roles.task_reason,
        num_rows=tuple(merger.num_rows[source] for source in SOURCES),
        files=fingerprint(section, base),
        notes=(*raw.notes, *roles.notes, *merger.notes),
    )
    schema.save(folder / _SCHEMA)
    return schema


class _Merger:
    """Walk through the rows of all files, typed by the columns of the train file."""

    def __init__(self, section: DataSection, base: Path, columns: tuple[Column, ...]) -> None:
        self._section, self._base, self._columns = section, base, columns
        self.num_rows: dict[Source, int] = dict.fromkeys(SOURCES, 0)
        self.notes: list[str] = []

    def walk(self, train: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for source, key, value in source_settings(self._section):
            batches = iter(train) if source == "train" else self._open(key, value)
            typer = RowTyper(self._columns, key)
            yield from typer.type_batches(batches)
            if source != "train":
                typer.check_fits()
            self.notes += typer.notes()
            self.num_rows[source] = typer.num_rows

    def _open(self, key: str, value: str) -> Iterator[pa.RecordBatch]:
        raw = open_rows(value, self._base, key, self._section)
        check_columns(raw.schema, self._columns, key, need_target=True)
        self.notes += raw.notes
        return raw.batches


def check_columns(
    schema: pa.Schema, columns: tuple[Column, ...], place: str, *, need_target: bool
) -> None:
    """Refuse rows that lack a column which is used.

    Raises:
        DataError: One line naming every column that is missing.
    """
    used = {"feature", "target", "weight"} if need_target else {"feature"}
    present = set(schema.names)
    missing = [c.name for c in columns if c.role in used and c.name not in present]
    if missing:
        raise DataError(
            f"{place} must have the columns of the file trained on, found none called "
            f"{', '.join(repr(name) for name in missing)}; it has {len(present)}: "
            f"{', '.join(repr(name) for name in schema.names[:10])}"
        )


def load_table(folder: Path) -> Table:
    """Open the table that `ingest` wrote, memory-mapped.

    Raises:
        StorageError: A file is missing, damaged, or of another version.
    """
    schema = TableSchema.load(folder / _SCHEMA)
    try:
        return Table(schema, _map_table(folder / _TABLE))
    except pa.ArrowInvalid as err:
        raise StorageError(f"{folder / _TABLE} must be whole, got '{err}'") from err


def read_rows(
    path: str, base: Path, section: DataSection, schema: TableSchema, *, need_target: bool
) -> pa.Table:
    """Read other rows as the columns of a known table.

    Args:
        path: A file, a folder or a glob.
        base: Folder that `path` is relative to.
        section: How the files of the table were read.
        schema: The table's columns.
        need_target: Whether the rows must have the target, and the weight where there is one.

    Returns:
        N rows in the files' order, typed as `Table.columns`; columns that the files lack and
        that are not needed are null, those that the table lacks are left out.

    Raises:
        DataError: A file is missing or cannot be read, a column that is needed is missing, or a
            value does not fit its column.
    """
    raw = open_rows(path, base, "the data", section, target_needed=need_target)
    check_columns(raw.schema, schema.columns, f"the data ({path})", need_target=need_target)
    typer = RowTyper(schema.columns, path)
    batches = list(typer.type_batches(raw.batches))
    typer.check_fits(max_share=0.0)
    return pa.Table.from_batches(batches, schema=arrow_schema(schema.columns))


def _write_batches(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
    try:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
    except OSError as err:
        raise explain_os_error(err, path, "writing") from err


def _map_table(path: Path) -> pa.Table:
    try:
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except OSError as err:
        raise explain_os_error(err, path, "reading") from err
