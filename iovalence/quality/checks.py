"""Own the order of the checks of rows, and what they decide together.

Expectations look at the table as it was read. Then spellings are merged, so that rows which differ
in the spelling of the label alone count as copies. What a person decided about labels comes next,
so that all else is checked as they left it. Rows without a label leave, then copies, rows that
contradict each other, near copies, then classes that are too rare. A row that leaves carries the
first reason that applied.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.atomic import replacing
from iovalence.data.schema import SOURCES, Source
from iovalence.data.table import Table
from iovalence.errors import DataError, GateError, StorageError
from iovalence.quality.balance import check_balance
from iovalence.quality.conflicting import check_conflicting, find_alike
from iovalence.quality.duplicates import check_exact, find_first_copies, lead
from iovalence.quality.expectations import check_expectations
from iovalence.quality.expected import ReadPlain
from iovalence.quality.findings import Finding, warn_of_losses
from iovalence.quality.identifiers import check_repeated_ids
from iovalence.quality.labels import (
    check_missing,
    check_rare,
    check_unseen,
    merge_spellings,
    quote,
)
from iovalence.quality.near import NearCopies, check_near, find_near_copies, no_near_copies
from iovalence.quality.review import DROPPED, Review, apply_review
from iovalence.quality.section import Action, DuplicateChecks, QualitySection
from iovalence.quality.targets import check_target
from iovalence.record import Record


class SourceCounts(Record):
    """Say how many rows of one file were read, stayed, and left for which reason."""

    source: Source
    num_rows: int
    kept: int
    removed: dict[str, int]


class QualityReport(Record):
    """Hold what the checks found, as people and programs read it.

    Attributes:
        findings: In the order of the checks.
        counts: One for each file; `kept` and `removed` add up to `num_rows`.
        balance_weights: Whether to train with balanced class weights.
        left_out: Features that are used no more, as the checks decided.
        notes: What was decided, left out or not understood when the files were read, a line each.
    """

    findings: tuple[Finding, ...]
    counts: tuple[SourceCounts, ...]
    balance_weights: bool = False
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def joined(self, later: "QualityReport") -> "QualityReport":
        """Return this and what was found later; what is left at the end counts."""
        return QualityReport(
            findings=(*self.findings, *later.findings),
            counts=later.counts,
            balance_weights=self.balance_weights or later.balance_weights,
            left_out=(*self.left_out, *later.left_out),
            notes=(*self.notes, *later.notes),
        )


@dataclass(frozen=True)
class CheckedRows:
    """Hold what the checks found in N rows, and which of these stay.

    Attributes:
        report: Findings and counts.
        reason: Why each row left, as `duplicates.exact`; empty for one that stays; object (N,).
        target: Labels with merged spellings, or values, (N,).
        first_copy: Index of the first row of its file that each row equals, int64 (N,).
        near: Pairs (i < j) of near copies among the rows of all files, int64 (P, 2), those that
            left as near copies included; see `NearCopies.pairs`.
        review: What a person decided about its label, as `iovalence.quality.review` says, int8
            (N,); 0 for nothing.
    """

    report: QualityReport
    reason: NDArray[np.object_]
    target: pa.Array
    first_copy: NDArray[np.int64]
    near: NDArray[np.int64]
    review: NDArray[np.int8]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return the findings in the order of the checks."""
        return self.report.findings

    @property
    def balance_weights(self) -> bool:
        """Return whether to train with balanced class weights."""
        return self.report.balance_weights

    @property
    def keep(self) -> NDArray[np.bool_]:
        """Return which rows stay, bool (N,)."""
        return np.asarray(self.reason == "", dtype=bool)

    def save(self, folder: Path) -> None:
        """Write findings.json, rows.arrow and near.npy into `folder`."""
        self.report.save(folder / "findings.json")
        columns = [_as_column(self.reason), self.target, self.first_copy, self.review]
        _write_arrow(folder / "rows.arrow", pa.table(columns, _ROW_COLUMNS))
        np.save(folder / "near.npy", self.near)

    @classmethod
    def load(cls, folder: Path) -> "CheckedRows":
        """Read back what `save` wrote.

        Raises:
            StorageError: A file is missing or damaged.
        """
        from iovalence.data.prepared import open_array

        reason, target, first_copy, review = _read_arrow(folder / "rows.arrow").columns
        return cls(
            QualityReport.load(folder / "findings.json"),
            _shared_texts(reason.combine_chunks()),
            target.combine_chunks(),
            first_copy.to_numpy(),
            open_array(folder / "near.npy"),
            review.to_numpy(),
        )


def save_reasons(path: Path, reason: NDArray[np.object_]) -> None:
    """Write why each row left, object (N,), as an Arrow file of one column."""
    _write_arrow(path, pa.table([_as_column(reason)], ["reason"]))


def load_reasons(path: Path) -> NDArray[np.object_]:
    """Read back what `save_reasons` wrote.

    Raises:
        StorageError: The file is missing or damaged.
    """
    return _shared_texts(_read_arrow(path).column(0).combine_chunks())


def _as_column(reason: NDArray[np.object_]) -> pa.DictionaryArray:
    return pa.array(reason, type=pa.string()).dictionary_encode()


def _write_arrow(path: Path, rows: pa.Table) -> None:
    with replacing(path) as temporary, pa.ipc.new_file(temporary, rows.schema) as writer:
        writer.write_table(rows)


def _read_arrow(path: Path) -> pa.Table:
    try:
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except (OSError, pa.ArrowInvalid) as err:
        raise StorageError(f"{path} must be whole and readable, got '{err}'") from err


def _shared_texts(reason: pa.DictionaryArray) -> NDArray[np.object_]:
    # One text for each reason, not for each row.
    texts = np.array(reason.dictionary.to_pylist(), dtype=object)
    return np.asarray(texts[reason.indices.to_numpy()])


_ROW_COLUMNS = ["reason", "target", "first_copy", "review"]


@dataclass
class _Progress:
    """Collect what one check after another found."""

    reason: NDArray[np.object_]
    num_train: int
    findings: list[Finding] = field(default_factory=list)

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Return which rows stay so far, bool (N,)."""
        return np.asarray(self.reason == "", dtype=bool)

    def note(
        self,
        findings: tuple[Finding, ...],
        leaves: NDArray[np.bool_],
        reason: str,
        action: Action,
    ) -> NDArray[np.bool_]:
        """Add findings, give `reason` to rows that leave, and return those that stay."""
        leaves = leaves & (self.reason == "")
        num_left = int(leaves[: self.num_train].sum())
        self.findings += warn_of_losses(findings, num_left, self.num_train, action)
        self.reason[leaves] = reason
        return self.kept


def check_rows(
    table: Table,
    section: QualitySection,
    *,
    num_parts_split: int,
    class_weights_given: bool,
    find_near: bool = False,
    review_file: Path | None = None,
    read_plain: ReadPlain | None = None,
) -> CheckedRows:
    """Check the rows of a table and decide which of them leave.

    Args:
        table: N rows.
        section: What each check does about what it finds.
        num_parts_split: Parts that the train file is split into, 1 to 3.
        class_weights_given: Whether the configuration sets class weights itself.
        find_near: Whether to look for near copies also where `duplicates.near` is off.
        review_file: What a person decided about labels; None for nothing.
        read_plain: Reads columns of the files again, for expectations of what was written; None
            to go by the table alone.

    Raises:
        DataError: The train file has, or keeps, too little to learn from; or the review file does
            not fit it.
        ConfigError: A declared expectation does not exist, or not with these arguments.
    """
    progress = _Progress(np.full(table.num_rows, "", dtype=object), table.schema.num_rows[0])
    progress.findings += check_expectations(table, section.expectations, read_plain)
    _require_labels(table)
    in_train = table.source_of_rows() == 0
    review = _read_labels(table, section, progress, review_file)
    target = review.target
    missing = check_missing(table, target, section.labels.missing)
    progress.note(*missing, "labels.missing", section.labels.missing)
    first_copy, near = _check_duplicates(table, target, progress, section.duplicates, find_near)
    if section.duplicates.exact != "off":
        progress.findings += check_repeated_ids(table, progress.kept)
    distinct = lead(first_copy, progress.kept) == np.arange(table.num_rows)
    concerned, action = progress.kept & in_train, section.labels.rare
    rare = check_rare(table, target, distinct, concerned, num_parts_split, action)
    kept = progress.note(*rare, "labels.rare", action)
    _require_two_values(table, target, kept)
    progress.findings += check_unseen(table, target, kept)
    progress.findings += check_target(table, target, kept, section.target)
    balance, weigh = check_balance(
        table,
        target,
        kept & in_train,
        section.balance,
        class_weights_given=class_weights_given,
        copies=(progress.reason == "duplicates.exact") | (progress.reason == "duplicates.near"),
    )
    progress.findings += balance
    report = QualityReport(
        findings=tuple(progress.findings),
        counts=count_rows(table, progress.reason),
        balance_weights=weigh,
    )
    return CheckedRows(report, progress.reason, target, first_copy, near.pairs, review.decision)


def _read_labels(
    table: Table, section: QualitySection, progress: _Progress, review_file: Path | None
) -> Review:
    """Merge spellings, and apply what a person decided about labels."""
    target, merged = merge_spellings(table, section.labels.spelling)
    progress.findings += merged
    review = apply_review(table, target, review_file)
    dropped = review.decision == DROPPED
    progress.note(review.findings, dropped, "labels.errors", section.labels.errors)
    return review


def _check_duplicates(
    table: Table, target: pa.Array, progress: _Progress, section: DuplicateChecks, find_near: bool
) -> tuple[NDArray[np.int64], NearCopies]:
    """Check rows that stand twice; return the first copy of each row, and the near copies."""
    first_copy = find_first_copies(table, target)
    exact = check_exact(table, first_copy, progress.kept, section.exact)
    kept = progress.note(*exact, "duplicates.exact", section.exact)
    find_near |= section.near != "off"
    if not find_near and section.conflicting == "off":
        return first_copy, no_near_copies()
    alike = find_alike(table)
    torn = check_conflicting(table, target, alike, first_copy, kept, section.conflicting)
    kept = progress.note(*torn, "duplicates.conflicting", section.conflicting)
    if not find_near:
        return first_copy, no_near_copies()
    near = find_near_copies(table, target, section.near_tolerance, kept, alike)
    found = check_near(table, target, near, alike, kept, section.near)
    progress.note(*found, "duplicates.near", section.near)
    return first_copy, near


def count_rows(table: Table, reason: NDArray[np.object_]) -> tuple[SourceCounts, ...]:
    """Return how many rows of each file were read, stay, and leave for which reason."""
    counts = []
    for source, reasons in zip(
        SOURCES, np.split(reason, np.cumsum(table.schema.num_rows)[:-1]), strict=True
    ):
        removed = Counter(reasons.tolist())
        kept = removed.pop("", 0)
        counts.append(
            SourceCounts(source=source, num_rows=len(reasons), kept=kept, removed=dict(removed))
        )
    return tuple(count for count in counts if count.num_rows)


def _require_labels(table: Table) -> None:
    schema = table.schema
    target = table.columns.column(schema.target).slice(0, schema.num_rows[0])
    if target.null_count == len(target):
        raise DataError(
            f"the target '{schema.target}' must have values, "
            f"got none in the {len(target)} rows of the train file"
        )


def _require_two_values(table: Table, target: pa.Array, kept: NDArray[np.bool_]) -> None:
    num_train = table.schema.num_rows[0]
    in_train = target.slice(0, num_train).filter(pa.array(kept[:num_train]))
    values = pc.unique(in_train)
    if len(values) >= 2:
        return
    only = f", all {quote(values[0])}" if len(values) else ""
    raise DataError(
        "the train file must keep rows with at least 2 different values of "
        f"'{table.schema.target}', got {len(in_train)} of {num_train} rows{only}; "
        "add rows, or see with `iovalence check` and milder actions what removes them"
    )


def raise_for_failures(findings: tuple[Finding, ...]) -> None:
    """Stop when a check failed.

    Raises:
        GateError: A finding is a failure; one line for each, with its rows.
    """
    failures = [finding for finding in findings if finding.severity == "failure"]
    if failures:
        raise GateError([_line(finding) for finding in failures])


def _line(finding: Finding) -> str:
    advice = f"; {finding.advice}" if finding.advice else ""
    return f"quality.{finding.check}: {finding.message}{advice}"
