"""Own the first stage: files in, one typed table and its schema out; and its way back."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from iovalence.atomic import explain_os_error
from iovalence.data.files import fingerprint, source_settings
from iovalence.data.roles import decide_roles
from iovalence.data.rows import open_rows
from iovalence.data.schema import SOURCES, Column, Role, Source, SourceFile, TableSchema
from iovalence.data.section import DataSection
from iovalence.data.table import Table
from iovalence.data.target import shown
from iovalence.data.typed import RowTyper, arrow_schema, check_columns, list_missing_columns
from iovalence.data.values import as_text
from iovalence.data.written import WrittenFile, load_written
from iovalence.errors import DataError, StorageError

_TABLE, _SCHEMA, _SPOOL = "table.arrow", "schema.json", "plain.arrow"
_WRITTEN = "written.arrow"


def ingest(section: DataSection, base: Path, folder: Path) -> TableSchema:
    """Read the files that a configuration names into one typed table.

    Kinds, roles and the task are decided on the train file alone. The rows pass through memory
    in batches.

    Args:
        section: Files, and what the user said of them.
        base: Folder that paths are relative to.
        folder: Where table.arrow and schema.json are written, and written.arrow where values do
            not say all that was written.

    Raises:
        DataError: A file is missing, cannot be read, or is not a table with such columns.
        StorageError: `folder` cannot be written to.
    """
    files = fingerprint(section, base)
    _check_apart(files)
    raw = open_rows(section.train_file, base, "data.train_file", section)
    spool = folder / _SPOOL
    try:
        _write_batches(spool, raw.schema, raw.batches)
        rows = _map_table(spool)
        if rows.num_rows < 2:
            raise DataError(
                f"data.train_file must hold two rows at least, found {rows.num_rows} "
                f"({base / section.train_file})"
            )
        roles = decide_roles(section, rows)
        with WrittenFile(folder / _WRITTEN) as written:
            typed = _TypedRows(section, base, rows, roles.columns, written)
            _write_batches(folder / _TABLE, arrow_schema(roles.columns), typed)
    finally:
        spool.unlink(missing_ok=True)
    schema = TableSchema(
        columns=roles.columns,
        target=roles.target,
        task=roles.task,
        task_reason=roles.task_reason,
        num_rows=typed.num_rows,
        files=files,
        # What counts as missing comes first: of many notes people see the first.
        notes=(*typed.notes, *raw.notes, *roles.notes),
    )
    schema.save(folder / _SCHEMA)
    return schema


def _check_apart(files: Sequence[SourceFile]) -> None:
    sources: dict[str, Source] = {}
    for file in files:
        other = sources.setdefault(str(Path(file.path).resolve()), file.source)
        if other != file.source:
            raise DataError(
                f"data.{file.source}_file must not share a file with data.{other}_file, found "
                f"both to read {file.path}; name other files"
            )


class _TypedRows:
    """Walk once through the rows of all files, typed by the columns of the train file.

    Args:
        section: The files.
        base: Folder that paths are relative to.
        train: Rows of the train file, in plain types.
        columns: What was decided on them.
        written: Where cells go whose values do not say what was written.
    """

    def __init__(
        self,
        section: DataSection,
        base: Path,
        train: pa.Table,
        columns: tuple[Column, ...],
        written: WrittenFile,
    ) -> None:
        self._section, self._base, self._train, self._columns = section, base, train, columns
        self._written = written
        self._num_rows: dict[Source, int] = dict.fromkeys(SOURCES, 0)
        self.notes: list[str] = []

    @property
    def num_rows(self) -> tuple[int, int, int]:
        train, validation, test = (self._num_rows[source] for source in SOURCES)
        return train, validation, test

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        # Odd values of the train file are noted there, and known from then on.
        unknown = [column.model_copy(update={"odd_values": ()}) for column in self._columns]
        yield from self._type(
            "train",
            RowTyper(unknown, "data.train_file", keep=self._written.add),
            self._train.to_batches(),
        )
        for source, key, value in source_settings(self._section):
            if source != "train":
                typer = RowTyper(self._columns, key, keep=self._keep)
                yield from self._type(source, typer, self._open(key, value))

    def _keep(self, column: int, rows: pa.Array, texts: pa.Array) -> None:
        self._written.add(column, pc.add(rows, sum(self.num_rows)), texts)

    def _type(
        self, source: Source, typer: RowTyper, batches: Iterable[pa.RecordBatch]
    ) -> Iterator[pa.RecordBatch]:
        yield from typer.type_batches(batches)
        typer.check_fits()
        self.notes += typer.notes()
        self._num_rows[source] = typer.num_rows

    def _open(self, key: str, value: str) -> Iterator[pa.RecordBatch]:
        raw = open_rows(value, self._base, key, self._section)
        check_columns(raw.schema, self._columns, key, need_target=True)
        known = {column.name for column in self._columns}
        if extra := [name for name in raw.schema.names if name not in known]:
            self.notes.append(f"{key} has columns that data.train_file lacks: {shown(extra)}")
        self.notes += raw.notes
        return raw.batches


def load_table(folder: Path) -> Table:
    """Open the table that `ingest` wrote, memory-mapped.

    Raises:
        StorageError: A file is missing, damaged, or of another version.
    """
    schema = TableSchema.load(folder / _SCHEMA)
    try:
        written = load_written(folder / _WRITTEN, schema.columns)
        return Table(schema, _map_table(folder / _TABLE), written)
    except pa.ArrowInvalid as err:
        raise StorageError(f"{folder / _TABLE} must be whole, got '{err}'") from err


def read_rows(
    path: str,
    base: Path,
    section: DataSection,
    schema: TableSchema,
    *,
    need_target: bool,
    need_order: bool = False,
) -> pa.Table:
    """Read other rows as the columns of a known table, all at once; see `OtherRows`."""
    rows = OtherRows(path, base, section, schema, need_target=need_target, need_order=need_order)
    return rows.at_once()


def stream_rows(
    path: str,
    base: Path,
    section: DataSection,
    schema: TableSchema,
    *,
    need_target: bool,
    need_order: bool = False,
) -> Iterator[pa.RecordBatch]:
    """Yield other rows as the columns of a known table, a batch at a time; see `OtherRows`."""
    yield from OtherRows(
        path, base, section, schema, need_target=need_target, need_order=need_order
    )


class OtherRows:
    """Walk once through other rows, as the columns of a known table, a batch at a time.

    Rows come in the files' order, typed as `Table.columns`; columns that the files lack, or that
    are not needed, are null; those that the table lacks are left out.

    Args:
        path: A file, a folder or a glob.
        base: Folder that `path` is relative to.
        section: How the files of the table were read.
        schema: The table's columns.
        need_target: Whether the rows must have the target, and the weight where there is one;
            None for where they have it.
        need_order: Whether they must have group and time.

    Attributes:
        has_target: Whether the rows have the target, and it was asked for.
        notes: What people should know: how files were read, which columns are not used.

    Raises:
        DataError: A file is missing or cannot be read; or, once the last row was looked at, a
            line for each column that is missing or holds what does not fit. From the first
            fault on no rows come.
    """

    def __init__(
        self,
        path: str,
        base: Path,
        section: DataSection,
        schema: TableSchema,
        *,
        need_target: bool | None,
        need_order: bool = False,
    ) -> None:
        raw = open_rows(path, base, "the data", section, target_needed=bool(need_target))
        self.has_target = need_target is not False and schema.target in raw.schema.names
        needed = self.has_target or bool(need_target)
        self._missing = list_missing_columns(
            raw.schema,
            schema.columns,
            f"the data ({path})",
            need_target=needed,
            need_order=need_order,
        )
        unneeded: set[Role] = set() if needed else {"target", "weight"}
        if not (needed or need_order):
            unneeded.add("time")
        ignored = [column.name for column in schema.columns if column.role in unneeded]
        self._typer = RowTyper(schema.columns, path, ignore=ignored, gather=True)
        self._schema, self._batches = arrow_schema(schema.columns), raw.batches
        known = {column.name for column in schema.columns}
        extra = [name for name in raw.schema.names if name not in known]
        self.notes = [*raw.notes]
        if extra:
            self.notes.append(f"columns that the model does not know are not used: {shown(extra)}")

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._typer.type_batches(self._batches):
            if not self._missing and not self._typer.has_faults:
                yield batch
        self._typer.check_fits(max_share=0.0, others=self._missing)

    def at_once(self) -> pa.Table:
        """Return all rows together; raises as walking through them does."""
        return pa.Table.from_batches(list(self), schema=self._schema)


def read_plain(
    section: DataSection, base: Path, names: Sequence[str]
) -> dict[str, pa.ChunkedArray]:
    """Read some columns of all files again as they are there, before they had kinds.

    Args:
        section: The files.
        base: Folder that paths are relative to.
        names: Columns of the train file.

    Returns:
        For each its values in plain types, (N,), blanks stripped, missing values null; texts where
        the files differ in type.

    Raises:
        DataError: A file is missing or cannot be read.
    """
    chunks: dict[str, list[pa.Array]] = {name: [] for name in names}
    for _, key, value in source_settings(section):
        for batch in open_rows(value, base, key, section).batches:
            for name in names:
                has = name in batch.schema.names
                nothing = pa.nulls(batch.num_rows, pa.string())
                chunks[name].append(batch.column(name) if has else nothing)
    return {name: _chunked(values) for name, values in chunks.items()}


def _chunked(chunks: list[pa.Array]) -> pa.ChunkedArray:
    types = {chunk.type for chunk in chunks}
    return pa.chunked_array(chunks if len(types) == 1 else [as_text(chunk) for chunk in chunks])


def _write_batches(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
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
