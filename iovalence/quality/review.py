"""Own what a person decided about doubtful labels: whether it fits this data, and what it changes.

Decisions are `keep`, `drop`, or a label. They are about rows of the train file alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.schema import SOURCES
from iovalence.data.table import Table
from iovalence.errors import DataError
from iovalence.names import nearest
from iovalence.quality.duplicates import find_first_copies
from iovalence.quality.findings import MAX_EXAMPLES, Finding, name_rows, num_checked
from iovalence.quality.labels import canonical_key, encode_labels, quote
from iovalence.quality.review_file import KEY, ReviewLine, hash_review, read_decided, row_texts
from iovalence.quality.spelled import is_same_value

CHECK = "labels.errors"
OPEN, KEPT, DROPPED, RELABELLED = 0, 1, 2, 3
_VERBS = {"keep": KEPT, "drop": DROPPED}
_MAX_FAULTS = 10


@dataclass(frozen=True)
class Review:
    """Hold what the review file decided on N rows.

    Attributes:
        target: Labels with those that were changed, (N,).
        decision: `OPEN`, `KEPT`, `DROPPED` or `RELABELLED`, int8 (N,).
        findings: What was applied, and from which file.
    """

    target: pa.Array
    decision: NDArray[np.int8]
    findings: tuple[Finding, ...] = ()


def apply_review(table: Table, target: pa.Array, path: Path | None) -> Review:
    """Apply a review file; exact copies of a row follow it.

    Args:
        table: N rows.
        target: Labels with merged spellings, (N,).
        path: The file; None for none.

    Raises:
        DataError: It cannot be read, is of other data, a decision is none, or copies of one row
            are decided in two ways.
    """
    decision = np.zeros(table.num_rows, np.int8)
    if path is None:
        return Review(target, decision)
    if table.schema.task == "regression":
        raise DataError(f"{KEY} must go with classes, got numbers in '{table.schema.target}'")
    lines = read_decided(path, table.columns.column_names)
    index = _find_rows(lines, table, target, path)
    codes, names = encode_labels(target)
    known = [names[at] for at in np.unique(codes[(table.source_of_rows() == 0) & (codes >= 0)])]
    asked = _read_decisions(lines, index, known, path)
    number_of = {name: at for at, name in enumerate(names)}
    changed = codes.copy()
    for at, (verb, label) in asked.items():
        decision[at] = KEPT if label == names[codes[at]] and codes[at] >= 0 else verb
        changed[at] = number_of[label] if label else codes[at]
    if asked:
        first_copy = find_first_copies(table, target)
        _require_one_decision(table, first_copy, decision, changed, path)
        _spread(table, first_copy, decision, changed)
    relabelled = pa.array(names, target.type).take(pa.array(changed, mask=changed < 0))
    return Review(relabelled, decision, (_report(table, decision, path),))


def _find_rows(
    lines: Sequence[ReviewLine], table: Table, target: pa.Array, path: Path
) -> NDArray[np.int64]:
    """Return the row of the table that each line is about, int64 (L,)."""
    given_files = [line for line in lines if line.source in SOURCES[1:]]
    if given_files:
        raise DataError(
            f"{KEY} must decide on rows of the train file alone, those of given files are never "
            f"changed, got {given_files[0].source} row {given_files[0].row} "
            f"({path}:{given_files[0].number})"
        )
    num_train = table.schema.num_rows[0]
    numbers = [line.row if line.source == SOURCES[0] else None for line in lines]
    strange = [
        (line, f"the train file has rows 1 to {num_train}")
        for line, row in zip(lines, numbers, strict=True)
        if row is None or not 1 <= row <= num_train
    ]
    _raise_for_other_data(strange, len(lines), path)
    index = np.array([(row or 0) - 1 for row in numbers], np.int64)
    labels = target.take(pa.array(index)).fill_null("").to_pylist()
    rows = zip(lines, labels, row_texts(table, index), strict=True)
    names = table.columns.column_names
    strange = [
        (line, why) for line, label, row in rows if (why := _differs(line, label, row, names))
    ]
    _raise_for_other_data(strange, len(lines), path)
    return index


def _differs(line: ReviewLine, label: str, values: Sequence[str], names: Sequence[str]) -> str:
    """Return how a row of the data differs from what the file says of it; empty when not."""
    if canonical_key(line.given) != canonical_key(label):
        return f"given is {quote(line.given)}, the data has {quote(label)}"
    for name, written, value in zip(names, line.values, values, strict=False):
        if not is_same_value(written, value):
            return f"'{name}' is {quote(written)}, the data has {quote(value)}"
    return ""


def _raise_for_other_data(
    strange: Sequence[tuple[ReviewLine, str]], num_lines: int, path: Path
) -> None:
    if strange:
        line, why = strange[0]
        raise DataError(
            f"a review file must be of this data, but {len(strange)} of the {num_lines} rows "
            f"decided in {KEY} are not, first {line.source} row {line.fields[1]}: {why} "
            f"({path}:{line.number}); fill in the label_review.csv of a run on this data"
        )


def _read_decisions(
    lines: Sequence[ReviewLine], index: NDArray[np.int64], classes: Sequence[str], path: Path
) -> dict[int, tuple[int, str]]:
    """Return for each row that is decided what is done, and the new label or an empty text."""
    by_key = {canonical_key(name): name for name in classes} | {name: name for name in classes}
    asked: dict[int, tuple[int, str]] = {}
    first: dict[int, ReviewLine] = {}
    faults = []
    for line, at in zip(lines, index.tolist(), strict=True):
        verb = _VERBS.get(line.decision.casefold(), RELABELLED)
        label = by_key.get(line.decision) or by_key.get(canonical_key(line.decision), "")
        if verb == RELABELLED and not label:
            faults.append(_unknown(line, classes, path))
            continue
        decided = verb, label if verb == RELABELLED else ""
        if asked.setdefault(at, decided) != decided:
            faults.append(
                f"{KEY} must decide a row in one way, got {quote(first[at].decision)} in line "
                f"{first[at].number} and {quote(line.decision)} for {line.source} row {line.row} "
                f"({path}:{line.number})"
            )
        first.setdefault(at, line)
    if faults:
        more = [f"and {len(faults) - _MAX_FAULTS} more"] * (len(faults) > _MAX_FAULTS)
        raise DataError(faults[:_MAX_FAULTS] + more)
    return asked


def _unknown(line: ReviewLine, classes: Sequence[str], path: Path) -> str:
    meant = nearest(line.decision, ("keep", "drop", *classes))
    shown = ", ".join(map(quote, classes[:MAX_EXAMPLES]))
    more = f" and {len(classes) - MAX_EXAMPLES} more" if len(classes) > MAX_EXAMPLES else ""
    return (
        f"{KEY} must have keep, drop or a label of the train file ({shown}{more}) as a decision, "
        f"got {quote(line.decision)} for {line.source} row {line.row} ({path}:{line.number}){meant}"
    )


def _require_one_decision(
    table: Table,
    first_copy: NDArray[np.int64],
    decision: NDArray[np.int8],
    codes: NDArray[np.int64],
    path: Path,
) -> None:
    """Refuse decisions that tell exact copies apart."""
    decided = np.flatnonzero(decision)
    _, first, of_kind = np.unique(first_copy[decided], return_index=True, return_inverse=True)
    leader = decided[first][of_kind]
    differs = (decision[decided] != decision[leader]) | (codes[decided] != codes[leader])
    if not differs.any():
        return
    at = int(np.argmax(differs))
    one, other = name_rows(table, np.array([leader[at], decided[at]]))
    said = {KEPT: "keep", DROPPED: "drop", RELABELLED: "another label"}
    more = f", and of {int(differs.sum()) - 1} rows more" if differs.sum() > 1 else ""
    raise DataError(
        f"{KEY} must decide exact copies in one way, got {said[int(decision[leader[at]])]} for "
        f"{one} and {said[int(decision[decided[at]])]} for its copy {other}{more} ({path}); decide "
        "one of them, the other follows"
    )


def _spread(
    table: Table,
    first_copy: NDArray[np.int64],
    decision: NDArray[np.int8],
    codes: NDArray[np.int64],
) -> None:
    """Decide the copies in the train file of a decided row as the row itself, in place."""
    decided = np.flatnonzero(decision)
    leader = np.full(len(decision), -1, np.int64)
    leader[first_copy[decided]] = decided
    follows = (decision == OPEN) & (table.source_of_rows() == 0) & (leader[first_copy] >= 0)
    rows = np.flatnonzero(follows)
    decision[rows] = decision[leader[first_copy[rows]]]
    codes[rows] = codes[leader[first_copy[rows]]]


def _report(table: Table, decision: NDArray[np.int8], path: Path) -> Finding:
    kept, dropped, changed = (int((decision == at).sum()) for at in (KEPT, DROPPED, RELABELLED))
    checked = num_checked(table, given=False)
    return Finding(
        check=CHECK,
        severity="info",
        count=kept + dropped + changed,
        share=(kept + dropped + changed) / checked,
        message=f"labels are as a person decided, found {kept + dropped + changed} of {checked} "
        f"rows decided in {path.name} (SHA-256 {hash_review(path)[:12]})",
        done=f"kept {kept}, left out {dropped}, changed the label of {changed} (all listed in "
        f"label_review.csv{', the changes in changed_labels.csv' if changed else ''})",
    )
