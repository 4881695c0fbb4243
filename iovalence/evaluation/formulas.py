"""Own the intervals that have a formula: of shares, of means, and of the area under a ROC curve.

Percentiles of resamples cover too little where a figure is skewed: few rows, a rare class, errors
with heavy tails. `benchmarks/coverage.py` shows how often each interval here holds the truth.

Shapes: N rows, K classes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from iovalence.evaluation.metrics import Floats, Ints

CONFIDENCE = 0.95
# With fewer rows on one side of a curve, the spread of their ranks says too little of itself.
FEW_ROWS_OF_A_CLASS = 30
_MIN_FREEDOM = 2.0
_GRID = 4001

Interval = tuple[float, float]


def count_effective(weights: Floats) -> float:
    """Return as how many rows of equal weight rows of these weights count.

    Args:
        weights: Weight of each row, float64 (N,) >= 0.

    Source: Kish 1965, Survey Sampling, section 8.2.
    """
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def share_interval(share: float, weights: Floats) -> Interval | None:
    """Return the 95 % interval of a share of rows; None without rows.

    A share of 0 or 1 is bounded exactly: ten rows of ten are no proof, for with 69.2 % of right
    answers that still happens one time in forty.

    Args:
        share: Share of the rows, in [0, 1].
        weights: Weight of each row, float64 (N,) >= 0.

    Source: Wilson 1927, Probable Inference, the Law of Succession, and Statistical Inference;
    for 0 and 1, Clopper and Pearson 1934, The Use of Confidence or Fiducial Limits.
    """
    num_rows = count_effective(weights)
    if np.isnan(share) or num_rows == 0:
        return None
    rounded = round(share, 12)
    if rounded in (0, 1):
        limit = float(((1 - CONFIDENCE) / 2) ** (1 / num_rows))
        return (limit, 1.0) if rounded == 1 else (0.0, 1 - limit)
    z2 = _quantile(np.inf) ** 2 / num_rows
    centre = (share + z2 / 2) / (1 + z2)
    half = np.sqrt(z2 * (share * (1 - share) + z2 / 4)) / (1 + z2)
    return float(centre - half), float(centre + half)


def mean_interval(values: Floats, weights: Floats) -> Interval | None:
    """Return the 95 % interval of a mean of values that may be skewed; None where none is known.

    A t-interval, made lopsided as the values are. The rarer large values are, the less is known
    of their spread: the t-distribution has 4 N / (kurtosis - 1) degrees of freedom, twice what
    Satterthwaite's rule gives, since the skewness makes up for the rest.

    Args:
        values: float64 (N,), finite.
        weights: Weight of each row, float64 (N,) >= 0.

    Source: Hall 1992, On the Removal of Skewness by Transformation, J. R. Statist. Soc. B 54.
    """
    num_rows, total = len(values), weights.sum()
    if num_rows < 2 or total <= 0:
        return None
    mean = float(weights @ values / total)
    pull = num_rows * weights * (values - mean) / total
    variance = float((pull**2).mean())
    if variance <= 1e-24 * mean**2 or variance == 0:
        return None
    skewness = float((pull**3).mean()) / variance**1.5 / np.sqrt(num_rows)
    kurtosis = float((pull**4).mean()) / variance**2
    freedom = np.clip(4 * num_rows / max(kurtosis - 1, 1e-9), _MIN_FREEDOM, num_rows - 1)
    return _lopsided(mean, np.sqrt(variance / (num_rows - 1)), skewness, float(freedom))


def _lopsided(figure: float, error: float, skewness: float, freedom: float) -> Interval:
    """Return the interval of a figure of this standard error and skewness, by Hall's cubic."""
    tail = _quantile(freedom)
    low, high = (figure - error * _unskew(at, skewness) for at in (tail, -tail))
    return low, high


def _unskew(at: float, skewness: float) -> float:
    """Return the quantile of a skewed figure that stands where `at` would without skewness."""
    if abs(skewness) < 1e-6:
        return at
    return float(3 / skewness * (np.cbrt(1 + skewness * (at - skewness / 6)) - 1))


def _quantile(freedom: float) -> float:
    """Return the upper quantile of Student's t, of the normal distribution where it is infinite."""
    from scipy.special import ndtri, stdtrit

    upper = 1 - (1 - CONFIDENCE) / 2
    return float(ndtri(upper) if np.isinf(freedom) else stdtrit(max(freedom, 1.0), upper))


def area_interval(
    labels: Ints, probs: Floats, positives: Sequence[int], weights: Floats
) -> Interval | None:
    """Return the 95 % interval of the ROC AUC, or of the mean of several; None without a curve.

    DeLong's variance, with the skewness of the same ranks and Satterthwaite's degrees of freedom.
    With fewer than 30 rows on a side of the one curve: the areas whose own variance, as
    exponential scores have it, allows for what was found.

    Args:
        labels: Class index, int64 (N,) in [0, K).
        probs: Probability of each class, float64 (N, K).
        positives: Classes whose curves, each against the rest, are averaged; those without rows,
            or without any others, have none.
        weights: Weight of each row, float64 (N,) >= 0.

    Source: DeLong, DeLong and Clarke-Pearson 1988, Comparing the Areas under Two or More
    Correlated ROC Curves; Hall 1992 as in `mean_interval`; Newcombe 2006, Confidence Intervals
    for an Effect Size Measure Based on the Mann-Whitney Statistic, part 2, method 5.
    """
    curves = [k for k in positives if 0 < weights[labels == k].sum() < weights.sum()]
    if not curves:
        return None
    area, pull = 0.0, np.zeros(len(labels))
    for k in curves:
        one, its_pull = _rank_pull(labels == k, probs[:, k], weights)
        area += one / len(curves)
        pull += its_pull / len(curves)
    sides = [count_effective(weights[(labels == curves[0]) == side]) for side in (True, False)]
    if len(positives) == 1 and min(sides) < FEW_ROWS_OF_A_CLASS:
        return _allowed_areas(area, *sides)
    return _area_of_pull(area, pull, labels == curves[0] if len(curves) == 1 else labels)


def _area_of_pull(area: float, pull: Floats, groups: Ints | NDArray[np.bool_]) -> Interval | None:
    """Return the interval of an area from what each row, (N,), in its group, pulls it by."""
    _, group_of_row, counts = np.unique(groups, return_inverse=True, return_counts=True)
    freedom = np.maximum(counts - 1, 1)
    parts = np.bincount(group_of_row, pull**2) * counts / freedom
    variance = float(parts.sum())
    if variance <= 1e-24:
        return None
    skewness = float((pull**3).sum()) / variance**1.5
    shared = variance**2 / float((parts**2 / freedom).sum())
    low, high = _lopsided(area, np.sqrt(variance), skewness, shared)
    return float(max(low, 0.0)), float(min(high, 1.0))


def _rank_pull(
    is_positive: NDArray[np.bool_], scores: Floats, weights: Floats
) -> tuple[float, Floats]:
    """Return a curve's area, and by how much each row pulls it from there, float64 (N,)."""
    share = np.where(is_positive, weights, 0.0) / weights[is_positive].sum()
    other = np.where(is_positive, 0.0, weights) / weights[~is_positive].sum()
    _, rank = np.unique(scores, return_inverse=True)
    below, beaten = np.bincount(rank, other), np.bincount(rank, share)
    wins = (np.cumsum(below) - below / 2)[rank]
    losses = (1 - np.cumsum(beaten) + beaten / 2)[rank]
    area = float(share @ wins)
    return area, share * (wins - area) + other * (losses - area)


def _allowed_areas(area: float, num_positives: float, num_negatives: float) -> Interval:
    """Return the areas that are not too far from what was found for their own variance."""
    areas = np.linspace(0, 1, _GRID)[1:-1]
    spare = (num_positives + num_negatives) / 2 - 1
    spread = 1 + spare * ((1 - areas) / (2 - areas) + areas / (1 + areas))
    variance = areas * (1 - areas) * spread / (num_positives * num_negatives)
    allowed = areas[(area - areas) ** 2 <= _quantile(np.inf) ** 2 * variance]
    if not len(allowed):
        return area, area
    return min(area, float(allowed[0])), max(area, float(allowed[-1]))
