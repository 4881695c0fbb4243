"""Own the checks of a table whose rows are sequences: what a check of rows means there.

The label is the sequence's: rows without one have that of the others. A sequence is a copy of
another when all rows agree in order, in all columns but group and id; rows that repeat within a
sequence are data. What counts or compares rows with labels looks at the last row of each sequence
in its place, so that a long one counts once; and a sequence stays or leaves whole.

Shapes: N rows, M of them in S sequences.
"""

import re
from collections.abc import Sequence as List
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.data.sequences import Sequences, count_ties, find_sequences
from iovalence.data.table import Table
from iovalence.errors import DataError
from iovalence.quality.balance import check_balance
from iovalence.quality.checks import CheckedRows, QualityReport, count_rows
from iovalence.quality.conflicting import check_conflicting
from iovalence.quality.duplicates import check_exact, columns_to_compare, first_copies, lead
from iovalence.quality.expectations import check_expectations
from iovalence.quality.expected import ReadPlain
from iovalence.quality.findings import MAX_EXAMPLES, Finding, warn_of_losses
from iovalence.quality.identifiers import check_repeated_ids
from iovalence.quality.labels import check_missing, check_rare, check_unseen, merge_spellings, quote
from iovalence.quality.section import Action, DuplicateChecks, QualitySection
from iovalence.quality.targets import check_target

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
TOO_LONG = "sequences.length"
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


class _Progress:
    """Collect what one check after another found; rows leave by whole sequences.

    Args:
        table: N rows.
        sequences: Of the table.
    """

    def __init__(self, table: Table, sequences: Sequences) -> None:
        self.reason = np.full(table.num_rows, "", dtype=object)
        self._of_train = table.source_of_rows()[sequences.last] == 0
        self.findings: list[Finding] = []
        self._sequences = sequences

    @property
    def kept(self) -> Mask:
        """Return which rows stay so far, bool (N,)."""
        return np.asarray(self.reason == "", dtype=bool)

    @property
    def standing(self) -> Mask:
        """Return the last row of each sequence that stays, bool (N,)."""
        return self._sequences.mark_last(len(self.reason)) & self.kept

    def note(self, findings: List[Finding], leaves: Mask, reason: str, action: Action) -> None:
        """Add findings, and let each sequence leave whose last row, bool (N,), leaves."""
        of_train = self._sequences.last[self._of_train]
        num_left = int((leaves & self.kept)[of_train].sum())
        self.findings += warn_of_losses(findings, num_left, len(of_train), action)
        gone = np.zeros(len(self.reason), dtype=bool)
        gone[self._sequences.rows] = np.repeat(
            leaves[self._sequences.last], self._sequences.lengths
        )
        self.reason[gone & (self.reason == "")] = reason


def check_sequences(
    table: Table,
    section: QualitySection,
    *,
    num_parts_split: int,
    class_weights_given: bool,
    max_length: int | None,
    read_plain: ReadPlain | None = None,
) -> CheckedRows:
    """Check a table of sequences and decide which rows leave; see `check_rows`.

    Args:
        table: N rows, with groups and times.
        section: What each check does about what it finds.
        num_parts_split: Parts that the train file is split into, 1 to 3.
        class_weights_given: Whether the configuration sets class weights itself.
        max_length: Longer sequences keep their last rows; None for any length.
        read_plain: As in `check_rows`.

    Raises:
        DataError: A row has no group or no time, a sequence has two labels or weights, or there
            is too little to learn from.
        ConfigError: A declared expectation does not exist, or not with these arguments.
    """
    whole = find_sequences(table)
    sequences, cut = whole.split_off(max_length) if max_length else (whole, whole.rows[:0])
    progress = _Progress(table, sequences)
    progress.reason[cut] = TOO_LONG
    progress.findings += check_expectations(table, section.expectations, read_plain)
    target, merged = merge_spellings(table, section.labels.spelling)
    progress.findings += merged
    target, num_filled = join_labels(table, target, whole)
    require_one_weight(table, whole)
    progress.findings.append(_describe(table, whole, len(cut), max_length, num_filled))
    missing = check_missing(table, target, section.labels.missing)
    progress.note(*missing, "labels.missing", section.labels.missing)
    first_copy = find_first_copies(table, target, sequences)
    _check_duplicates(table, target, progress, section.duplicates, first_copy, sequences)
    weigh = _check_labels(
        table, target, progress, section, first_copy, num_parts_split, class_weights_given
    )
    report = QualityReport(
        findings=tuple(progress.findings),
        counts=count_rows(table, progress.reason),
        balance_weights=weigh,
    )
    no_pairs, nothing = np.empty((0, 2), np.int64), np.zeros(table.num_rows, np.int8)
    return CheckedRows(report, progress.reason, target, first_copy, no_pairs, nothing)


def _check_duplicates(
    table: Table,
    target: pa.Array,
    progress: _Progress,
    section: DuplicateChecks,
    first_copy: Ints,
    sequences: Sequences,
) -> None:
    found = check_exact(table, first_copy, progress.standing, section.exact)
    progress.note(in_sequences(found[0]), found[1], "duplicates.exact", section.exact)
    if section.conflicting != "off":
        features = table.columns.select(table.schema.names("feature"))
        leader = first_alike(first_copies(features), sequences)
        alike = np.arange(table.num_rows)
        alike[sequences.last] = sequences.last[leader]
        action, standing = section.conflicting, progress.standing
        found = check_conflicting(table, target, alike, first_copy, standing, action)
        progress.note(in_sequences(found[0]), found[1], "duplicates.conflicting", action)
    if section.near != "off":
        progress.findings.append(not_for_sequences("duplicates.near", "near copies"))
    if section.exact != "off":
        progress.findings += in_sequences(check_repeated_ids(table, progress.standing))


def _check_labels(
    table: Table,
    target: pa.Array,
    progress: _Progress,
    section: QualitySection,
    first_copy: Ints,
    num_parts_split: int,
    class_weights_given: bool,
) -> bool:
    """Check the labels, one for each sequence; return whether to train with balanced weights."""
    in_train = table.source_of_rows() == 0
    distinct = lead(first_copy, progress.standing) == np.arange(table.num_rows)
    of_train, action = progress.standing & in_train, section.labels.rare
    rare = check_rare(table, target, distinct, of_train, num_parts_split, action)
    progress.note(in_sequences(rare[0]), rare[1], "labels.rare", action)
    _require_two_values(table, target, progress.standing & in_train)
    progress.findings += in_sequences(check_unseen(table, target, progress.standing))
    progress.findings += in_sequences(
        check_target(table, target, progress.standing, section.target)
    )
    balance, weigh = check_balance(
        table,
        target,
        progress.standing & in_train,
        section.balance,
        class_weights_given=class_weights_given,
    )
    progress.findings += in_sequences(balance)
    return weigh


def in_sequences(findings: List[Finding]) -> list[Finding]:
    """Return findings that count sequences, and say so; an example row is a sequence's last."""
    return [
        one.model_copy(
            update={
                "message": one.message.replace(" rows", " sequences").replace(
                    "rows of", "sequences of"
                ),
                "done": re.sub(r"\brow(s?)\b", r"sequence\1", one.done),
            }
        )
        for one in findings
    ]


def not_for_sequences(check: str, what: str) -> Finding:
    """Return what is said of a check that compares rows, where the rows are sequences."""
    return Finding(
        check=check,
        severity="info",
        count=0,
        share=0.0,
        message=f"{what} were not looked for: the check compares single rows, and the rows of "
        "model_type: rnn are sequences",
    )


def join_labels(table: Table, target: pa.Array, sequences: Sequences) -> tuple[pa.Array, int]:
    """Return the target with that of its sequence in each row, (N,), and how many were filled.

    Args:
        table: N rows.
        target: Labels with merged spellings, or values, (N,); null where missing.
        sequences: Of the table.

    Raises:
        DataError: A sequence has two labels.
    """
    codes = np.asarray(target.dictionary_encode().indices.fill_null(-1).to_numpy(), np.int64)
    ordered = codes[sequences.rows]
    known = np.maximum.reduceat(ordered, sequences.starts[:-1])
    of_row = np.repeat(known, sequences.lengths)
    torn = (ordered >= 0) & (ordered != of_row)
    if torn.any():
        raise DataError(_tell_torn(table, target, sequences, sequences.of_rows[torn]))
    joined = np.empty(len(codes), np.int64)
    joined[sequences.rows] = of_row
    values = target.dictionary_encode().dictionary
    filled = int(((codes < 0) & (joined >= 0)).sum())
    return values.take(pa.array(joined, mask=joined < 0)), filled


def _tell_torn(table: Table, target: pa.Array, sequences: Sequences, torn: Ints) -> str:
    several = np.unique(torn)
    named = []
    for at in several[:MAX_EXAMPLES]:
        rows = pa.array(sequences.take(np.array([at])).rows)
        labels = pc.unique(target.take(rows).drop_null()).to_pylist()[:3]
        name = group_names(table, sequences.first[at : at + 1])[0]
        named.append(f"{quote(name)} has {' and '.join(map(quote, labels))}")
    more = f" and {len(several) - MAX_EXAMPLES} more" if len(several) > MAX_EXAMPLES else ""
    return (
        f"a sequence must have one '{table.schema.target}' in all its rows, found "
        f"{len(several)} of {sequences.number} with several: {'; '.join(named)}{more}; correct "
        "them, or name a finer data.group"
    )


def group_names(table: Table, rows: Ints) -> list[str]:
    """Return the groups of rows of a table, as texts."""
    (name,) = table.schema.names("group")
    names: list[str] = table.columns[name].take(pa.array(rows)).to_pylist()
    return names


def require_one_weight(table: Table, sequences: Sequences) -> None:
    """Refuse weights that differ within a sequence.

    Raises:
        DataError: They do; one line, with the groups.
    """
    for name in table.schema.names("weight"):
        weight = table.columns[name].to_numpy()[sequences.rows]
        starts = sequences.starts[:-1]
        low, high = np.minimum.reduceat(weight, starts), np.maximum.reduceat(weight, starts)
        torn = np.flatnonzero(low != high)
        if len(torn):
            named = ", ".join(map(quote, group_names(table, sequences.first[torn[:MAX_EXAMPLES]])))
            raise DataError(
                f"data.weight must be the same in all rows of a sequence, found {len(torn)} of "
                f"{sequences.number} with several: {named}; a weight is the sequence's"
            )


def _describe(
    table: Table, whole: Sequences, num_cut: int, max_length: int | None, num_filled: int
) -> Finding:
    """Return what was found: how many sequences, how long, and what was done to their rows."""
    lengths, ties = whole.lengths, count_ties(table, whole)
    text = (
        f"{whole.number} sequences in {table.num_rows} rows, {lengths.min()} to {lengths.max()} "
        f"rows each, {np.median(lengths):g} in the middle"
    )
    text += f"; {ties} rows have the time of the row before: the file's order stands" * (ties > 0)
    text += f"; {num_filled} rows without a label have that of their sequence" * (num_filled > 0)
    alone = bool(lengths.max() == 1)
    longer = int((lengths > max_length).sum()) if max_length else 0
    return Finding(
        check="sequences",
        severity="warning" if alone else "info",
        count=longer,
        share=longer / whole.number,
        message=text,
        done=f"{longer} sequences longer than training.max_sequence_length: {max_length} keep "
        f"their last rows, {num_cut} rows left"
        if longer
        else "",
        advice="each sequence has one row: name a coarser data.group, or use neural_network"
        if alone
        else "",
    )


def _require_two_values(table: Table, target: pa.Array, standing: Mask) -> None:
    values = pc.unique(target.filter(pa.array(standing)))
    if len(values) >= 2:
        return
    only = f", all {quote(values[0])}" if len(values) else ""
    raise DataError(
        "the train file must keep sequences with at least 2 different values of "
        f"'{table.schema.target}', got {int(standing.sum())} sequences{only}; add some, or see "
        "with `iovalence check` and milder actions what removes them"
    )


def find_first_copies(
    table: Table, target: pa.Array, sequences: Sequences, *, across_files: bool = False
) -> Ints:
    """Return for each row its like in the first sequence that its sequence equals, int64 (N,).

    Args:
        table: N rows.
        target: Labels to compare in place of the table's own, (N,).
        sequences: Of the table.
        across_files: Whether a sequence may be a copy of one of another file.
    """
    columns = columns_to_compare(table, target).drop_columns(list(table.schema.names("group")))
    apart = None if across_files else table.source_of_rows()[sequences.first].astype(np.int64)
    leader = first_alike(first_copies(columns), sequences, apart)
    copies = np.flatnonzero(leader != np.arange(sequences.number))
    first = np.arange(table.num_rows)
    first[sequences.take(copies).rows] = sequences.take(leader[copies]).rows
    return first


def first_alike(kind: Ints, sequences: Sequences, apart: Ints | None = None) -> Ints:
    """Return for each sequence the first one with the same rows in the same order, int64 (S,).

    Args:
        kind: Rows with the same number are alike, int64 (N,).
        sequences: Of the table.
        apart: Sequences with different numbers are never alike, int64 (S,).
    """
    kinds = kind[sequences.rows]
    mixed = _mix(kinds.astype(np.uint64) * _MULTIPLIER + sequences.place.astype(np.uint64))
    hashes = np.add.reduceat(mixed, sequences.starts[:-1]) + _mix(sequences.lengths.view(np.uint64))
    if apart is not None:
        hashes += _mix(apart.astype(np.uint64) + np.uint64(1))
    _, leader, number = np.unique(hashes, return_index=True, return_inverse=True)
    first = np.asarray(leader[number], np.int64)
    followers = np.flatnonzero(first != np.arange(len(first)))
    return _confirm(kinds, sequences, first, followers)


def _confirm(kinds: Ints, sequences: Sequences, first: Ints, followers: Ints) -> Ints:
    """Return `first` with each follower alone that only shares a hash by accident."""
    places = replace(sequences, rows=np.arange(len(kinds)))
    same_length = sequences.lengths[followers] == sequences.lengths[first[followers]]
    first[followers[~same_length]] = followers[~same_length]
    followers = followers[same_length]
    if len(followers):
        ours, theirs = places.take(followers), places.take(first[followers])
        differs = kinds[ours.rows] != kinds[theirs.rows]
        wrong = followers[np.logical_or.reduceat(differs, ours.starts[:-1])]
        first[wrong] = wrong
    return first


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return numbers whose bits all depend on all bits of the given, uint64; SplitMix64's."""
    mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
