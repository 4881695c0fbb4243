"""Own which rows are unlike those that a model was trained on, and so which predictions to doubt.

A row is unlike when one of its cells is rarer, or all of it lies further from the train rows, than
all but a small share of the validation rows. What the model says of a row plays no part in it.

A cell's rarity is how many times e it is rarer than 1 in 20: by the tail of its column beyond the
5th and 95th percentile, which is taken for exponential and reaches beyond all that was seen; by
the share of missing values; by how often a category was the only one of its kind. A row's distance
is that of Mahalanobis, among its features as the network takes them.

Source: exponential tails by their mean excess as in McNeil, Frey and Embrechts 2005, Quantitative
Risk Management, section 7.2; the share of unseen kinds by Good 1953, The Population Frequencies of
Species; Mahalanobis 1936, On the Generalised Distance in Statistics.
"""

import math
from typing import Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.data.encodings import EmbeddedEncoding, Encoding, OneHotEncoding
from iovalence.data.preprocessing import Encoded, Preprocessing
from iovalence.record import Record

SHARE = 0.01
MAX_ROWS = 100_000
MAX_FEATURES = 128
_TAIL = 0.05
# Added to each variance: what is the same in all rows but a few would outweigh all else.
_RIDGE = 0.01
# A tail is no thinner than this share of the column's standard deviation.
_MIN_SPREAD = 0.05
# Fewer rows have too few in their last hundredth: its edge is taken from their last fifth.
_FEW_ROWS, _FEW_TAIL = 2000, 0.2
_EULER = 0.577

CalibratedOn = Literal["validation", "train"]
Floats = NDArray[np.float64]


class CellRarity(Record):
    """Say how rare a cell of one column is, in times e rarer than 1 in 20.

    Attributes:
        column: Its name.
        low: 5th percentile of the train rows; None where the column holds no numbers or times.
        low_spread: Mean distance of what lies below it.
        high: 95th percentile.
        high_spread: Mean distance of what lies above it.
        missing: Rarity of a missing value.
        unseen: Rarity of a category that has no place of its own.
        values: Categories with a place of their own; None where the column holds none.
    """

    column: str
    low: float | None = None
    low_spread: float = 1.0
    high: float | None = None
    high_spread: float = 1.0
    missing: float
    unseen: float = 0.0
    values: tuple[str, ...] | None = None

    @classmethod
    def fit(cls, encoding: Encoding, cells: pa.ChunkedArray) -> Self:
        """Fit to the cells of one column in the train rows, (N,)."""
        found = cls(column=encoding.column, missing=_rarity_of(cells.null_count, len(cells)))
        known = cells.drop_null()
        if isinstance(encoding, OneHotEncoding | EmbeddedEncoding):
            counts = pc.value_counts(known).field(1).to_numpy()
            alone = int((counts == 1).sum())
            changes = {"unseen": _rarity_of(alone, len(known)), "values": encoding.values}
            return found.model_copy(update=changes)
        if encoding.kind == "boolean" or not len(known):
            return found
        return found.model_copy(update=_fit_tails(_numbers(known.combine_chunks())))

    def measure(self, cells: pa.Array) -> Floats:
        """Return the rarity of each cell, float64 (N,) >= 0."""
        if self.low is not None and self.high is not None:
            numbers = _numbers(cells)
            above = (numbers - self.high) / self.high_spread
            below = (self.low - numbers) / self.low_spread
            rarity = np.fmax(np.fmax(above, below), 0.0)
        elif self.values is not None:
            known = pc.is_in(cells, value_set=pa.array(self.values, pa.string()))
            rarity = np.where(known.to_numpy(zero_copy_only=False), 0.0, self.unseen)
        else:
            rarity = np.zeros(len(cells))
        if cells.null_count:
            rarity[pc.is_null(cells).to_numpy(zero_copy_only=False)] = self.missing
        return rarity


def _rarity_of(count: int, num_rows: int) -> float:
    """Return how much rarer than 1 in 20 something is that so many of the rows have."""
    share = (count + 0.5) / (num_rows + 1)
    return _rounded(max(0.0, math.log(_TAIL / share)))


def _numbers(cells: pa.Array) -> Floats:
    """Return numbers or times as float64, (N,), NaN where missing."""
    if pa.types.is_timestamp(cells.type):
        cells = pc.cast(cells.cast(pa.int64()), pa.float64(), safe=False)
    numbers: Floats = cells.to_numpy(zero_copy_only=False)
    return numbers


def _fit_tails(numbers: Floats) -> dict[str, float]:
    with np.errstate(over="ignore"):
        low, high = np.quantile(numbers, (_TAIL, 1 - _TAIL))
        spread = min(float(np.std(numbers)), np.finfo(np.float64).max) * _MIN_SPREAD or 1.0
    return {
        "low": float(low),
        "low_spread": _fit_spread(low - numbers[numbers < low], spread, len(numbers)),
        "high": float(high),
        "high_spread": _fit_spread(numbers[numbers > high] - high, spread, len(numbers)),
    }


def _fit_spread(beyond: Floats, least: float, num_rows: int) -> float:
    """Return the scale of a tail; one that is heavier than exponential is taken by its end."""
    if not len(beyond):
        return least
    # The largest of n exponential values is on average so many times their mean.
    expected = math.log(max(_TAIL * num_rows, 1.0)) + _EULER
    return _rounded(max(float(beyond.mean()), float(beyond.max()) / expected, least))


def _rounded(value: float) -> float:
    """Return a number to nine digits: what differs further down is the machine's doing."""
    return float(f"{value:.9g}")


class Likeness(Record):
    """Say which rows are like those trained on.

    Attributes:
        share: Share of rows like the validation rows that are flagged, in (0, 1).
        calibrated_on: The part that the limit was taken from.
        num_rows: Its rows that were looked at.
        cells: Each feature column's rarity.
        rarity_scale: Rarest cell that all but this share of rows have.
        features: Which features the distance is of, by position.
        centre: Their means, (F,).
        whitening: Matrix (F, F) that makes them uncorrelated with variance 1, row by row.
        distance_scale: Distance that all but this share of rows have.
        limit: Rows whose rarity or distance, divided by its scale, is above it are unlike.
    """

    share: float
    calibrated_on: CalibratedOn
    num_rows: int
    cells: tuple[CellRarity, ...]
    rarity_scale: float = 1.0
    features: tuple[int, ...]
    centre: tuple[float, ...]
    whitening: tuple[tuple[float, ...], ...]
    distance_scale: float = 1.0
    limit: float = 1.0

    @classmethod
    def fit(
        cls,
        preprocessing: Preprocessing,
        train: pa.Table,
        judged: pa.Table,
        calibrated_on: CalibratedOn,
        share: float = SHARE,
    ) -> Self:
        """Fit to the train rows, and set the limit by other rows.

        Args:
            preprocessing: How rows become numbers.
            train: Train rows, typed as `Table.columns`; 100,000 tell enough.
            judged: Validation rows, or the train rows where there are none.
            calibrated_on: Which of the two.
            share: Share of them above the limit.
        """
        features = preprocessing.transform(train).features.astype(np.float64)
        taken = np.sort(np.argsort(-features.var(axis=0), kind="stable")[:MAX_FEATURES])
        centre, whitening = _whiten(features[:, taken])
        rough = cls(
            share=share,
            calibrated_on=calibrated_on,
            num_rows=judged.num_rows,
            cells=tuple(
                CellRarity.fit(encoding, train[encoding.column])
                for encoding in preprocessing.columns
            ),
            features=tuple(taken.tolist()),
            centre=tuple(map(_rounded, centre)),
            whitening=tuple(tuple(map(_rounded, line)) for line in whitening),
        )
        return rough._calibrate(judged, preprocessing.transform(judged))

    def _calibrate(self, judged: pa.Table, encoded: Encoded) -> Self:
        rarity, distance = self.measure(judged, encoded)
        scales = {
            "rarity_scale": _find_edge(rarity, self.share) or 1.0,
            "distance_scale": _find_edge(distance, self.share) or 1.0,
        }
        scaled = self.model_copy(update=scales)
        return scaled.model_copy(
            update={"limit": _find_edge(scaled._join(rarity, distance), self.share)}
        )

    def measure(self, rows: pa.Table, encoded: Encoded) -> tuple[Floats, Floats]:
        """Return each row's rarest cell and its distance, both float64 (N,) >= 0.

        Args:
            rows: N rows, typed as `Table.columns`.
            encoded: The same rows as the network takes them.
        """
        rarest = np.zeros(rows.num_rows)
        for cells in self.cells:
            column = rows[cells.column].combine_chunks()
            np.maximum(rarest, cells.measure(column), out=rarest)
        if not self.features:
            return rarest, np.zeros(rows.num_rows)
        every = len(self.features) == encoded.features.shape[1]
        taken = encoded.features if every else encoded.features[:, list(self.features)]
        white = (taken - np.array(self.centre, np.float32)) @ self._matrix()
        return rarest, np.sqrt(np.einsum("nf,nf->n", white, white)).astype(np.float64)

    def _matrix(self) -> NDArray[np.float32]:
        return np.array(self.whitening, np.float32).reshape(len(self.features), -1)

    def _join(self, rarity: Floats, distance: Floats) -> Floats:
        joined: Floats = np.maximum(rarity / self.rarity_scale, distance / self.distance_scale)
        return joined

    def flag(self, rows: pa.Table, encoded: Encoded) -> NDArray[np.bool_]:
        """Return which rows are unlike those trained on, bool (N,); see `measure`."""
        flags: NDArray[np.bool_] = self._join(*self.measure(rows, encoded)) > self.limit
        return flags


def _whiten(features: Floats) -> tuple[Floats, Floats]:
    """Return centre (F,) and whitening matrix (F, F) of features (N, F)."""
    if not features.shape[1]:
        return np.zeros(0), np.zeros((0, 0))
    centre = features.mean(axis=0)
    centred = features - centre
    covariance = centred.T @ centred / max(len(features) - 1, 1)
    variances, directions = np.linalg.eigh(covariance)
    return centre, directions / np.sqrt(np.maximum(variances, 0) + _RIDGE)


def _find_edge(scores: Floats, share: float) -> float:
    """Return what all but this share of rows like these stay below, of scores (N,) >= 0."""
    if not len(scores):
        return 0.0
    if len(scores) >= _FEW_ROWS:
        return _rounded(float(np.quantile(scores, 1 - share, method="higher")))
    start = float(np.quantile(scores, 1 - _FEW_TAIL))
    beyond = scores[scores > start] - start
    spread = float(beyond.mean()) if len(beyond) else 0.0
    return _rounded(start + spread * math.log(_FEW_TAIL / share))
