"""Own what a split could not do as asked: sizes and classes that are off, classes left out.

Only splits that cannot have what was asked are looked at: whole groups, time and chance decide
there, not we.
"""

import numpy as np
from numpy.typing import NDArray

from iovalence.data.section import DataSection
from iovalence.data.table import Table
from iovalence.quality.checks import CheckedRows
from iovalence.quality.findings import Finding, list_rows, name_rows
from iovalence.quality.labels import encode_labels, list_counts, quote
from iovalence.splitting.split import shares_of_parts
from iovalence.splitting.units import PARTS

Counts = NDArray[np.int64]
# Further off than this, as a share of the rows asked for, is worth a warning: of a part, and of a
# class in a part where at least so many of it were to be expected.
FAR_OFF_PART, FAR_OFF_CLASS, MIN_EXPECTED = 0.2, 0.5, 10


def check_split(
    table: Table, checked: CheckedRows, part: NDArray[np.int8], section: DataSection
) -> tuple[Finding, ...]:
    """Report how far a split is from what was asked of it.

    Args:
        table: N rows.
        checked: Which rows stayed, and their labels.
        part: What `split_rows` returned, int8 (N,).
        section: Method and sizes.
    """
    shares = np.array(shares_of_parts(section))
    rows = np.flatnonzero((part >= 0) & (table.source_of_rows() == 0))
    groups = _check_groups(table, rows)
    bent = section.group is not None or section.split in ("group", "time", "hash")
    if not bent or np.count_nonzero(shares) == 1:
        return groups
    if table.schema.task == "regression":
        return (*groups, _check_sizes(part[rows], shares, None, ()))
    codes, names = encode_labels(checked.target)
    cells = np.bincount(part[rows] * len(names) + codes[rows], minlength=3 * len(names))
    in_class = cells.reshape(3, len(names))
    sizes = _check_sizes(part[rows], shares, in_class, names)
    return (*groups, sizes, *_check_classes(in_class, shares, names))


def _check_groups(table: Table, rows: Counts) -> tuple[Finding, ...]:
    group = table.group_of_rows()
    if group is None or not (group[rows] < 0).any():
        return ()
    missing = rows[group[rows] < 0]
    (name,) = table.schema.names("group")
    examples = name_rows(table, missing)
    finding = Finding(
        check="split.group",
        severity="warning",
        count=len(missing),
        share=len(missing) / len(rows),
        message=f"rows must have a '{name}', found {len(missing)} without"
        + list_rows(examples, len(missing)),
        rows=examples,
        done="each is a group of its own, with its exact copies",
        advice="fill it in: what belongs together may be in two parts",
    )
    return (finding,)


def _check_sizes(
    part: NDArray[np.int8],
    shares: NDArray[np.float64],
    in_class: Counts | None,
    names: tuple[str, ...] | list[str],
) -> Finding:
    """Report the sizes asked for and found; a warning where they are far off."""
    found, asked = np.bincount(part, minlength=3), shares * len(part)
    there = np.flatnonzero(shares > 0)
    off = np.abs(found - asked)
    is_far = bool((off[there] > np.maximum(FAR_OFF_PART * asked[there], 1)).any())
    text, class_is_far = _furthest_class(in_class, shares, names)
    moved = round(float(off.sum()) / 2)
    sizes = ", ".join(
        f"{PARTS[at]} {found[at] / len(part):.1%} for {shares[at]:.1%}" for at in there
    )
    return Finding(
        check="split.deviation",
        severity="warning" if is_far or class_is_far else "info",
        count=moved,
        share=moved / len(part),
        message=f"the parts must hold the shares asked for of {len(part)} rows, found {sizes}, "
        f"{moved} rows off in all{text}",
        advice="add rows, or choose other sizes or another data.split" if is_far else "",
    )


def _furthest_class(
    in_class: Counts | None, shares: NDArray[np.float64], names: tuple[str, ...] | list[str]
) -> tuple[str, bool]:
    """Return in words which class is furthest off in a part, and whether that is far."""
    if in_class is None:
        return "", False
    expected = shares[:, None] * in_class.sum(axis=0)
    judged = expected >= MIN_EXPECTED
    if not judged.any():
        return "", False
    off = np.where(judged, np.abs(in_class - expected) / np.where(judged, expected, 1), 0)
    at, which = np.unravel_index(np.argmax(off), off.shape)
    if not off[at, which]:
        return "", False
    text = (
        f"; the class furthest off is {quote(names[which])} with {in_class[at, which]} rows in "
        f"{PARTS[at]} for {expected[at, which]:.0f}"
    )
    return text, bool(off[at, which] > FAR_OFF_CLASS)


def _check_classes(
    in_class: Counts, shares: NDArray[np.float64], names: list[str]
) -> tuple[Finding, ...]:
    """Report the classes that a part asked for has none of."""
    kept = in_class.sum(axis=0) > 0
    lacking = (in_class == 0) & kept & (shares > 0)[:, None]
    if not lacking.any():
        return ()
    parts = [
        f"{PARTS[at]} is without "
        + list_counts([*map(quote, names)], in_class.sum(axis=0) * lacking[at])
        for at in np.flatnonzero(lacking.any(axis=1))
    ]
    count = int(lacking.any(axis=0).sum())
    finding = Finding(
        check="split.missing_class",
        severity="warning",
        count=count,
        share=count / int(kept.sum()),
        message=f"each class must be in each part, found {count} that are not: {'; '.join(parts)} "
        "(rows in all)",
        done="kept: where its rows go is not ours to choose",
        advice="add rows of these classes; without them a part measures nothing of a class, and "
        "a model that never saw one cannot answer with it",
    )
    return (finding,)
