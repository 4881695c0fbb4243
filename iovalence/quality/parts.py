"""Own the checks of parts: what they found after the split, and what leaves because of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.data.schema import SOURCES
from iovalence.data.sequences import Sequences
from iovalence.data.table import Table
from iovalence.errors import DataError
from iovalence.quality.afterwards import check_afterwards
from iovalence.quality.checks import (
    CheckedRows,
    QualityReport,
    count_rows,
    load_reasons,
    save_reasons,
)
from iovalence.quality.findings import Finding, warn_of_losses
from iovalence.quality.giveaways import check_target
from iovalence.quality.identifiers import check_identifiers
from iovalence.quality.labels import quote
from iovalence.quality.leakage import TRAIN, VALIDATION, SharedRows, check_copies, check_groups
from iovalence.quality.section import Action, LeakageChecks
from iovalence.quality.sequences import in_sequences
from iovalence.quality.twins import check_twins
from iovalence.quality.weights import check_weighing

_LEFT = -1


@dataclass(frozen=True)
class CheckedParts:
    """Hold what the checks of parts found in N rows, and which of these stay where.

    Attributes:
        report: Findings of the parts alone; counts of all rows, after all checks.
        part: Part of each row, int8 (N,): 0 train, 1 validation, 2 test, -1 removed.
        reason: Why each row left, before the split or after it; empty for one that stays; object
            (N,).
        leaked: Rows of the train part that are, or nearly are, in the validation part: under `fix`
            they left as `leakage.copies`, else they are there still; indices, int64 (L,).
    """

    report: QualityReport
    part: NDArray[np.int8]
    reason: NDArray[np.object_]
    leaked: NDArray[np.int64]

    def save(self, folder: Path) -> None:
        """Write findings.json, part.npy, leaked.npy and reason.arrow into `folder`."""
        self.report.save(folder / "findings.json")
        np.save(folder / "part.npy", self.part)
        np.save(folder / "leaked.npy", self.leaked)
        save_reasons(folder / "reason.arrow", self.reason)

    @classmethod
    def load(cls, folder: Path) -> "CheckedParts":
        """Read back what `save` wrote.

        Raises:
            StorageError: A file is missing or damaged.
        """
        from iovalence.data.prepared import open_array

        return cls(
            QualityReport.load(folder / "findings.json"),
            open_array(folder / "part.npy"),
            load_reasons(folder / "reason.arrow"),
            open_array(folder / "leaked.npy"),
        )


def check_parts(
    table: Table,
    checked: CheckedRows,
    part: NDArray[np.int8],
    section: LeakageChecks,
    *,
    found: tuple[Finding, ...] = (),
    in_order: bool = False,
    sequences: Sequences | None = None,
) -> CheckedParts:
    """Check what the split made, and decide which rows and columns leave because of it.

    Of the test part only its copies and groups are looked at.

    Args:
        table: N rows.
        checked: What the checks of rows decided.
        part: What the split decided, int8 (N,).
        section: What each check does about what it finds.
        found: What is known of the split already; comes first in the report.
        in_order: Whether the parts follow one another in time.
        sequences: Of the rows that stay, where rows are sequences: these are compared whole, and
            columns judged by the last row of each.

    Raises:
        DataError: A part, or the train part's classes, or the features, left altogether, or weigh
            nothing.
    """
    progress = _Progress(part.copy(), checked.reason.copy(), [*found])
    progress.note(*check_groups(table, part, section.group), "group", section.group)
    copies, shared = check_copies(table, checked, progress.part, section.copies, sequences)
    progress.note(copies, shared, "copies", section.copies)
    _require_rows(table, checked, part, progress.part)
    progress.findings += _check_weighing(table, checked, progress.part, sequences)
    left_out = _check_columns(table, checked, progress, section, sequences)
    # Rows that agree within and between sequences are data.
    if section.copies != "off" and sequences is None:
        named = (shared.leaves | shared.stays) if shared else np.zeros(len(part), dtype=bool)
        single = np.where(named, _LEFT, progress.part)
        used = table.without_features(left_out)
        progress.findings += check_twins(used, checked.target, single)
    if in_order:
        features = table.without_features(left_out).schema.names("feature")
        progress.findings += check_afterwards(table, progress.part, features)
    report = QualityReport(
        findings=tuple(progress.findings),
        counts=count_rows(table, progress.reason),
        left_out=left_out,
    )
    leaked = np.flatnonzero(shared.of_validation) if shared else np.empty(0, np.int64)
    return CheckedParts(report, progress.part, progress.reason, leaked)


@dataclass
class _Progress:
    """Collect what one check after another found."""

    part: NDArray[np.int8]
    reason: NDArray[np.object_]
    findings: list[Finding]

    def note(
        self, found: tuple[Finding, ...], shared: SharedRows | None, check: str, action: Action
    ) -> None:
        """Add findings, and let the rows leave that a fix takes out."""
        if shared is None or action != "fix":
            self.findings += found
            return
        self.findings += self._warn_of_losses(found, shared.leaves)
        self.part[shared.leaves] = _LEFT
        self.reason[shared.leaves] = f"leakage.{check}"

    def _warn_of_losses(
        self, found: tuple[Finding, ...], leaves: NDArray[np.bool_]
    ) -> tuple[Finding, ...]:
        for at in range(len(SOURCES)):
            inside = self.part == at
            left = int((inside & leaves).sum())
            found = tuple(warn_of_losses(found, left, int(inside.sum()), "fix"))
        return found


def _check_weighing(
    table: Table, checked: CheckedRows, part: NDArray[np.int8], sequences: Sequences | None
) -> tuple[Finding, ...]:
    """Report classes that weigh nothing, a sequence counted once."""
    if sequences is None:
        return check_weighing(table, checked.target, part)
    once = np.where(sequences.mark_last(table.num_rows), part, np.int8(_LEFT))
    return tuple(in_sequences(check_weighing(table, checked.target, once)))


def _check_columns(
    table: Table,
    checked: CheckedRows,
    progress: _Progress,
    section: LeakageChecks,
    sequences: Sequences | None,
) -> tuple[str, ...]:
    """Note what is wrong with features, and return those that are to be left out."""
    known = (progress.part == TRAIN) | (progress.part == VALIDATION)
    of_train_file = known & (table.source_of_rows() == 0)
    findings, identifiers = check_identifiers(table, np.flatnonzero(of_train_file), section.id)
    progress.findings += findings
    names = table.without_features(identifiers).schema.names("feature")
    train = np.flatnonzero(progress.part == TRAIN)
    if sequences is not None:
        train = train[sequences.mark_last(table.num_rows)[train]]
    findings, giveaways = check_target(table, checked.target, train, names, section.target)
    progress.findings += findings
    left_out = (*identifiers, *giveaways)
    if set(left_out) == set(table.schema.names("feature")):
        raise DataError(
            "one column at least must be a feature, but quality.leakage leaves out "
            f"{', '.join(repr(name) for name in left_out[:5])}, all there are; add columns, or "
            "use milder actions"
        )
    return left_out


def _require_rows(
    table: Table, checked: CheckedRows, before: NDArray[np.int8], after: NDArray[np.int8]
) -> None:
    """Refuse parts that lost everything, or all but one class, to the other parts."""
    if np.array_equal(before, after):
        return
    advice = "the rest is in other parts too; correct the files, or set quality.leakage: warn"
    for at, name in enumerate(SOURCES):
        if (before == at).any() and not (after == at).any():
            raise DataError(f"the {name} part must keep rows of its own, got none: {advice}")
    train = pa.array(np.flatnonzero(after == TRAIN))
    values = pc.unique(checked.target.take(train))
    if len(values) < 2:
        raise DataError(
            f"the train part must keep 2 different values of '{table.schema.target}', got "
            f"{len(train)} rows, all {quote(values[0])}: {advice}"
        )
