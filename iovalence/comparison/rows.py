"""Own the rows that two runs are compared on: those in one part of both, and in train of neither.

Rows of the same data are the same by their number; of other data by what they hold.

Shapes: N rows of one run's part, M rows in that of both, K classes.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.comparison.judged import JudgedRows, find_positions, find_table, judge_rows
from iovalence.comparison.side import Side
from iovalence.data.table import Table
from iovalence.evaluation.evaluate import take_predictions
from iovalence.evaluation.metrics import Floats, Ints
from iovalence.models.predictions import Predictions

MEASURED = ("test", "validation")
Keys = NDArray[np.uint64]


@dataclass(frozen=True)
class SharedRows:
    """Hold the M rows that both runs are measured on.

    Attributes:
        part: The part of both that they are in.
        is_by_number: Whether rows were matched by their number; else by what they hold.
        num_first: Rows of that part in the first run.
        num_other: Likewise in the other.
        y_true: Of the first run, as in `JudgedRows`.
        first: What the first run's model says.
        other: What the other's says, classes in the first one's order.
        weight: Weight of each row, float64 (M,); None for equal ones.
        group: Number of each row's group, int64 (M,), -1 for none; None without groups.
        notes: What else one should know of them, a line each.
    """

    part: str
    is_by_number: bool
    num_first: int
    num_other: int
    y_true: Ints | Floats
    first: Predictions
    other: Predictions
    weight: Floats | None
    group: Ints | None
    notes: tuple[str, ...]


def share_rows(first: Side, other: Side) -> SharedRows | str:
    """Return the rows that both are measured on, or in one line why there are none.

    Raises:
        StorageError: A file of a run is missing or damaged.
    """
    part = _find_part(first, other)
    if part is None:
        return "no part but train was measured in both"
    is_by_number = _are_numbered_alike(first, other)
    tables = [find_table(side) for side in (first, other)]
    missing = _explain_missing(first, other, part, tables, is_by_number=is_by_number)
    if missing:
        return missing
    judged = [
        judge_rows(side, table, part) for side, table in zip((first, other), tables, strict=True)
    ]
    at = _match(first, other, tables, judged, is_by_number=is_by_number)
    if not len(at[0]):
        return f"no row is in the {part} part of both"
    return _join(first, other, part, judged, at, tables[0], is_by_number=is_by_number)


def _find_part(first: Side, other: Side) -> str | None:
    return next(
        (one for one in MEASURED if first.result.part(one) and other.result.part(one)), None
    )


def _are_numbered_alike(first: Side, other: Side) -> bool:
    """Say whether a row number is of the same row in both: of equal files, read as equal rows."""
    is_same_data = first.manifest.data_hash == other.manifest.data_hash
    return is_same_data and first.model.table.num_rows == other.model.table.num_rows


def _explain_missing(
    first: Side, other: Side, part: str, tables: list[Table | None], *, is_by_number: bool
) -> str:
    """Return in a line what the table of a run is needed for, where that is gone; else ''."""
    schema = first.model.table
    needs = {
        "matches rows of other data": not is_by_number,
        "predicts the validation part": part == "validation",
        "has the weight of each row": bool(schema.names("weight")),
        "has the group of each row": bool(schema.names("group")),
    }
    needed = [reason for reason, is_so in needs.items() if is_so]
    gone = [
        side.run.run_id for side, table in zip((first, other), tables, strict=True) if table is None
    ]
    if not (needed and gone):
        return ""
    return (
        f"the stage store must hold the table of run {gone[0]}, which {needed[0]}, but it is gone; "
        "train it again with the same configuration to have it back"
    )


def _match(
    first: Side,
    other: Side,
    tables: list[Table | None],
    judged: list[JudgedRows],
    *,
    is_by_number: bool,
) -> tuple[Ints, Ints]:
    """Return which rows of both are the same, int64 (M,) each; none is in train of either."""
    if is_by_number:
        # A row is in one part of a run: one that is in this part of both is in train of neither.
        keys = [rows.position.astype(np.uint64) for rows in judged]
        trained = np.zeros(0, np.uint64)
    else:
        keys, trained = _content_keys(first, other, tables, judged)
    shared, at, of_other = np.intersect1d(keys[0], keys[1], return_indices=True)
    is_new = ~np.isin(shared, trained)
    order = np.argsort(at[is_new])
    return at[is_new][order].astype(np.int64), of_other[is_new][order].astype(np.int64)


def _content_keys(
    first: Side, other: Side, tables: list[Table | None], judged: list[JudgedRows]
) -> tuple[list[Keys], Keys]:
    """Return a key of what each row holds, for both, and the keys of all train rows of both."""
    there = [table for table in tables if table is not None]
    names = _common_columns(*there)
    hashed = [_hash_rows(table, names) for table in there]
    keys = [key[rows.position] for key, rows in zip(hashed, judged, strict=True)]
    trained = [
        key[find_positions(side, "train")] for key, side in zip(hashed, (first, other), strict=True)
    ]
    return keys, np.concatenate(trained)


def _common_columns(one: Table, other: Table) -> list[str]:
    """Return the columns that both tables have, of one kind."""
    kinds = {column.name: column.kind for column in other.schema.columns}
    found = {*one.columns.column_names} & {*other.columns.column_names}
    return sorted(
        column.name
        for column in one.schema.columns
        if column.name in found and kinds.get(column.name) == column.kind
    )


def _hash_rows(table: Table, names: list[str]) -> Keys:
    import pandas as pd

    frame = table.columns.select(names).to_pandas()
    return np.asarray(pd.util.hash_pandas_object(frame, index=False), np.uint64)


def _join(
    first: Side,
    other: Side,
    part: str,
    judged: list[JudgedRows],
    at: tuple[Ints, Ints],
    table: Table | None,
    *,
    is_by_number: bool,
) -> SharedRows | str:
    """Return the shared rows; those whose labels differ between the runs are left out."""
    ours, theirs = judged
    order = _class_order(first, other)
    true_of_other = theirs.y_true[at[1]]
    if order is not None:
        known = true_of_other.astype(np.int64)
        true_of_other = np.where(known < 0, -1, np.argsort(order)[known])
    agree = np.asarray(ours.y_true[at[0]] == true_of_other)
    if not agree.any():
        return f"no row of the {part} part of both has the same {first.result.target} in both"
    one, two = at[0][agree], at[1][agree]
    weight, group = _weights_and_groups(table, ours.position[one])
    said = take_predictions(theirs.predictions, two)
    if order is not None and said.probs is not None:
        said = Predictions(said.probs[:, order], None, first.result.classes)
    return SharedRows(
        part=part,
        is_by_number=is_by_number,
        num_first=len(ours.position),
        num_other=len(theirs.position),
        y_true=ours.y_true[one],
        first=take_predictions(ours.predictions, one),
        other=said,
        weight=weight,
        group=group,
        notes=(
            *_note(first.result.target, int((~agree).sum()), part),
            *_tell_sequences(first, other),
        ),
    )


def _note(target: str, num_other_labels: int, part: str) -> list[str]:
    notes = []
    if num_other_labels:
        rows = "1 row is" if num_other_labels == 1 else f"{num_other_labels:,} rows are"
        notes.append(f"{rows} left out: another {target} in the other run")
    if part == "validation":
        notes.append(
            "the validation part chose the epoch that each run kept: a run that tried more may "
            "look better than it is"
        )
    return notes


def _tell_sequences(first: Side, other: Side) -> list[str]:
    """Return a line where one of the models takes sequences and the other single rows."""
    if first.model.takes_sequences == other.model.takes_sequences:
        return []
    run = first.run if first.model.takes_sequences else other.run
    return [
        f"{run.run_id} predicts for sequences, the other run for rows: they are compared on the "
        "last row of each sequence"
    ]


def _class_order(first: Side, other: Side) -> Ints | None:
    """Return where each class of the first run is in the other's order, int64 (K,)."""
    classes, theirs = first.result.classes, other.result.classes
    if classes is None or theirs is None:
        return None
    return np.array([theirs.index(name) for name in classes], np.int64)


def _weights_and_groups(table: Table | None, position: Ints) -> tuple[Floats | None, Ints | None]:
    if table is None:
        return None, None
    names, group = table.schema.names("weight"), table.group_of_rows()
    weight = None
    if names:
        taken = table.columns[names[0]].take(pa.array(position))
        weight = np.asarray(taken, np.float32).astype(np.float64)
    return weight, None if group is None else group[position]
