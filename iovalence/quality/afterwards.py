"""Own the search for columns that are known only after the fact, where the split is by time.

What is filled in afterwards is there for old rows and not yet for new ones: a column known for most
of train and hardly for validation, or one that varies in train and has one of its values, as if
pending, throughout validation. Such a column will not be there when a prediction is made. The test
part is not looked at.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.data.table import Table
from iovalence.quality.findings import Finding

MIN_ROWS = 20
MIN_LOST = 0.5  # by how much the share of known values must fall, of all rows
MAX_LEFT = 0.2  # of the share known in train, what validation may have left
MAX_COMMONEST = 0.9  # share of the commonest value in train, for one that varies


def check_afterwards(
    table: Table, part: NDArray[np.int8], names: tuple[str, ...]
) -> tuple[Finding, ...]:
    """Report the features that look as if they were filled in after the fact.

    Args:
        table: N rows.
        part: Part of each row, in the order of time, int8 (N,).
        names: Features to look at.
    """
    train, validation = (pa.array(np.flatnonzero(part == at)) for at in (0, 1))
    if min(len(train), len(validation)) < MIN_ROWS:
        return ()
    found = {}
    for name in names:
        values = table.columns[name]
        why = _why(values.take(train), values.take(validation))
        if why:
            found[name] = why
    if not found:
        return ()
    shown = "; ".join(f"'{name}' {why}" for name, why in list(found.items())[:5])
    finding = Finding(
        check="leakage.after_the_fact",
        severity="warning",
        count=len(found),
        share=len(found) / len(names),
        message="a feature must be known when a prediction is made, found what looks filled in "
        f"afterwards: {shown}" + (f" and {len(found) - 5} more" if len(found) > 5 else ""),
        columns=tuple(found),
        advice="if it comes later than the prediction, name it in data.exclude",
    )
    return (finding,)


def _why(train: pa.ChunkedArray, validation: pa.ChunkedArray) -> str:
    """Return what is suspicious about a column, or an empty text."""
    before = 1 - train.null_count / len(train)
    after = 1 - validation.null_count / len(validation)
    if before - after >= MIN_LOST and after <= MAX_LEFT * before:
        return f"is known in {before:.0%} of train and {after:.0%} of the later validation rows"
    known = validation.drop_null()
    if len(known) < MIN_ROWS or len(pc.unique(known)) > 1:
        return ""
    counts = pc.value_counts(train.drop_null()).field("counts").to_numpy()
    if not len(counts) or counts.max() > MAX_COMMONEST * counts.sum():
        return ""
    if not pc.any(pc.equal(train, known[0])).as_py():
        return ""  # a value of its own, as a year has: it moves with time, and was not pending
    value = str(known[0].as_py())[:30]
    return f"has {len(counts)} values in train and always {value!r} in the later validation rows"
