"""Own the uncertainty of a figure: percentile bootstrap over the rows of a part.

Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 13.3.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from iovalence.evaluation.metrics import Floats, Measure

CONFIDENCE = 0.95
MAX_RESAMPLES = 1000
MIN_RESAMPLES = 200
# Rows drawn, times curves measured, for one part: about five seconds.
_MAX_DRAWS = 50_000_000
# Counts held at once; what fits a processor's cache is twice as fast as what does not.
_BLOCK_COUNTS = 500_000


def choose_num_resamples(num_rows: int, num_curves: int) -> int:
    """Return how many resamples to draw: 1000, fewer where many rows or curves make it slow."""
    affordable = _MAX_DRAWS // max(num_rows * num_curves, 1)
    return min(MAX_RESAMPLES, max(MIN_RESAMPLES, affordable))


def bootstrap_intervals(
    measure: Measure, num_rows: int, weight: Floats | None, *, num_resamples: int, seed: int
) -> dict[str, tuple[float, float]]:
    """Compute an interval for each metric, from resamples of the rows with replacement.

    Args:
        measure: Gives each metric for many weightings of the rows.
        num_rows: N, the rows that `measure` was built on.
        weight: Weight of each row, float64 (N,) >= 0; it goes with its row. None for equal ones.
        num_resamples: How many times N rows are drawn; 0 gives no intervals.
        seed: Decides the draws.

    Returns:
        The 2.5th and 97.5th percentile of each metric over the resamples in which it is defined.
        A metric that is the same in all of them, or defined in none, has no interval.
    """
    if num_rows < 2 or num_resamples == 0:
        return {}
    blocks = [
        measure(counts if weight is None else counts * weight)
        for counts in _draw_counts(num_rows, num_resamples, seed)
    ]
    values = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return {name: limits for name, v in values.items() if (limits := _percentiles(v)) is not None}


def _draw_counts(num_rows: int, num_resamples: int, seed: int) -> Iterator[Floats]:
    """Yield how often each row was drawn, float64 (R, N), in blocks of bounded size."""
    rng = np.random.default_rng(seed)
    block = max(1, _BLOCK_COUNTS // num_rows)
    for done in range(0, num_resamples, block):
        size = min(block, num_resamples - done)
        drawn = rng.integers(num_rows, size=(size, num_rows))
        drawn += (np.arange(size) * num_rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * num_rows)
        yield counts.reshape(size, num_rows).astype(np.float64)


def _percentiles(values: NDArray[np.float64]) -> tuple[float, float] | None:
    defined = values[~np.isnan(values)]
    if len(defined) == 0 or defined.min() == defined.max():
        return None
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(defined, (tail, 100 - tail))
    return float(low), float(high)
