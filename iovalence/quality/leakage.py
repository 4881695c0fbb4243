"""Own the search for rows that two parts share: copies, near copies, groups.

Who has to leave: train, for a row of validation or test; then the part that was split off, for one
of a given file; then validation, for one of the test. Rows of a given file never leave.

Shapes: N rows, P pairs.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from iovalence.data.schema import SOURCES
from iovalence.data.sequences import Sequences
from iovalence.data.table import Table
from iovalence.quality.checks import CheckedRows
from iovalence.quality.duplicates import columns_to_compare, first_copies
from iovalence.quality.findings import (
    MAX_EXAMPLES,
    Finding,
    Severity,
    list_rows,
    name_rows,
    severity_of,
)
from iovalence.quality.section import Action
from iovalence.quality.sequences import find_first_copies

TRAIN, VALIDATION, TEST = 0, 1, 2
Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
_RELATIONS = ((TRAIN, VALIDATION), (TRAIN, TEST), (VALIDATION, TEST))


@dataclass(frozen=True)
class SharedRows:
    """Hold which of N rows have their like in another part, and which of them have to leave.

    Attributes:
        seen_in: For each two parts the rows of the first whose like is in the second, bool (N,).
        leaves: Rows that have to leave their part, bool (N,).
        stays: Rows of a given file whose like is in another given file, bool (N,).
        of_validation: Rows of train whose like is in validation and stays there, bool (N,).
        kin: Rows with the same number are alike, int64 (N,).
        links: Numbers of rows that are alike besides, int64 (P, 2).
    """

    seen_in: dict[tuple[int, int], Mask]
    leaves: Mask
    stays: Mask
    of_validation: Mask
    kin: Ints
    links: Ints

    def partners(self, rows: Ints, part: NDArray[np.int8]) -> Ints:
        """Return for each of these rows the first like it in another part, int64."""
        return np.array([self._partner(row, part) for row in rows.tolist()], np.int64)

    def _partner(self, row: int, part: NDArray[np.int8]) -> int:
        ours = self.kin[row]
        linked = self.links[(self.links == ours).any(axis=1)].ravel()
        like = np.isin(self.kin, np.append(linked, ours))
        return int(np.argmax(like & (part >= 0) & (part != part[row])))


def find_shared(
    kin: Ints, pairs: Ints, part: NDArray[np.int8], *, given: tuple[bool, bool]
) -> SharedRows:
    """Find the rows that two parts share.

    Args:
        kin: Rows with the same number, from 0, are alike, int64 (N,).
        pairs: Numbers of rows that are alike besides, as indices into `kin`, int64 (P, 2).
        part: Part of each row, int8 (N,); -1 for one that left.
        given: Whether validation and test are files of their own.
    """
    links = kin[pairs]

    def like_is_in(rows: Mask) -> Mask:
        """Return which rows are like one of `rows`, bool (N,)."""
        marked = np.zeros(int(kin.max()) + 1, dtype=bool)
        marked[kin[rows]] = True
        spread = marked.copy()
        spread[links[marked[links[:, 1]], 0]] = True
        spread[links[marked[links[:, 0]], 1]] = True
        return spread[kin]

    inside = [part == at for at in (TRAIN, VALIDATION, TEST)]
    like_validation, like_test = like_is_in(inside[VALIDATION]), like_is_in(inside[TEST])
    seen = {
        (TRAIN, VALIDATION): inside[TRAIN] & like_validation,
        (TRAIN, TEST): inside[TRAIN] & like_test,
        (VALIDATION, TEST): inside[VALIDATION] & like_test,
    }
    between = seen[VALIDATION, TEST]
    if given[0] and not given[1]:
        between = inside[TEST] & like_validation
    settled = between if not all(given) else np.zeros_like(between)
    of_validation = inside[TRAIN] & like_is_in(inside[VALIDATION] & ~settled)
    of_test = inside[TRAIN] & like_is_in(inside[TEST] & ~settled)
    leaves = settled | of_validation | of_test
    return SharedRows(seen, leaves, between & ~settled, of_validation, kin, links)


def check_copies(
    table: Table,
    checked: CheckedRows,
    part: NDArray[np.int8],
    action: Action,
    sequences: Sequences | None = None,
) -> tuple[tuple[Finding, ...], SharedRows | None]:
    """Report the rows that are in two parts, themselves or nearly.

    Exact copies are compared across all files; near ones are those that the checks of rows found.

    Args:
        table: N rows.
        checked: Which rows stayed, their labels, and which are copies.
        part: Part of each row, int8 (N,).
        action: `fix` takes the copy out, as the module says.
        sequences: Of the rows that stay, where rows are sequences: these are compared whole.
    """
    if action == "off":
        return (), None
    kin = checked.first_copy
    if any(table.schema.num_rows[1:]):
        kin = _find_copies(table, checked, sequences)
    elif not len(checked.near):
        return (), None  # one file: its exact copies were kept together
    shared = find_shared(kin, checked.near, part, given=_given(table))
    return _report(table, shared, part, action, "copies"), shared


def _find_copies(table: Table, checked: CheckedRows, sequences: Sequences | None) -> Ints:
    """Return for each row the first row of all files that it equals, int64 (N,)."""
    if sequences is None:
        return first_copies(columns_to_compare(table, checked.target))
    return find_first_copies(table, checked.target, sequences, across_files=True)


def check_groups(
    table: Table, part: NDArray[np.int8], action: Action
) -> tuple[tuple[Finding, ...], SharedRows | None]:
    """Report the groups that are in two parts; only given files can bring that about.

    Args:
        table: N rows.
        part: Part of each row, int8 (N,).
        action: `fix` takes the rows out, as the module says.
    """
    group = table.group_of_rows()
    if action == "off" or group is None or not any(table.schema.num_rows[1:]):
        return (), None
    own = group.max() + 1 + np.arange(len(group))
    kin = np.where(group >= 0, group, own)
    shared = find_shared(kin, np.empty((0, 2), np.int64), part, given=_given(table))
    found = _report(table, shared, part, action, "group")
    rows = [some for some in (shared.leaves, shared.stays) if some.any()]
    (name,) = table.schema.names("group")
    return tuple(map(partial(_count_groups, group, name), found, rows)), shared


def _count_groups(group: Ints, name: str, finding: Finding, rows: Mask) -> Finding:
    """Return a finding about these rows with the number of their groups, and the column."""
    num_torn, num_groups = len(np.unique(group[rows])), int(group.max()) + 1
    found = f"found {num_torn} of {num_groups} groups of '{name}' in two, with rows"
    message = finding.message.replace("found rows", found, 1)
    return finding.model_copy(update={"message": message, "columns": (name,)})


def _given(table: Table) -> tuple[bool, bool]:
    _, validation, test = table.schema.num_rows
    return validation > 0, test > 0


_MUST = {
    "copies": "no row, nor a near copy of it, may be in two parts",
    "group": "a group must be in one part",
}
_ADVICE = {
    "copies": "take the copies out of the files",
    "group": "give each group to one file",
}


def _report(
    table: Table, shared: SharedRows, part: NDArray[np.int8], action: Action, check: str
) -> tuple[Finding, ...]:
    """Return a finding of what leaves, or would, and one of what stays in two given files."""
    findings = []
    severity: Severity = severity_of(action)
    or_fix = "" if action == "fix" else f", or set quality.leakage.{check}: fix"
    if shared.leaves.any():
        pairs = _RELATIONS[:2] if shared.stays.any() else _RELATIONS
        found = {pair: shared.seen_in[pair] for pair in pairs}
        fixed = _describe_leaving(part, shared.leaves) if action == "fix" else ""
        advice = "" if action == "fix" else _ADVICE[check] + or_fix
        finding = _describe(table, shared, shared.leaves, part, check, found)
        changes = {"severity": severity, "done": fixed, "advice": advice}
        findings.append(finding.model_copy(update=changes))
    if shared.stays.any():
        found = {(VALIDATION, TEST): shared.stays}
        finding = _describe(table, shared, shared.stays, part, check, found)
        changes = {
            "severity": "warning" if action == "fix" else severity,
            "done": "kept: rows of a given file are never removed",
            "advice": _ADVICE[check],
        }
        findings.append(finding.model_copy(update=changes))
    return tuple(findings)


def _describe(
    table: Table,
    shared: SharedRows,
    rows: Mask,
    part: NDArray[np.int8],
    check: str,
    found: dict[tuple[int, int], Mask],
) -> Finding:
    """Return what was found, as if it were for information alone."""
    count = int(rows.sum())
    first = np.flatnonzero(rows)[:MAX_EXAMPLES]
    examples = name_rows(table, first)
    relations = ", ".join(
        f"{int(seen.sum())} of {SOURCES[one]} in {SOURCES[other]}"
        for (one, other), seen in found.items()
        if seen.any()
    )
    return Finding(
        check=f"leakage.{check}",
        severity="info",
        count=count,
        share=count / int((part >= 0).sum()),
        message=f"{_MUST[check]}, found rows that are: {relations}{list_rows(examples, count)}",
        rows=examples,
        partners=name_rows(table, shared.partners(first, part)),
    )


def _describe_leaving(part: NDArray[np.int8], leaves: Mask) -> str:
    left = np.bincount(part[leaves], minlength=3)
    took = [f"{left[at]} out of {SOURCES[at]}" for at in range(3) if left[at]]
    return f"took {' and '.join(took)}"
