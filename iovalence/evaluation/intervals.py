"""Own the uncertainty of a figure: percentile bootstrap over the rows of a part.

A resample holds copies, which biases some figures: the calibration error and the precision of
small classes come out higher in nearly every resample, and the figure would lie outside its own
interval. So the percentiles are moved by the bias, which is next to nothing for the others.

More rows than can be resampled in seconds are sampled first, and the intervals of the sample
narrowed by the root of the ratio: a spread falls with the root of the number of rows.

Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, sections 10.2 and 13.3.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from iovalence.evaluation.metrics import METRIC_RANGES, Floats, Ints, Measure, measure_once

CONFIDENCE = 0.95
MAX_RESAMPLES = 1000
MIN_RESAMPLES = 200
MAX_ROWS_RESAMPLED = 500_000
# Rows drawn, times curves measured, for one part: about five seconds.
_MAX_DRAWS = 50_000_000
# Counts held at once; what fits a processor's cache is twice as fast as what does not.
_BLOCK_COUNTS = 500_000


def choose_num_resamples(num_rows: int, num_curves: int) -> int:
    """Return how many resamples to draw: 1000, fewer where many rows or curves make it slow."""
    affordable = _MAX_DRAWS // max(num_rows * num_curves, 1)
    return min(MAX_RESAMPLES, max(MIN_RESAMPLES, affordable))


def bootstrap_intervals(
    measure: Measure,
    num_rows: int,
    weight: Floats | None,
    *,
    num_resamples: int,
    seed: int,
    figures: Mapping[str, float] | None = None,
    scale: float = 1.0,
    ranges: Mapping[str, tuple[float, float]] = METRIC_RANGES,
    groups: Ints | None = None,
) -> dict[str, tuple[float, float]]:
    """Compute an interval for each metric, from resamples of the rows with replacement.

    Args:
        measure: Gives each metric for many weightings of the rows.
        num_rows: N, the rows that `measure` was built on.
        weight: Weight of each row, float64 (N,) >= 0; it goes with its row. None for equal ones.
        num_resamples: How many times N rows are drawn; 0 gives no intervals.
        seed: Decides the draws.
        figures: Each metric of the rows that these are a sample of, to lay its interval around;
            None for that of these rows.
        scale: How wide the intervals are to be, of what these rows alone give.
        ranges: What each figure can be at all, lowest and highest; one not named can be anything.
        groups: What each row belongs to, int64 (N,), as `number_groups` numbers it: groups are
            drawn, each with all its rows. None draws each row by itself.

    Returns:
        The 2.5th and 97.5th percentile of each metric over the resamples in which it is defined,
        less the bias. A metric that is the same in all of them, or defined in none, has no
        interval.
    """
    if num_rows < 2 or num_resamples == 0:
        return {}
    blocks = [
        measure(counts if weight is None else counts * weight)
        for counts in _draw_rows(num_rows, groups, num_resamples, seed)
    ]
    if figures is None:
        figures = measure_once(measure, np.ones(num_rows) if weight is None else weight)
    limits = {
        name: _find_limits(
            figure, np.concatenate([block[name] for block in blocks]), scale, ranges.get(name)
        )
        for name, figure in figures.items()
    }
    return {name: found for name, found in limits.items() if found is not None}


def number_groups(group: Ints) -> Ints:
    """Return groups numbered from 0 without a gap, int64 (N,); a row with -1 is one by itself."""
    alone = group < 0
    numbers: Ints = np.unique(group, return_inverse=True)[1].astype(np.int64)
    numbers[alone] = len(group) + np.arange(int(alone.sum()))
    return np.asarray(np.unique(numbers, return_inverse=True)[1], np.int64)


def _draw_rows(
    num_rows: int, groups: Ints | None, num_resamples: int, seed: int
) -> Iterator[Floats]:
    """Yield how often each row was drawn, float64 (R, N), in blocks of bounded size."""
    block = max(1, _BLOCK_COUNTS // num_rows)
    if groups is None:
        yield from _draw_counts(num_rows, num_resamples, seed, block)
        return
    for counts in _draw_counts(int(groups.max()) + 1, num_resamples, seed, block):
        yield counts[:, groups]


def _draw_counts(num_rows: int, num_resamples: int, seed: int, block: int) -> Iterator[Floats]:
    """Yield how often each was drawn, float64 (R, N), at most `block` resamples at once."""
    rng = np.random.default_rng(seed)
    for done in range(0, num_resamples, block):
        size = min(block, num_resamples - done)
        drawn = rng.integers(num_rows, size=(size, num_rows))
        drawn += (np.arange(size) * num_rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * num_rows)
        yield counts.reshape(size, num_rows).astype(np.float64)


def _find_limits(
    figure: float, values: Floats, scale: float, within: tuple[float, float] | None
) -> tuple[float, float] | None:
    """Return the interval of one metric, from its values (R,) in all resamples."""
    defined = values[~np.isnan(values)]
    if np.isnan(figure) or len(defined) == 0 or defined.min() == defined.max():
        return None
    tail = 100 * (1 - CONFIDENCE) / 2
    spread = np.percentile(defined, (tail, 100 - tail)) - defined.mean()
    low, high = (figure + spread * scale).clip(*(within or (-np.inf, np.inf)))
    return float(low), float(high)
