"""Own the probabilities that chance alone explains a difference; know no table.

They are worked out here, in a few lines each, since nothing else of a statistics package is needed.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MIN_EXPECTED = 5.0
_MAX_TERMS = 100


def kolmogorov_p(distance: float, num_one: int, num_other: int) -> float:
    """Return how likely two samples of one continuous distribution are so far apart, or further.

    Args:
        distance: Their largest distance, in [0, 1].
        num_one: Size of the one sample, 1 or more.
        num_other: Size of the other.

    Source: Kolmogorov's limiting distribution with the correction for small samples of Stephens
    (1970), J. R. Stat. Soc. B 32. Where values repeat, the result is too large rather than too
    small.
    """
    root = math.sqrt(num_one * num_other / (num_one + num_other))
    argument = (root + 0.12 + 0.11 / root) * distance
    if argument < 0.2:  # there the sum converges slowly, to 1
        return 1.0
    terms = ((-1.0) ** (k - 1) * math.exp(-2 * (k * argument) ** 2) for k in range(1, _MAX_TERMS))
    return min(1.0, max(0.0, 2.0 * sum(terms)))


def chi_square_p(statistic: float, degrees: int) -> float:
    """Return the upper tail of the chi-square distribution.

    Args:
        statistic: 0 or more.
        degrees: Degrees of freedom; with 0 there is nothing to differ, and the result is 1.

    Source: Abramowitz and Stegun (1964), 26.4.4 and 26.4.5: a finite sum for whole degrees.
    """
    half, odd = statistic / 2, degrees % 2
    if degrees == 0 or half <= 0:
        return 1.0
    first = math.erfc(math.sqrt(half)) if odd else 0.0
    powers = [k + 0.5 * odd for k in range(degrees // 2)]
    terms = (math.exp(k * math.log(half) - half - math.lgamma(k + 1)) for k in powers)
    return min(1.0, first + sum(terms))


def homogeneity_p(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return how likely two samples of one distribution have counts that differ so, or more.

    Args:
        one: Counts of the one sample by group, float64 (G,).
        other: Counts of the other.

    Source: Pearson's chi-square test of homogeneity; groups small enough to spoil it are to be
    merged before, see `merge_small`.
    """
    pooled = one + other
    one, other = one[pooled > 0], other[pooled > 0]
    pooled = pooled[pooled > 0]
    statistic = 0.0
    for counts in (one, other):
        expected = pooled * counts.sum() / pooled.sum()
        if expected.sum() == 0:
            return 1.0
        statistic += float(((counts - expected) ** 2 / expected).sum())
    return chi_square_p(statistic, len(pooled) - 1)


def merge_small(
    one: NDArray[np.float64], other: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return counts by group with all groups too small to be judged as one, the last.

    Args:
        one: Counts of the one sample by group, float64 (G,).
        other: Counts of the other.

    Source: fewer than five rows expected in a group: Cochran (1954), Biometrics 10.
    """
    num_rows = np.array([one.sum(), other.sum()])
    expected = (one + other) * num_rows.min() / max(num_rows.sum(), 1)
    is_small = expected < MIN_EXPECTED
    ours, theirs = (np.append(counts[~is_small], counts[is_small].sum()) for counts in (one, other))
    return ours, theirs


def poisson_p(count: int, expected: float) -> float:
    """Return how likely `count` rare events or more are, where `expected` are on average."""
    # The sum over fewer events is the tail of a chi-square distribution.
    return 1 - chi_square_p(2 * expected, 2 * count) if count else 1.0


def record_p(count: int, num_before: int, num_now: int) -> float:
    """Return how likely the `count` most extreme of all numbers are all among the new ones.

    Args:
        count: How many new numbers lie beyond all that were there before.
        num_before: How many were there.
        num_now: How many are new, `count` or more.

    Source: in exchangeable rows each choice of `count` is equally likely to be the extreme one.
    """
    ways = math.lgamma(num_now + 1) - math.lgamma(num_now - count + 1)
    total = num_before + num_now
    all_ways = math.lgamma(total + 1) - math.lgamma(total - count + 1)
    return math.exp(min(0.0, ways - all_ways))


def rise_p(count: int, num_now: int, count_before: int, num_before: int) -> float:
    """Return how likely a share differs so from the one before, or more.

    Args:
        count: Rows concerned now.
        num_now: Rows now, 1 or more.
        count_before: Rows concerned before.
        num_before: Rows before, 1 or more.

    Source: the chi-square test of two shares with the correction of Yates (1934), J. R. Stat.
    Soc. Supplement 1.
    """
    total, concerned = num_now + num_before, count + count_before
    if concerned in (0, total):
        return 1.0
    gap = 1.0 * abs(count * (num_before - count_before) - count_before * (num_now - count))
    gap = max(0.0, gap - total / 2)
    scale = total / (concerned * (total - concerned)) / (num_now * num_before)
    return chi_square_p(gap * gap * scale, 1)


def adjust_holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, in their order.

    Rejecting those of at most alpha rejects any true one with probability alpha at most, however
    the tests depend on each other.

    Source: Holm (1979), Scandinavian Journal of Statistics 6.
    """
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    adjusted, largest = [1.0] * len(p_values), 0.0
    for rank, at in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = largest
    return adjusted
