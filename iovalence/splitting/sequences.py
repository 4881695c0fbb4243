"""Own the split of sequences: each is one unit, with its copies, and counts once."""

import numpy as np
from numpy.typing import NDArray

from iovalence.data.section import DataSection
from iovalence.data.sequences import Sequences
from iovalence.data.table import Table
from iovalence.errors import DataError
from iovalence.quality.checks import CheckedRows
from iovalence.quality.labels import encode_labels
from iovalence.splitting.hashed import assign_by_hash, hash_units
from iovalence.splitting.split import (
    REMOVED,
    assign_parts,
    describe_empty,
    shares_of_parts,
    shares_split,
)
from iovalence.splitting.units import PARTS, TRAIN, require_units


def split_sequences(
    table: Table, checked: CheckedRows, section: DataSection, seed: int, sequences: Sequences
) -> NDArray[np.int8]:
    """Assign each sequence to a part, and its rows with it.

    Sizes are counted in sequences, of each class alike; with `hash` a sequence's part depends on
    its group alone.

    Args:
        table: N rows.
        checked: Which rows stay, their labels and which are copies.
        section: Method and sizes.
        seed: Decides the assignment where it is drawn.
        sequences: The rows that stay.

    Returns:
        Part of each row, int8 (N,): 0 train, 1 validation, 2 test, -1 removed.

    Raises:
        DataError: Too few sequences are left for a part that is asked for.
    """
    part_of = table.source_of_rows()[sequences.last].astype(np.int8)
    ours = np.flatnonzero(part_of == TRAIN)
    require_units(
        len(np.unique(checked.first_copy[sequences.last[ours]])),
        shares_split(section),
        "the train file must keep at least {} different sequences",
        "add some, or name a finer data.group",
    )
    part_of[ours] = _assign(table, checked, section, sequences.last[ours], seed)
    for at, share in enumerate(shares_of_parts(section)):
        if share > 0 and not (part_of == at).any():
            raise DataError(describe_empty(PARTS[at], share, len(ours)))
    part = np.full(table.num_rows, REMOVED, dtype=np.int8)
    part[sequences.rows] = np.repeat(part_of, sequences.lengths)
    return part


def _assign(
    table: Table,
    checked: CheckedRows,
    section: DataSection,
    last: NDArray[np.int64],
    seed: int,
) -> NDArray[np.int8]:
    """Return the parts of sequences by their last rows, int64 (T,), int8 (T,)."""
    shares = shares_split(section)
    if not any(shares):
        return np.full(len(last), TRAIN, dtype=np.int8)
    if section.split == "hash":
        return assign_by_hash(hash_units(table, checked.first_copy, last), shares)
    is_classes = table.schema.task == "classification"
    labels = encode_labels(checked.target)[0][last] if is_classes else None
    copy_of = checked.first_copy[last]
    return assign_parts(labels, copy_of, shares=shares, stratified=is_classes, seed=seed)
