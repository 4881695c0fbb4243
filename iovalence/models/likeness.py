"""Own which rows are unlike those that a model was trained on, and so which predictions to doubt.

What the model says of a row plays no part in it. Each number of a row is compared with what the
row's other numbers let expect (a linear regression on them, among the features as the network
takes them), and the difference with those of the train rows. It is rare where few train rows have
one as far out; beyond all of them the tail is taken for exponential. A missing value, a category
without a place of its own, and more missing values than any train row has are as rare as the train
rows say. A row is as unlike as its rarest cell, and unlike from where all but a small share of the
validation rows lie below.

Source: differences from a regression on all others are the rows of the inverse covariance matrix
(Whittaker 1990, Graphical Models in Applied Multivariate Statistics, section 5.8); exponential
tails by their mean excess as in McNeil, Frey and Embrechts 2005, Quantitative Risk Management,
section 7.2; the share of unseen kinds by Good 1953, The Population Frequencies of Species.
"""

import math
from collections.abc import Iterator
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.data.encodings import (
    DatetimeEncoding,
    EmbeddedEncoding,
    Encoding,
    NumericEncoding,
    OneHotEncoding,
)
from iovalence.data.preprocessing import Encoded, Preprocessing
from iovalence.record import Record

SHARE = 0.01
MAX_ROWS = 100_000
MAX_NUMBERS = 256
# Added to each variance: columns that follow from each other exactly have no inverse.
_RIDGE = 0.01
# The mean excess is that of this share of the train rows, of so many at least.
_END, _MIN_END = 0.01, 5
# A tail is no thinner than this share of the standard deviation.
_MIN_SPREAD = 0.02
# Fewer rows have too few in their last hundredth: its edge is taken from their last fifth.
_FEW_ROWS, _FEW_TAIL = 2000, 0.2

CalibratedOn = Literal["validation", "train"]
Floats = NDArray[np.float64]


class Likeness(Record):
    """Say which rows are like those trained on.

    Attributes:
        share: Share of rows like the validation rows that are flagged, in (0, 1).
        calibrated_on: The part that the limit was taken from.
        num_rows: Its rows that were looked at.
        limit: Rarity above which a cell is unlike, in times e rarer than one in one.
        numbers: Which features are compared, by position; of more than 256, the most varied.
        centre: Their means, (F,).
        weights: Matrix (F, F) that turns features into differences from what is expected.
        low: Smallest difference of each that is still like the train rows, (F,).
        high: Largest.
        never_missing: Columns whose value is so rarely missing that a row without is unlike.
        closed: Columns whose categories are so rarely new that a row with a new one is unlike.
        most_missing: Most missing values of a train row.
    """

    share: float
    calibrated_on: CalibratedOn
    num_rows: int
    limit: float
    numbers: tuple[int, ...]
    centre: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    never_missing: tuple[str, ...]
    closed: tuple[str, ...]
    most_missing: int

    def flag(
        self, rows: pa.Table, encoded: Encoded, preprocessing: Preprocessing
    ) -> NDArray[np.bool_]:
        """Return which rows are unlike those trained on, bool (N,).

        Args:
            rows: N rows, typed as `Table.columns`.
            encoded: The same rows as the network takes them.
            preprocessing: How they were encoded.
        """
        flags: NDArray[np.bool_] = self._flag_numbers(encoded)
        missing = np.zeros(rows.num_rows, np.int64)
        for encoding in preprocessing.columns:
            cells = rows[encoding.column]
            if cells.null_count:
                is_null = _dense(pc.is_null(cells))
                missing += is_null
                if encoding.column in self.never_missing:
                    flags[is_null] = True
            if encoding.column in self.closed:
                flags[find_unseen(encoding, cells)] = True
        flags[missing > self.most_missing] = True
        return flags

    def _flag_numbers(self, encoded: Encoded) -> NDArray[np.bool_]:
        if not self.numbers:
            return np.zeros(len(encoded.features), np.bool_)
        weights = np.array(self.weights, np.float32)
        away = _take(encoded, self.numbers) @ weights
        # The centre, taken away once and not from every row.
        shift = np.array(self.centre, np.float32) @ weights
        low, high = (np.array(ends, np.float32) + shift for ends in (self.low, self.high))
        outside = np.logical_or(away < low, away > high)
        return np.asarray(outside.any(axis=1), np.bool_)


def find_unseen(encoding: Encoding, cells: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return which cells of a column hold a category without a place of its own, bool (N,)."""
    if not isinstance(encoding, OneHotEncoding | EmbeddedEncoding):
        return np.zeros(len(cells), np.bool_)
    known = pc.is_in(cells, value_set=pa.array([*encoding.values, None], pa.string()))
    return ~_dense(known)


def _dense(flags: pa.ChunkedArray) -> NDArray[np.bool_]:
    dense: NDArray[np.bool_] = flags.to_numpy()
    return dense


def _take(encoded: Encoded, numbers: tuple[int, ...]) -> NDArray[np.float32]:
    is_all = len(numbers) == encoded.features.shape[1]
    return encoded.features if is_all else encoded.features[:, list(numbers)]


def fit_likeness(
    preprocessing: Preprocessing,
    train: pa.Table,
    judged: pa.Table,
    calibrated_on: CalibratedOn,
    share: float = SHARE,
) -> Likeness:
    """Fit to the train rows, and set the limit by other rows.

    Args:
        preprocessing: How rows become numbers.
        train: Train rows, typed as `Table.columns`, one at least; 100,000 tell enough.
        judged: Validation rows, or the train rows where there are none.
        calibrated_on: Which of the two.
        share: Share of them above the limit.
    """
    encoded = preprocessing.transform(train)
    numbers = _find_numbers(preprocessing, encoded)
    features = _take(encoded, numbers).astype(np.float64)
    centre, weights = _expect(features)
    tails = [_Tail(column) for column in ((features - centre) @ weights).T]
    away = (_take(preprocessing.transform(judged), numbers) - centre) @ weights
    cells = _CellRarity(preprocessing, train)
    rarity = cells.measure(judged)
    for tail, column in zip(tails, away.T, strict=True):
        np.maximum(rarity, tail.rarity(column), out=rarity)
    limit = _find_edge(rarity, share)
    ends = [tail.ends(limit) for tail in tails]
    return Likeness(
        share=share,
        calibrated_on=calibrated_on,
        num_rows=judged.num_rows,
        limit=limit,
        numbers=numbers,
        centre=tuple(map(_rounded, centre)),
        weights=tuple(tuple(map(_rounded, line)) for line in weights),
        low=tuple(low for low, _ in ends),
        high=tuple(high for _, high in ends),
        never_missing=tuple(name for name, rare in cells.missing.items() if rare > limit),
        closed=tuple(name for name, rare in cells.unseen.items() if rare > limit),
        most_missing=cells.most_missing,
    )


def _find_numbers(preprocessing: Preprocessing, encoded: Encoded) -> tuple[int, ...]:
    """Return where the features lie that hold numbers and times."""
    wanted = {e.column for e in preprocessing.columns if isinstance(e, NumericEncoding)}
    times = (e.column for e in preprocessing.columns if isinstance(e, DatetimeEncoding))
    wanted |= {f"{name} elapsed" for name in times}
    found = [i for i, name in enumerate(preprocessing.feature_names) if name in wanted]
    spread = encoded.features[:, found].var(axis=0)
    return tuple(sorted(found[i] for i in np.argsort(-spread, kind="stable")[:MAX_NUMBERS]))


def _expect(features: Floats) -> tuple[Floats, Floats]:
    """Return the means (F,) and the matrix (F, F) of differences, of features (N, F)."""
    centre = features.mean(axis=0) if features.shape[1] else np.zeros(0)
    centred = features - centre
    covariance = centred.T @ centred / max(len(features) - 1, 1)
    inverse = np.linalg.inv(covariance + _RIDGE * np.eye(len(centre)))
    return centre, inverse / np.diag(inverse)


class _Tail:
    """Say how rare a difference is among those of the train rows, and which is so rare.

    Args:
        values: Differences of the train rows, float64 (N,).
    """

    def __init__(self, values: Floats) -> None:
        self._values = np.sort(values)
        num_end = min(max(_MIN_END, int(len(values) * _END)), len(values))
        least = max(float(values.std()) * _MIN_SPREAD, 1e-6)
        low, high = self._values[:num_end], self._values[-num_end:]
        self._below = max(float((low[-1] - low).mean()), least)
        self._above = max(float((high - high[0]).mean()), least)

    def rarity(self, values: Floats) -> Floats:
        """Return how rare each value is, float64 (N,), by the rarer of its two sides."""
        size, known = len(self._values), self._values
        above = (size - np.searchsorted(known, values, "left") + 0.5) / (size + 1)
        below = (np.searchsorted(known, values, "right") + 0.5) / (size + 1)
        beyond = np.maximum(values - known[-1], 0) / self._above
        beyond += np.maximum(known[0] - values, 0) / self._below
        rarity: Floats = beyond - np.log(np.minimum(above, below))
        return rarity

    def ends(self, limit: float) -> tuple[float, float]:
        """Return the smallest and the largest value of this rarity."""
        size = len(self._values)
        # How many values are as far out; half a one is the farthest of all.
        count = math.exp(-limit) * (size + 1) - 0.5
        if count > 0:
            at = min(math.ceil(count), size) - 1
            return _rounded(self._values[at]), _rounded(self._values[size - 1 - at])
        more = limit - math.log((size + 1) / 0.5)
        low, high = self._values[0] - more * self._below, self._values[-1] + more * self._above
        return _rounded(low), _rounded(high)


class _CellRarity:
    """Say how rare a missing value and a new category are, by the train rows.

    Args:
        preprocessing: How rows become numbers.
        train: Train rows, (N,).
    """

    def __init__(self, preprocessing: Preprocessing, train: pa.Table) -> None:
        self._encodings = preprocessing.columns
        self.missing = {
            e.column: _rarity_of(train[e.column].null_count, train.num_rows)
            for e in self._encodings
        }
        self.unseen = dict(self._count_alone(train))
        self._never = _rarity_of(0, train.num_rows)
        self.most_missing = int(self._count_missing(train).max(initial=0))

    def _count_alone(self, train: pa.Table) -> Iterator[tuple[str, float]]:
        """Yield for each column of categories how rare those without a place of their own are."""
        for encoding in self._encodings:
            if isinstance(encoding, OneHotEncoding | EmbeddedEncoding):
                num_alone = int(find_unseen(encoding, train[encoding.column]).sum())
                yield encoding.column, _rarity_of(num_alone, train.num_rows)

    def _count_missing(self, rows: pa.Table) -> NDArray[np.int64]:
        counts = np.zeros(rows.num_rows, np.int64)
        for encoding in self._encodings:
            counts += _dense(pc.is_null(rows[encoding.column]))
        return counts

    def measure(self, rows: pa.Table) -> Floats:
        """Return how rare the rarest cell of each row is, float64 (N,)."""
        rarity = np.where(self._count_missing(rows) > self.most_missing, self._never, 0.0)
        for encoding in self._encodings:
            cells = rows[encoding.column]
            is_null = _dense(pc.is_null(cells))
            rarity = np.maximum(rarity, np.where(is_null, self.missing[encoding.column], 0))
            if encoding.column in self.unseen:
                is_new = find_unseen(encoding, cells)
                rarity = np.maximum(rarity, np.where(is_new, self.unseen[encoding.column], 0))
        return rarity


def _rarity_of(count: int, num_rows: int) -> float:
    """Return how rare something is that so many rows have; what none has is rarer than one in N."""
    share = count / num_rows if count else 0.05 / max(num_rows, 1)
    return _rounded(-math.log(share))


def _find_edge(scores: Floats, share: float) -> float:
    """Return what all but this share of rows like these stay below, of scores (N,) >= 0."""
    if not len(scores):
        return 0.0
    if len(scores) >= _FEW_ROWS:
        return _rounded(np.quantile(scores, 1 - share, method="higher"))
    start = np.quantile(scores, 1 - _FEW_TAIL)
    beyond = scores[scores > start] - start
    spread = float(beyond.mean()) if len(beyond) else 0.0
    return _rounded(start + spread * math.log(_FEW_TAIL / share))


def _rounded(value: float) -> float:
    """Return a number to nine digits: what differs further down is the machine's doing."""
    return float(f"{value:.9g}")
