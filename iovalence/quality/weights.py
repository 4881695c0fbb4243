"""Own whether the weights of rows can be trained with: of each part, and of each class."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.prepared import check_weights
from iovalence.data.table import Table
from iovalence.errors import DataError
from iovalence.quality.findings import Finding, list_rows, name_rows
from iovalence.quality.labels import encode_labels, list_counts, quote

_TRAIN = 0


def check_weighing(table: Table, target: pa.Array, part: NDArray[np.int8]) -> tuple[Finding, ...]:
    """Report classes of the train part that weigh nothing: no model learns them.

    Args:
        table: N rows.
        target: Labels, or values, (N,).
        part: Part of each row, int8 (N,); -1 for one that left.

    Raises:
        DataError: A part weighs nothing or too much, or the train part has no two classes that
            weigh something.
    """
    names = table.schema.names("weight")
    if not names:
        return ()
    kept = np.flatnonzero(part >= 0)
    weight = table.columns[names[0]].to_numpy()[kept]
    check_weights(weight, part[kept], names[0])
    if table.schema.task == "regression":
        return ()
    in_train = part[kept] == _TRAIN
    return _check_classes(table, target, kept[in_train], weight[in_train], names[0])


def _check_classes(
    table: Table,
    target: pa.Array,
    rows: NDArray[np.int64],
    weight: NDArray[np.float64],
    name: str,
) -> tuple[Finding, ...]:
    codes, labels = encode_labels(target)
    counts = np.bincount(codes[rows], minlength=len(labels))
    weighs = np.bincount(codes[rows], weights=weight, minlength=len(labels)) > 0
    weightless = (counts > 0) & ~weighs
    if not weightless.any():
        return ()
    listed = list_counts([*map(quote, labels)], counts * weightless)
    if weighs.sum() < 2:
        raise DataError(
            f"two classes of the train part at least must weigh something in '{name}', got 0 "
            f"throughout for {listed}; correct the weights, or leave data.weight out"
        )
    found = rows[weightless[codes[rows]]]
    examples = name_rows(table, found)
    return (
        Finding(
            check="weights",
            severity="warning",
            count=len(found),
            share=len(found) / len(rows),
            message=f"each class of the train part must weigh something in '{name}', found "
            f"{np.count_nonzero(weightless)} without: {listed}" + list_rows(examples, len(found)),
            rows=examples,
            columns=(name, table.schema.target),
            done="kept: no model learns them",
            advice="correct the weights, or leave data.weight out",
        ),
    )
