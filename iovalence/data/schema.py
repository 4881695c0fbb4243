"""Own what is known of a table: its files, its columns, what each means."""

from collections.abc import Sequence
from typing import Literal

from iovalence.data.section import Task
from iovalence.record import Record

Kind = Literal["numeric", "boolean", "categorical", "datetime", "text", "identifier", "unsupported"]
Role = Literal["feature", "target", "id", "group", "time", "weight", "excluded", "left_out"]
Source = Literal["train", "validation", "test"]
SOURCES: tuple[Source, ...] = ("train", "validation", "test")


class Column(Record):
    """Say what one column holds and what it is used for.

    Attributes:
        name: Name in the table.
        kind: What its values are; decided on the train file alone.
        role: What it is used for; `left_out` is our decision, `excluded` the user's.
        reason: Why, where a person would ask; else empty.
        time_format: How dates and times are written, as `strptime` takes it; None for ISO 8601.
        decimal_comma: Whether numbers are written as 1.234,5.
        odd_values: Texts of the train file that do not fit the kind: missing in every file.
    """

    name: str
    kind: Kind
    role: Role
    reason: str = ""
    time_format: str | None = None
    decimal_comma: bool = False
    odd_values: tuple[str, ...] = ()


class SourceFile(Record):
    """Name one file that was read.

    Attributes:
        path: As configured, resolved against the configuration's folder.
        source: Which of the three files of the configuration it belongs to.
        num_bytes: Its size.
        sha256: Hash of its bytes, in hexadecimal.
    """

    path: str
    source: Source
    num_bytes: int
    sha256: str


class TableSchema(Record):
    """Say what a table holds.

    Attributes:
        columns: All columns, in the table's order.
        target: Name of the column to predict.
        task: What is predicted.
        task_reason: Why this task was chosen.
        num_rows: Rows of the train, validation and test file; 0 for a file not given.
        files: What was read, in order.
        notes: What was decided or left out, a line each, for people.
    """

    columns: tuple[Column, ...]
    target: str
    task: Task
    task_reason: str
    num_rows: tuple[int, int, int]
    files: tuple[SourceFile, ...]
    notes: tuple[str, ...] = ()

    def column(self, name: str) -> Column:
        """Return the column called `name`."""
        return next(column for column in self.columns if column.name == name)

    def without_features(self, names: Sequence[str]) -> "TableSchema":
        """Return the schema with some features left out, as the checks decided."""
        changes = {"role": "left_out", "reason": "the checks left it out"}
        columns = tuple(
            column.model_copy(update=changes) if column.name in names else column
            for column in self.columns
        )
        return self.model_copy(update={"columns": columns})

    def names(self, role: Role) -> tuple[str, ...]:
        """Return the names of the columns with this role, in the table's order."""
        return tuple(column.name for column in self.columns if column.role == role)
