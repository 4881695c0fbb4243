"""Own the other baseline: gradient boosting, so that people learn when a network is the wrong tool.

It takes the columns as they are: categories as categories, missing values as missing ones. Of a
sequence it takes those of the last row, and the means of its encoded features.

Shapes: N rows, C feature columns, F encoded features, K classes; M rows or sequences in all.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.data.encodings import EmbeddedEncoding, Encoding, OneHotEncoding
from iovalence.data.prepared import Prepared
from iovalence.data.table import Table
from iovalence.models.predictions import Predictions, concatenate
from iovalence.training.fit import TRAIN
from iovalence.training.randomness import derived_seed

MAX_ROUNDS = 100
# Rows, times columns, times trees of a round: some ten seconds of one core.
MAX_VALUES = 20_000_000
MAX_TREES = 2_000
# scikit-learn's boosting tells so many values of a column apart, one of them for missing ones.
MAX_CATEGORIES = 254
BLOCK_ROWS = 1 << 16
LARGEST = 1e300
_MICROSECOND = 1e-6

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Boosting:
    """Hold fitted gradient boosting.

    Attributes:
        estimator: scikit-learn's.
        table: Where rows are read from.
        prepared: Which rows these are, by their positions.
        categories: For each column of categories, the values told apart.
        blank: Which columns had no value in the rows it was fitted to, bool (C,).
        num_rows: How many rows of the train part it was fitted to.
        num_rounds: Most rounds it was allowed.
        means: Of the encoded features of each sequence, float32 (M, F); None without sequences.
    """

    estimator: Any
    table: Table
    prepared: Prepared
    categories: dict[str, tuple[str, ...]]
    blank: NDArray[np.bool_]
    num_rows: int
    num_rounds: int
    means: NDArray[np.float32] | None = None

    def predict(self, rows: Rows) -> Predictions:
        """Return what it says of rows, by their positions in `prepared`, int64 (N,), N > 0."""
        blocks = [rows[at : at + BLOCK_ROWS] for at in range(0, len(rows), BLOCK_ROWS)]
        return concatenate([self._predict_block(block) for block in blocks])

    def _predict_block(self, rows: Rows) -> Predictions:
        from threadpoolctl import threadpool_limits

        classes = self.prepared.preprocessing.classes
        columns = read_columns(self.table, self.prepared, rows, self.categories)
        features = _join(columns, self.means, rows)
        features[:, self.blank] = 0
        with threadpool_limits(1):
            if classes is None:
                return Predictions(None, self.estimator.predict(features), None)
            return Predictions(self.estimator.predict_proba(features), None, classes)

    def notes(self) -> list[str]:
        """Return a line for each thing that was cut short to bound its time."""
        num_train = int((self.prepared.part == TRAIN).sum())
        lines = []
        if self.num_rows < num_train:
            sample = f"{self.num_rows:,} of the {num_train:,} train rows"
            lines.append(f"gradient boosting was fitted to {sample}")
        if self.num_rounds < MAX_ROUNDS:
            lines.append(f"gradient boosting was given {self.num_rounds} rounds, for many classes")
        return lines


def fit_boosting(
    table: Table, prepared: Prepared, seed: int, means: NDArray[np.float32] | None = None
) -> Boosting:
    """Fit gradient boosting to the train part, with scikit-learn's own settings.

    It is fitted to a sample of the rows, and in fewer rounds, where it would else take long.

    Source: LightGBM, Ke et al. 2017, as scikit-learn's HistGradientBoosting.

    Args:
        table: All rows, as they were read.
        prepared: Those that were kept, and their parts.
        seed: Decides its random choices.
        means: Of the encoded features of each sequence, float32 (M, F); None without sequences.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    classes = prepared.preprocessing.classes
    num_trees = len(classes) if classes is not None and len(classes) > 2 else 1
    num_means = 0 if means is None else means.shape[1]
    rows = _sample(prepared, num_trees, num_means)
    categories = _find_categories(table, prepared, rows)
    kind = HistGradientBoostingRegressor if classes is None else HistGradientBoostingClassifier
    target = prepared.y_true(rows)
    num_rounds = max(1, min(MAX_ROUNDS, MAX_TREES // num_trees))
    estimator = kind(
        max_iter=num_rounds,
        categorical_features=[e.column in categories for e in prepared.preprocessing.columns]
        + [False] * num_means,
        early_stopping="auto" if classes is None or _can_hold_out(target, num_trees) else False,
        random_state=derived_seed(seed, "boosting") % 2**32,
    )
    weight = None if prepared.weight is None else prepared.weight[rows].astype(np.float64)
    features = _join(read_columns(table, prepared, rows, categories), means, rows)
    # scikit-learn fails on a column without any value; one that is the same throughout is no harm.
    blank = np.asarray(np.isnan(features).all(axis=0))
    features[:, blank] = 0
    # Its threads wait for each other in a loop: two on a busy machine are forty times slower.
    with threadpool_limits(1):
        estimator.fit(features, target, sample_weight=weight)
    return Boosting(estimator, table, prepared, categories, blank, len(rows), num_rounds, means)


def _join(columns: NDArray[np.float64], means: NDArray[np.float32] | None, rows: Rows) -> Any:
    """Return the columns of rows, (N, C), with their means beside them where there are any."""
    return columns if means is None else np.concatenate([columns, means[rows]], axis=1)


def _sample(prepared: Prepared, num_trees: int, num_means: int) -> Rows:
    """Return the train rows to fit to, int64 (N,): all, or evenly spread with each class in it."""
    every = np.flatnonzero(prepared.part == TRAIN)
    num_columns = max(len(prepared.preprocessing.columns) + num_means, 1)
    most = max(1, MAX_VALUES // (num_columns * num_trees))
    if len(every) <= most:
        return every
    spread = every[np.linspace(0, len(every) - 1, most).round().astype(np.int64)]
    if prepared.preprocessing.classes is None:
        return spread
    _, firsts = np.unique(prepared.target[every], return_index=True)
    return np.union1d(spread, every[firsts])


def _can_hold_out(target: NDArray[Any], num_trees: int) -> bool:
    """Say whether scikit-learn can hold out a tenth with each class, to know when to stop."""
    counts = np.unique(target, return_counts=True)[1]
    return bool(counts.min() >= 2 and len(target) >= 10 * (num_trees + 1))


def _find_categories(table: Table, prepared: Prepared, rows: Rows) -> dict[str, tuple[str, ...]]:
    """Return the values of each column of categories: the commonest, where there are many."""
    found = {}
    for encoding in prepared.preprocessing.columns:
        if isinstance(encoding, OneHotEncoding | EmbeddedEncoding):
            values = encoding.values
            if len(values) > MAX_CATEGORIES:
                values = _commonest(_take(table, prepared, encoding.column, rows), values)
            found[encoding.column] = values
    return found


def _commonest(texts: pa.Array, values: tuple[str, ...]) -> tuple[str, ...]:
    codes = pc.index_in(texts, value_set=pa.array(values, pa.string())).drop_null().to_numpy()
    counts = np.bincount(codes, minlength=len(values))
    kept = np.sort(np.argsort(-counts, kind="stable")[:MAX_CATEGORIES])
    return tuple(values[code] for code in kept)


def read_columns(
    table: Table, prepared: Prepared, rows: Rows, categories: dict[str, tuple[str, ...]]
) -> NDArray[np.float64]:
    """Return the feature columns of rows as numbers, float64 (N, C), NaN where one is missing.

    A value of a category that is not told apart counts as missing.
    """
    encodings = prepared.preprocessing.columns
    features = np.empty((len(rows), len(encodings)))
    for at, encoding in enumerate(encodings):
        values = _take(table, prepared, encoding.column, rows)
        features[:, at] = _numbers(values, encoding, categories.get(encoding.column, ()))
    return features


def _take(table: Table, prepared: Prepared, column: str, rows: Rows) -> pa.Array:
    taken = table.columns[column].take(pa.array(prepared.table_index[rows])).combine_chunks()
    return taken if isinstance(taken, pa.Array) else pa.concat_arrays(taken.chunks)


def _numbers(
    values: pa.Array, encoding: Encoding, categories: tuple[str, ...]
) -> NDArray[np.float64]:
    if isinstance(encoding, OneHotEncoding | EmbeddedEncoding):
        values = pc.index_in(values, value_set=pa.array(categories, pa.string()))
    scale = 1.0
    if encoding.kind == "datetime":
        values, scale = values.cast(pa.int64()), _MICROSECOND
    numbers = pc.fill_null(pc.cast(values, pa.float64(), safe=False), np.nan)
    # Between infinity and a number there is no middle to split at.
    dense: NDArray[np.float64] = numbers.to_numpy(zero_copy_only=False) * scale
    return dense.clip(-LARGEST, LARGEST)
