"""Own models of one column: how much of the target a column leaves open, all by itself.

*Open* is 1 where a column says nothing and 0 where it says all: for classes the mean error of the
classes as a share of that of guessing, for numbers 1 - R2. It is judged on at most `MAX_ROWS` rows,
so many of each class, so that the cost grows with the columns alone.

Shapes: M rows, K classes, V values of a column.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.table import Table
from iovalence.quality.intervals import guess_by_intervals, mean_of_bins

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MAX_ROWS = 10_000
MAX_CLASSES = 30
MIN_CLASS_ROWS = 5
MIN_RECODED = 0.75
_MANY_ROWS = 20  # of a class, for its share to be judged by itself
_MAX_OTHER_VALUES = 50
_MIN_KNOWN = 0.5  # of the values of a column, for the others to be judged
_MAX_TOGETHER = 50  # columns, the best ones, that are looked at together
_BINS, _MIN_BIN, _TREES = 32, 5, 30
_SMOOTHING = 1.0


@dataclass(frozen=True)
class Sample:
    """Hold the target of M rows, and where they are in the table.

    Attributes:
        rows: Indices into the table, int64 (M,).
        target: Class of each from 0, int64 (M,), or its value, float64 (M,).
        num_classes: K, or 0 for numbers.
    """

    rows: Ints
    target: Ints | Floats
    num_classes: int

    @property
    def halves(self) -> Ints:
        """Return the half of each row, 0 or 1 in turn within its class, int64 (M,)."""
        place = np.arange(len(self.rows))
        if not self.num_classes:
            return place % 2
        order = np.argsort(self.target, kind="stable")
        place[order] = np.arange(len(order))
        return place % 2


def sample_rows(rows: Ints, target: Ints | Floats) -> Sample:
    """Return a sample of rows, evenly spread: so many of each of the `MAX_CLASSES` commonest.

    Args:
        rows: Indices into the table, int64 (N,).
        target: Class of each, int64 (N,), or its value, float64 (N,).
    """
    if target.dtype.kind == "f":
        chosen = _spread(len(rows), MAX_ROWS)
        return Sample(rows[chosen], target[chosen], 0)
    counts = np.bincount(target)
    commonest = np.sort(np.argsort(-counts, kind="stable")[:MAX_CLASSES])
    classes = commonest[counts[commonest] >= MIN_CLASS_ROWS]
    most = MAX_ROWS // max(1, len(classes))
    of_class = [np.flatnonzero(target == label) for label in classes]
    picked = [members[_spread(len(members), most)] for members in of_class]
    chosen = np.sort(np.concatenate(picked)) if picked else np.empty(0, np.int64)
    labels = np.searchsorted(classes, target[chosen])
    return Sample(rows[chosen], labels, len(classes))


def _spread(num: int, most: int) -> Ints:
    return np.unique(np.linspace(0, num - 1, min(num, most)).astype(np.int64))


def read_column(table: Table, name: str, rows: Ints) -> Floats | Ints:
    """Return numbers, NaN where missing, float64 (M,), or codes of categories, int64 (M,)."""
    values = table.columns[name].take(pa.array(rows))
    kind = table.schema.column(name).kind
    if kind == "numeric":
        return np.asarray(values.to_numpy(), dtype=np.float64)
    if kind == "datetime":
        return np.asarray(values.cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy())
    codes = values.dictionary_encode().combine_chunks().indices.fill_null(-1)
    return np.asarray(codes.to_numpy(zero_copy_only=False), dtype=np.int64)


def compute_open(values: Floats | Ints, sample: Sample) -> float:
    """Return how much of the target a column leaves open, in [0, 1].

    Numbers are cut into as many intervals as there are classes, which cannot fit noise. Categories,
    and the values to predict of numbers, are learned on one half of the rows and judged on the
    other, in turn.
    """
    if values.dtype.kind == "f":
        return _open_of_numbers(np.asarray(values, dtype=np.float64), sample)
    return _open_of_categories(np.asarray(values, dtype=np.int64), sample)


def _open_of_numbers(values: Floats, sample: Sample) -> float:
    if sample.num_classes:
        return _class_error(_guess_intervals(values, sample), sample)
    return min(1 - _rank_correlation(values, sample.target) ** 2, _bin_error(values, sample))


def _open_of_categories(values: Ints, sample: Sample) -> float:
    if sample.num_classes:
        return _class_error(_guess_values(values, sample), sample)
    return _value_error(sample.target, _mean_of_values(values, sample))


def recodes(values: Floats | Ints, sample: Sample) -> float:
    """Return how far a column is the label under other names, in [0, 1].

    That is, where each class has a commonest value of its own, in `MIN_RECODED` of its rows at
    least unless they are few, the mean share of the classes' rows that have it; else 0.
    """
    known = ~np.isnan(values) if values.dtype.kind == "f" else values >= 0
    distinct, codes = np.unique(values[known], return_inverse=True)
    few = sample.num_classes <= len(distinct) <= sample.num_classes + _MAX_OTHER_VALUES
    if not few or known.mean() < _MIN_KNOWN:
        return 0.0
    table = np.zeros((sample.num_classes, len(distinct)))
    np.add.at(table, (sample.target[known].astype(np.int64), codes), 1)
    num_rows = table.sum(axis=1)
    shares = table.max(axis=1) / np.maximum(num_rows, 1)
    low = shares[num_rows >= _MANY_ROWS].min(initial=1.0) < MIN_RECODED
    if low or len(np.unique(table.argmax(axis=1))) < sample.num_classes:
        return 0.0
    return float(shares.mean())


def compute_open_together(columns: dict[str, Floats | Ints], sample: Sample) -> float:
    """Return how much of the target several columns leave open together, in [0, 1].

    Args:
        columns: Values of each, (M,), the best first; only so many are looked at.
        sample: The rows; a forest learns on one
            half and is judged on the other, in turn.
    """
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    matrix = np.column_stack([_as_number(v) for v in list(columns.values())[:_MAX_TOGETHER]])
    guesses = np.zeros(len(sample.rows))
    for half in (0, 1):
        inside = sample.halves == half
        model = (
            ExtraTreesClassifier(_TREES, class_weight="balanced", random_state=0)
            if sample.num_classes
            else ExtraTreesRegressor(_TREES, random_state=0)
        )
        model.fit(matrix[~inside], sample.target[~inside])
        guesses[inside] = model.predict(matrix[inside])
    if sample.num_classes:
        return _class_error(guesses.astype(np.int64), sample)
    return _value_error(sample.target, guesses)


def _as_number(values: Floats | Ints) -> Floats:
    if values.dtype.kind == "f":
        return _filled(np.asarray(values, dtype=np.float64))
    # By how often each occurs: trees split numbers, and that order says more than that of names.
    counts = np.bincount(values + 1)
    rank = np.argsort(np.argsort(-counts, kind="stable"), kind="stable")
    return np.asarray(rank[values + 1], dtype=np.float64)


def _class_error(guess: Ints, sample: Sample) -> float:
    counts = np.bincount(sample.target.astype(np.int64), minlength=sample.num_classes)
    right = np.bincount(
        sample.target[guess == sample.target].astype(np.int64), minlength=sample.num_classes
    )
    error = 1 - float((right / counts).mean())
    return min(1.0, error / (1 - 1 / sample.num_classes))


def _value_error(target: Floats | Ints, guess: Floats) -> float:
    total = float(((target - target.mean()) ** 2).sum())
    return min(1.0, float(((target - guess) ** 2).sum()) / total) if total > 0 else 1.0


def _filled(values: Floats) -> Floats:
    """Return the values with an own place, below all others, for what is missing."""
    missing = np.isnan(values)
    if not missing.any():
        return values
    known = values[~missing]
    low = float(known.min()) if len(known) else 0.0
    return np.where(missing, low - 1.0 - abs(low), values)


def _guess_intervals(values: Floats, sample: Sample) -> Ints:
    num_intervals = sample.num_classes + int(np.isnan(values).any())
    return guess_by_intervals(_filled(values), sample.target.astype(np.int64), num_intervals)


def _guess_values(values: Ints, sample: Sample) -> Ints:
    """Return the class of each row by its value, learned on the other half, int64 (M,)."""
    num_values = int(values.max()) + 2
    guess = np.zeros(len(values), dtype=np.int64)
    labels = sample.target.astype(np.int64)
    for half in (0, 1):
        inside = sample.halves == half
        table = np.zeros((num_values, sample.num_classes))
        np.add.at(table, (values[~inside] + 1, labels[~inside]), 1)
        likelihood = (table + _SMOOTHING) / (table.sum(axis=0) + _SMOOTHING * num_values)
        guess[inside] = likelihood.argmax(axis=1)[values[inside] + 1]
    return guess


def _mean_of_values(values: Ints, sample: Sample) -> Floats:
    """Return the mean target of each row's value in the other half, float64 (M,)."""
    guess = np.zeros(len(values))
    for half in (0, 1):
        inside = sample.halves == half
        codes, target = values[~inside] + 1, sample.target[~inside]
        num_values, mean = int(values.max()) + 2, float(target.mean())
        counts = np.bincount(codes, minlength=num_values)
        sums = np.bincount(codes, weights=target, minlength=num_values)
        means = (sums + _SMOOTHING * mean) / (counts + _SMOOTHING)
        guess[inside] = means[values[inside] + 1]
    return guess


def _bin_error(values: Floats, sample: Sample) -> float:
    column, guess = _filled(values), np.zeros(len(values))
    for half in (0, 1):
        inside = sample.halves == half
        num_bins = max(1, min(_BINS, int((~inside).sum()) // _MIN_BIN))
        target = sample.target[~inside].astype(np.float64)
        guess[inside] = mean_of_bins(column[~inside], target, column[inside], num_bins)
    return _value_error(sample.target, guess)


def _rank(values: Floats | Ints) -> Floats:
    """Return the mean rank of each value, from 1."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse], dtype=np.float64)


def _rank_correlation(values: Floats, target: Floats | Ints) -> float:
    """Return Spearman's correlation over the rows where the value is known, in [-1, 1]."""
    known = ~np.isnan(values)
    if known.mean() < _MIN_KNOWN:
        return 0.0
    one, other = _rank(values[known]), _rank(target[known])
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / scale if scale > 0 else 0.0
