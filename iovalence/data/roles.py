"""Own what each column is used for: the user's word first, then what its values are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from iovalence.data.kinds import FoundKind, find_kind
from iovalence.data.schema import Column, Role
from iovalence.data.section import DataSection, Task
from iovalence.data.target import find_target, find_task, shown
from iovalence.data.times import check_times
from iovalence.errors import DataError
from iovalence.names import nearest

NAMED_ROLES: tuple[Literal["id", "group", "time", "weight"], ...] = (
    "id",
    "group",
    "time",
    "weight",
)
_READ = ("feature", "target", "time", "weight")
_TO_USE_IT = " (to use it, name it in data.features and set quality.leakage.id: warn)"


@dataclass(frozen=True)
class Roles:
    """Say what the columns of a table are and what is predicted.

    Attributes:
        columns: All columns, in the table's order.
        target: Name of the target.
        task: What is predicted.
        task_reason: Why this task was chosen.
        notes: What was decided or left out, a line each.
    """

    columns: tuple[Column, ...]
    target: str
    task: Task
    task_reason: str
    notes: tuple[str, ...]


def decide_roles(section: DataSection, rows: pa.Table) -> Roles:
    """Decide kinds, roles and the task on the rows of the train file.

    Args:
        section: What the user said.
        rows: All rows of the train file, in plain types.

    Raises:
        DataError: A stated column is not there, the target cannot be predicted, or no feature
            is left.
    """
    names = rows.column_names
    target, note = find_target(section, names)
    check_names(section, names, target)
    kinds = {name: find_kind(rows[name], rows.schema.field(name)) for name in names}
    if section.weight is not None and kinds[section.weight].kind != "numeric":
        raise DataError(
            f"data.weight must name a numeric column, found '{section.weight}' to be "
            f"{kinds[section.weight].kind}"
        )
    if section.time is not None:
        check_times(section.time, rows[section.time], kinds[section.time])
    task, reason = find_task(section, target, rows[target], kinds[target])
    columns = tuple(_column(name, kinds[name], section, target, task) for name in names)
    _check_features(columns)
    notes = [note, f"task: {task} of '{target}': {reason}" if section.task is None else ""]
    notes += [_note(column, kinds[column.name]) for column in columns]
    return Roles(columns, target, task, reason, tuple(line for line in notes if line))


def check_names(section: DataSection, names: Sequence[str], target: str) -> None:
    """Refuse settings that name columns which are not there, or twice.

    Raises:
        DataError: One line for each such name.
    """
    stated = {"features": section.features or (), "exclude": section.exclude}
    stated |= {key: (name,) for key in NAMED_ROLES if (name := getattr(section, key))}
    faults = [
        f"data.{key} must name columns of data.train_file, got '{name}'{nearest(name, names)}; "
        f"the columns are {shown(names)}"
        for key, values in stated.items()
        for name in values
        if name not in names
    ]
    faults += [
        f"data.{key} must not name the target, got '{target}'; take it out or correct data.target"
        for key, values in stated.items()
        if target in values
    ]
    if faults:
        raise DataError(faults)


def _column(name: str, found: FoundKind, section: DataSection, target: str, task: Task) -> Column:
    role, reason = _role(name, found, section, target)
    kind = found.kind
    if role == "target":
        kind = "categorical" if task == "classification" else "numeric"
    elif role in ("id", "group"):
        # As text: an entity's number is no quantity, and may have more digits than float64.
        kind = "identifier"
    elif role == "weight":
        kind = "numeric"
    return Column(
        name=name,
        kind=kind,
        role=role,
        reason=reason,
        time_format=found.time_format if kind == "datetime" else None,
        decimal_comma=found.decimal_comma and kind == "numeric",
        odd_values=found.odd_values if kind == "numeric" else (),
    )


def _role(name: str, found: FoundKind, section: DataSection, target: str) -> tuple[Role, str]:
    if name == target:
        return "target", ""
    for role in NAMED_ROLES:
        if name == getattr(section, role):
            return role, f"data.{role}"
    if name in section.exclude:
        return "excluded", "data.exclude"
    if section.features is not None and name not in section.features:
        return "excluded", "not in data.features"
    if found.left_out and not (section.features is not None and found.overridable):
        return "left_out", found.left_out
    return "feature", ""


def _note(column: Column, found: FoundKind) -> str:
    if column.role == "left_out":
        advice = _TO_USE_IT if found.overridable else ""
        return f"column '{column.name}' is left out: {column.reason}{advice}"
    if column.role in _READ and column.kind in ("numeric", "datetime") and found.note:
        return f"column '{column.name}': {found.note}"
    return ""


def _check_features(columns: Sequence[Column]) -> None:
    if any(column.role == "feature" for column in columns):
        return
    unused = [f"'{c.name}' ({c.reason})" for c in columns if c.role != "target"]
    detail = f"not used are {', '.join(unused[:5])}" if unused else "the target is the only column"
    raise DataError(
        f"one column at least must be a feature, found none: {detail}; "
        "check data.features, data.exclude and data.delimiter"
    )
