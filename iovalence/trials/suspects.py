"""Own the check of labels against a quick model: where it looks, what it reports, what it leaves.

It looks at rows of the train file alone; the labels of given files are never used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.atomic import replacing
from iovalence.data.prepared import load_prepared, prepare
from iovalence.data.table import Table
from iovalence.errors import StorageError
from iovalence.quality.checks import CheckedRows, QualityReport
from iovalence.quality.findings import Finding, Severity, list_rows, name_rows, severity_of
from iovalence.quality.labels import encode_labels, list_counts, quote
from iovalence.quality.review_file import MAX_OPEN
from iovalence.quality.section import Action
from iovalence.quality.sequences import not_for_sequences
from iovalence.trials.folds import NUM_FOLDS

if TYPE_CHECKING:
    from iovalence.trials.label_errors import LabelErrors

CHECK = "labels.errors"
NOT_LOOKED = "labels that the other rows contradict were not looked for"
# Fewer rows teach a model too little to contradict anyone.
MIN_ROWS = 50
# What is looked at of a larger table, drawn at random: so many rows, and so many probabilities.
MAX_ROWS, MAX_PROBS = 1_000_000, 20_000_000
# Hard cases alone make up to this share: below it the finding is told, but is no warning.
QUIET_SHARE = 0.03
_STREAM = 0x73757370  # keeps these numbers apart from others drawn with the same seed
_ADVICE = (
    "write keep, drop or a label into the decision column there, and set "
    "quality.labels: {errors: fix, review_file: ...} to that file"
)
_FILE, _COLUMNS = "suspects.arrow", ("index", "suggested", "score")


@dataclass(frozen=True)
class Suspects:
    """Hold the S rows whose label is contradicted, the most doubtful first.

    Attributes:
        report: What was found, and the counts of rows as they were before.
        index: Rows of the table, int64 (S,).
        suggested: The label that the models would give, (S,).
        score: Probability of the label as it is, float32 (S,), in [0, 1].
    """

    report: QualityReport
    index: NDArray[np.int64]
    suggested: pa.Array
    score: NDArray[np.float32]

    def save(self, folder: Path) -> None:
        """Write findings.json and suspects.arrow into `folder`."""
        self.report.save(folder / "findings.json")
        rows = pa.table([self.index, self.suggested, self.score], _COLUMNS)
        path = folder / _FILE
        with replacing(path) as temporary, pa.ipc.new_file(temporary, rows.schema) as writer:
            writer.write_table(rows)

    @classmethod
    def load(cls, folder: Path) -> "Suspects":
        """Read back what `save` wrote.

        Raises:
            StorageError: A file is missing or damaged.
        """
        path = folder / _FILE
        try:
            rows = pa.ipc.open_file(pa.memory_map(str(path))).read_all().combine_chunks()
        except (OSError, pa.ArrowInvalid) as err:
            raise StorageError(f"{path} must be whole and readable, got '{err}'") from err
        index, suggested, score = (column.combine_chunks() for column in rows.columns)
        report = QualityReport.load(folder / "findings.json")
        return cls(report, index.to_numpy(), suggested, score.to_numpy())


@dataclass(frozen=True)
class _Looked:
    """Say which rows are looked at.

    Attributes:
        rows: Rows of the table, ascending, int64 (M,).
        left_out: What is not looked at and why, a text each.
    """

    rows: NDArray[np.int64]
    left_out: tuple[str, ...]


def check_label_errors(
    table: Table, checked: CheckedRows, action: Action, seed: int, scratch: Path
) -> Suspects:
    """Look for rows whose label is contradicted by models that were trained on the others.

    Args:
        table: N rows.
        checked: Which of them stay, with which labels, and what a person has decided.
        action: What happens about them.
        seed: Decides every random choice.
        scratch: An empty folder for the encoded rows.
    """
    if action == "off" or table.schema.task == "regression":
        return _gather(checked, ())
    looked = _choose_rows(table, checked, seed)
    if reason := _lacks(looked, checked):
        return _gather(checked, (_report_nothing(looked, reason),))
    errors, classes = _look(table, checked, looked.rows, seed, scratch)
    # What a person has decided teaches, but is not asked again.
    is_open = errors.is_suspect & (checked.review[looked.rows] == 0)
    order = np.flatnonzero(is_open)[np.argsort(errors.score[is_open], kind="stable")]
    suggested = pa.array(classes, pa.string()).take(pa.array(errors.suggested[order]))
    finding = _report(table, checked, looked, looked.rows[order], suggested, action)
    return _gather(checked, (finding,), looked.rows[order], suggested, errors.score[order])


def skip_label_errors(checked: CheckedRows, action: Action) -> Suspects:
    """Return what is said where rows are sequences, which quick models of rows cannot judge."""
    said = not_for_sequences(CHECK, "labels that the others contradict")
    return _gather(checked, () if action == "off" else (said,))


def _gather(
    checked: CheckedRows,
    findings: tuple[Finding, ...],
    index: Sequence[int] | NDArray[np.int64] = (),
    suggested: pa.Array | None = None,
    score: Sequence[float] | NDArray[np.float32] = (),
) -> Suspects:
    report = QualityReport(findings=findings, counts=checked.report.counts)
    labels = pa.array([], pa.string()) if suggested is None else suggested
    return Suspects(report, np.asarray(index, np.int64), labels, np.asarray(score, np.float32))


def _choose_rows(table: Table, checked: CheckedRows, seed: int) -> _Looked:
    """Choose rows of the train file that weigh something, of classes that all folds can have."""
    rows = np.flatnonzero(checked.keep & (table.source_of_rows() == 0))
    for name in table.schema.names("weight"):
        rows = rows[table.columns[name].to_numpy()[rows] > 0]
    codes, names = encode_labels(checked.target)
    counts = np.bincount(codes[np.unique(checked.first_copy[rows])], minlength=len(names))
    is_small = (counts > 0) & (counts < NUM_FOLDS)
    left_out = []
    if is_small.any():
        rows = rows[~is_small[codes[rows]]]
        listed = list_counts([*map(quote, names)], counts * is_small)
        left_out.append(f"classes of fewer than {NUM_FOLDS} rows: {listed}")
    limit = min(MAX_ROWS, MAX_PROBS // max(1, int((counts > 0).sum())))
    if len(rows) > limit:
        left_out.append(f"all but {limit:,} of the {len(rows):,} rows, drawn at random")
        generator = np.random.default_rng([_STREAM, seed])
        rows = np.sort(generator.choice(rows, limit, replace=False))
    return _Looked(rows, tuple(left_out))


def _lacks(looked: _Looked, checked: CheckedRows) -> str:
    """Return why nothing can be found in these rows; empty where something can."""
    if len(looked.rows) < MIN_ROWS:
        return f"it takes {MIN_ROWS} rows at least, found {len(looked.rows)}"
    labels = checked.target.take(pa.array(looked.rows)).unique()
    return f"it takes two classes, found {quote(labels[0])} alone" if len(labels) < 2 else ""


def _look(
    table: Table, checked: CheckedRows, rows: NDArray[np.int64], seed: int, scratch: Path
) -> "tuple[LabelErrors, tuple[str, ...]]":
    # PyTorch takes a second to import, and a run that finds this done does not need it.
    from iovalence.trials.label_errors import find_label_errors

    is_ours = np.zeros(table.num_rows, dtype=bool)
    is_ours[rows] = True
    part = np.zeros(table.num_rows, np.int8)
    prepare(table, is_ours, checked.target, part, None, scratch)
    prepared = load_prepared(scratch)
    errors = find_label_errors(prepared, checked.first_copy[rows], seed)
    return errors, prepared.preprocessing.classes or ()


def _report_nothing(looked: _Looked, reason: str) -> Finding:
    message = f"{NOT_LOOKED}: {reason}"
    return Finding(
        check=CHECK, severity="info", count=0, share=0.0, message=message + _listed(looked)
    )


def _report(
    table: Table,
    checked: CheckedRows,
    looked: _Looked,
    suspects: NDArray[np.int64],
    suggested: pa.Array,
    action: Action,
) -> Finding:
    count, total, was_reviewed = len(suspects), len(looked.rows), bool((checked.review > 0).any())
    rows = name_rows(table, suspects)
    still = " still" if was_reviewed else ""
    found = f"found {count} of {total} to{still} contradict them"
    pairs = f", errors or hard cases: {_list_pairs(checked, suspects, suggested)}" if count else ""
    return Finding(
        check=CHECK,
        severity=_severity(action, count, total),
        count=count,
        share=count / total,
        message=f"labels must agree with models trained on the other rows, {found}{pairs}"
        + list_rows(rows, count)
        + _listed(looked),
        rows=rows,
        done=f"nothing: {_say_listed(count)}" if count else "",
        advice=_ADVICE if count else "",
    )


def _severity(action: Action, count: int, total: int) -> Severity:
    """Return how grave it is that so many labels are doubtful and not decided."""
    if not count or (action != "fail" and count / total < QUIET_SHARE):
        return "info"
    # What nobody has decided is nothing that `fix` has put right.
    return severity_of("warn" if action == "fix" else action)


def _say_listed(count: int) -> str:
    """Return where a person finds them."""
    most = f"the {MAX_OPEN:,} most doubtful" if count > MAX_OPEN else "them"
    order = "" if count > MAX_OPEN else ", the most doubtful first"
    return f"label_review.csv lists {most}{order}"


def _list_pairs(checked: CheckedRows, suspects: NDArray[np.int64], suggested: pa.Array) -> str:
    """Return the commonest corrections: "'dog' may be 'cat' (9), ..."."""
    given = checked.target.take(pa.array(suspects))
    pairs = pa.table([given, suggested], ["given", "other"]).group_by(["given", "other"])
    found = sorted(
        pairs.aggregate([([], "count_all")]).to_pylist(), key=lambda one: tuple(one.values())
    )
    texts = [f"{quote(one['given'])} may be {quote(one['other'])}" for one in found]
    return list_counts(texts, np.array([one["count_all"] for one in found], np.int64))


def _listed(looked: _Looked) -> str:
    return f"; not looked at: {'; '.join(looked.left_out)}" if looked.left_out else ""
