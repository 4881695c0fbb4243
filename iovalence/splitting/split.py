"""Own which part each row goes to: by which method, and the rows of given files.

Of the methods it owns the two that draw rows, random and stratified. Exact copies that were not
removed move together, so there sizes are counted in units. Where every row is unique, units are
rows and the sizes are exact. Groups differ in size, and are placed as `grouped` says.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.atomic import replacing
from iovalence.data.section import DataSection
from iovalence.data.table import Table
from iovalence.errors import ConfigError, DataError
from iovalence.quality.checks import CheckedRows
from iovalence.quality.labels import encode_labels
from iovalence.splitting.apportion import apportion_parts
from iovalence.splitting.grouped import assign_groups
from iovalence.splitting.hashed import assign_by_hash, hash_units
from iovalence.splitting.timed import assign_by_time, read_times
from iovalence.splitting.units import (
    PARTS,
    TEST,
    TRAIN,
    VALIDATION,
    Shares,
    draw_keys,
    find_units,
    number_units,
    require_units,
)

REMOVED = -1
_BLOCK_ROWS = 1 << 20


def split_rows(
    table: Table, checked: CheckedRows, section: DataSection, seed: int
) -> NDArray[np.int8]:
    """Assign each row of a table to a part.

    Rows of a given file are that part; the rows kept of the train file are split into the parts
    that remain. Copies, and groups where there are any, stay together whatever the method is.

    Args:
        table: N rows.
        checked: Which rows stay, their labels and which are copies.
        section: Method and sizes.
        seed: Decides the assignment where it is drawn.

    Returns:
        Part of each row, int8 (N,): 0 train, 1 validation, 2 test, -1 removed.

    Raises:
        ConfigError: A stratified split is asked for where there are no classes.
        DataError: Too few rows are left for a part that is asked for, or a row lacks what the
            method goes by.
    """
    is_classes = table.schema.task == "classification"
    if section.split == "stratified" and not is_classes:
        raise ConfigError(
            "data.split must be random where the target is a number, got 'stratified' for "
            f"'{table.schema.target}' ({table.schema.task_reason}); set data.split: random (or "
            "another), or data.task: classification"
        )
    part = np.where(checked.keep, table.source_of_rows(), REMOVED).astype(np.int8)
    rows = np.flatnonzero(part == TRAIN)
    part[rows] = _assign(table, checked, section, rows, seed)
    for at, share in enumerate(shares_of_parts(section)):
        if share > 0 and not (part == at).any():
            raise DataError(describe_empty(PARTS[at], share, len(rows)))
    return part


def shares_split(section: DataSection) -> Shares:
    """Return the shares of validation and test that the train file is split into."""
    return (
        section.validation_split if section.validation_file is None else 0.0,
        section.test_size if section.test_file is None else 0.0,
    )


def shares_of_parts(section: DataSection) -> tuple[float, float, float]:
    """Return the shares of train, validation and test that the train file is split into."""
    validation, test = shares_split(section)
    return 1 - validation - test, validation, test


def _assign(
    table: Table, checked: CheckedRows, section: DataSection, rows: NDArray[np.int64], seed: int
) -> NDArray[np.int8]:
    """Return the parts of the rows kept of the train file, int8 (M,), by the method asked for."""
    shares = shares_split(section)
    if not any(shares):
        return np.full(len(rows), TRAIN, dtype=np.int8)
    if section.split == "hash":
        return assign_by_hash(hash_units(table, checked.first_copy, rows), shares)
    unit = number_units(table, checked.first_copy)[rows]
    if section.split == "time":
        return assign_by_time(read_times(table, rows), unit, shares)
    is_classes = table.schema.task == "classification"
    labels = encode_labels(checked.target)[0][rows] if is_classes else None
    stratified = is_classes and section.split != "random"
    if section.group is not None:
        return assign_groups(labels if stratified else None, unit, shares=shares, seed=seed)
    return assign_parts(labels, unit, shares=shares, stratified=stratified, seed=seed)


def describe_empty(name: str, share: float, num_rows: int) -> str:
    """Return what is said of a part that was asked for and got none of `num_rows` rows."""
    return (
        f"the {name} part must hold a row at least, got none of {num_rows} at a share of "
        f"{share:g}: chance, or too few different values, left it out; add rows, raise the share, "
        "or use another data.split"
    )


def assign_parts(
    labels: NDArray[np.int64] | None,
    copy_of: NDArray[np.int64],
    *,
    shares: Shares,
    stratified: bool,
    seed: int,
) -> NDArray[np.int8]:
    """Assign rows to train, validation and test.

    Each part holds the share asked for of the units, to the nearest unit, and at least one.
    Stratified, so does each class, as `apportion_parts` says; every class is in every part. A
    class with fewer units than there are parts stays whole in train.

    Args:
        labels: Class of each row, int64 (N,), or None where there are no classes.
        copy_of: Rows with the same number are copies and stay together, int64 (N,).
        shares: Of all units for validation and test, in [0, 1); 0 means no such part.
        stratified: Whether each class is split in these shares, or only the whole.
        seed: Decides the assignment.

    Returns:
        Part of each row, int8 (N,): 0 train, 1 validation, 2 test.

    Raises:
        DataError: There are too few units for the parts.
    """
    first, unit_of_row, copies = find_units(copy_of)
    num_parts = 1 + sum(share > 0 for share in shares)
    sizes = _compute_sizes(len(first), shares)
    # Few classes, many rows: half the bytes of each array that follows.
    classes = (np.zeros(len(first), np.int64) if labels is None else labels[first]).astype(np.int32)
    held = np.bincount(classes)[classes] < num_parts
    movable = np.flatnonzero(~held)
    if num_parts > 1 and not len(movable):
        raise DataError(_too_few_of_each_class(len(first), num_parts))
    strata = classes[movable] if stratified else np.zeros(len(movable), dtype=np.int32)
    # A unit that would fill much of a part by itself comes last in its class, where train is.
    heavy = copies[movable] > 1 + min((size for size in sizes if size), default=0) // 10
    part = np.full(len(first), TRAIN, dtype=np.int8)
    part[movable] = _assign_units(strata, heavy, sizes, seed)
    return np.asarray(part[unit_of_row])


def _compute_sizes(num_units: int, shares: Shares) -> tuple[int, int]:
    """Return how many of the units are validation and test; all parts asked for get some."""
    asked = [share > 0 for share in shares]
    what = "the train file must keep at least {} different rows"
    require_units(num_units, shares, what, "add rows")
    sizes, left = [0, 0], num_units - 1
    for at, share in enumerate(shares):
        still = sum(asked[at + 1 :])
        sizes[at] = min(max(int(num_units * share + 0.5), 1), left - still) if share > 0 else 0
        left -= sizes[at]
    return sizes[0], sizes[1]


def _assign_units(
    strata: NDArray[np.int32], heavy: NDArray[np.bool_], sizes: tuple[int, int], seed: int
) -> NDArray[np.int8]:
    """Draw the units of validation and test from each stratum; return parts, int8 (M,)."""
    counts = np.bincount(strata)
    counts = counts[counts > 0]
    validation, test = apportion_parts(counts, *sizes)
    order = np.lexsort((draw_keys(len(strata), seed), heavy, strata))
    part = np.full(len(strata), TRAIN, dtype=np.int8)
    starts = np.cumsum(counts) - counts
    for start, first, second in zip(starts, validation, test, strict=True):
        part[order[start : start + first]] = VALIDATION
        part[order[start + first : start + first + second]] = TEST
    return part


def _too_few_of_each_class(num_units: int, num_parts: int) -> str:
    return (
        f"a class must have at least {num_parts} different rows to be in each of {num_parts} "
        f"parts, got none that has among {num_units} rows; join classes, or set "
        "data.validation_split or data.test_size to 0"
    )


def save_split(path: Path, table: Table, part: NDArray[np.int8]) -> None:
    """Write which part each row that stayed is in, as source, row and part.

    Args:
        path: Where to write, as Parquet.
        table: N rows.
        part: What `split_rows` returned, int8 (N,).
    """
    import pyarrow.parquet as pq

    kept = np.flatnonzero(part != REMOVED)
    source, number, names = table.source_of_rows(), table.row_numbers(), pa.array(PARTS)
    schema = pa.schema([("source", pa.string()), ("row", pa.int64()), ("part", pa.string())])
    with replacing(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for start in range(0, len(kept), _BLOCK_ROWS):
            rows = kept[start : start + _BLOCK_ROWS]
            columns = (names.take(pa.array(source[rows])), pa.array(number[rows]))
            block = [*columns, names.take(pa.array(part[rows]))]
            writer.write_table(pa.table(block, schema=schema))


def load_split(path: Path) -> pa.Table:
    """Read back what `save_split` wrote: columns source, row and part, one row for each kept."""
    import pyarrow.parquet as pq

    return pq.read_table(path)
