"""Own which column is the target, and what kind of task it makes."""

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from iovalence.data.kinds import FoundKind
from iovalence.data.section import DataSection, Task
from iovalence.data.values import parse_numbers
from iovalence.errors import DataError
from iovalence.names import nearest

TARGET_NAMES = ("label", "target", "class", "y")
# Whole numbers are classes when they are at most this many, with this many rows for one of them
# (two different numbers are classes always).
MAX_INTEGER_CLASSES = 20
MIN_ROWS_A_CLASS = 3
_MAX_SHOWN = 20
MAX_TARGET = 1e100


def find_target(section: DataSection, names: Sequence[str]) -> tuple[str, str]:
    """Return the name of the target, and how it was found where it was not stated.

    Raises:
        DataError: The stated column is not there, or not exactly one has a usual name.
    """
    if section.target is not None:
        if section.target not in names:
            raise DataError(
                f"data.target must name a column of data.train_file, got '{section.target}'"
                f"{nearest(section.target, names)}; the columns are {shown(names)}"
            )
        return section.target, ""
    found = [name for name in names if name.lower() in TARGET_NAMES]
    if len(found) != 1:
        what = f"found {shown(found)}" if found else "found no column of such a name"
        hint = "; is data.delimiter right?" if len(names) == 1 else ""
        raise DataError(
            f"data.target must be stated unless one column is called label, target, class or y, "
            f"{what}; the columns are {shown(names)}{hint}"
        )
    return found[0], f"target: '{found[0]}', by its name"


def shown(names: Sequence[str]) -> str:
    """Return names for a message: the first of them, and how many there are."""
    more = f", ... ({len(names)} in all)" if len(names) > _MAX_SHOWN else ""
    return ", ".join(f"'{name}'" for name in names[:_MAX_SHOWN]) + more


def find_task(
    section: DataSection, target: str, values: pa.ChunkedArray, found: FoundKind
) -> tuple[Task, str]:
    """Return the task and why it is this one.

    Args:
        section: The stated task.
        target: Name of the target.
        values: Its plain values in the train file, (N,).
        found: What they are.

    Raises:
        DataError: The values do not fit the stated task, are all missing, or all the same.
    """
    if values.null_count == len(values):
        raise DataError(
            f"data.target must have values, found '{target}' missing in all {len(values)} rows"
        )
    if pc.count_distinct(values, mode="only_valid").as_py() == 1:
        value = values.drop_null()[0].as_py()
        raise DataError(
            f"data.target must have two values at least, found only '{value}' in '{target}' in "
            f"{len(values) - values.null_count} rows"
        )
    _check_size(target, values, found)
    if section.task is not None:
        _check_fits(section.task, target, found)
        return section.task, "data.task says so"
    return _task_of(target, values, found)


def _check_fits(task: Task, target: str, found: FoundKind) -> None:
    if task == "regression" and found.kind != "numeric":
        raise DataError(
            f"data.target must be numeric for data.task: regression, found '{target}' to be "
            f"{found.kind}; correct the values or set data.task: classification"
        )


def _check_size(target: str, values: pa.ChunkedArray, found: FoundKind) -> None:
    """Refuse numbers whose squares, which the loss is made of, float64 does not hold."""
    if found.kind != "numeric":
        return
    numbers = parse_numbers(values, decimal_comma=found.decimal_comma)
    largest = pc.max(pc.abs(numbers)).as_py()
    if largest is not None and MAX_TARGET < largest < math.inf:
        raise DataError(
            f"data.target must have values below {MAX_TARGET:g} in size, so that they can be "
            f"squared, found {largest:g} in '{target}'; give it in a larger unit"
        )


def _task_of(target: str, values: pa.ChunkedArray, found: FoundKind) -> tuple[Task, str]:
    if found.kind == "datetime":
        raise DataError(
            f"data.target must hold classes or numbers, found dates in '{target}'; "
            "set data.task: classification to take each date as a class"
        )
    if found.kind != "numeric":
        what = "booleans" if found.kind == "boolean" else "texts"
        return "classification", f"it holds {what}"
    if not found.whole:
        return "regression", "it holds numbers with fractions"
    return _task_of_integers(values, found)


def _task_of_integers(values: pa.ChunkedArray, found: FoundKind) -> tuple[Task, str]:
    numbers = [parse_numbers(c, decimal_comma=found.decimal_comma) for c in values.chunks]
    known = pa.chunked_array(numbers, pa.float64()).drop_null().to_numpy()
    distinct = len(np.unique(known))
    few = distinct <= min(MAX_INTEGER_CLASSES, max(2, len(known) // MIN_ROWS_A_CLASS))
    what = f"it holds {distinct} different whole numbers in {len(known)} rows"
    return ("classification" if few else "regression"), what
