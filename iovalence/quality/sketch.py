"""Own what is remembered of a column's numbers: enough to compare their distributions later.

A sketch holds how many of the numbers lie below and up to some of them, the knots. A column of
few different numbers has them all as knots, and its sketch is exact. Else the knots are
`NUM_KNOTS` quantiles, the numbers between two of them count as evenly spread, and no share is off
by more than 1 / (`NUM_KNOTS` - 1) = 0.0025.
"""

import numpy as np
from numpy.typing import NDArray

from iovalence.record import Record

NUM_KNOTS = 401  # deciles are among them
NUM_BINS = 10
Floats = NDArray[np.float64]


class Sketch(Record):
    """Hold the distribution of numbers.

    Attributes:
        num_sampled: How many numbers it was made of, 1 or more.
        knots: Some of the numbers, ascending, no two equal; the smallest and the largest too.
        below: How many of the numbers are less than each knot.
        up_to: How many are less than it or equal.
    """

    num_sampled: int
    knots: tuple[float, ...]
    below: tuple[int, ...]
    up_to: tuple[int, ...]

    def shares(self, places: Floats) -> tuple[Floats, Floats]:
        """Return which share of the numbers is less than each place, and which is up to it.

        Args:
            places: Any numbers, float64 (P,).

        Returns:
            Both float64 (P,), in [0, 1].
        """
        knots, below, up_to = (np.array(one, float) for one in (self.knots, self.below, self.up_to))
        # Between two knots the share rises in a straight line, at a knot by a step.
        between = np.interp(places, np.repeat(knots, 2), np.stack([below, up_to], 1).ravel())
        between = np.where(places < knots[0], 0, np.where(places > knots[-1], up_to[-1], between))
        at = np.searchsorted(knots, places).clip(max=len(knots) - 1)
        is_knot = knots[at] == places
        return (
            np.where(is_knot, below[at], between) / self.num_sampled,
            np.where(is_knot, up_to[at], between) / self.num_sampled,
        )

    def edges(self) -> Floats:
        """Return where `NUM_BINS` bins of equal shares end, float64; fewer where numbers repeat.

        The last bin has no end.
        """
        up_to = np.array(self.up_to)
        wanted = np.arange(1, NUM_BINS) * self.num_sampled / NUM_BINS
        at = np.unique(np.searchsorted(up_to, wanted))
        at = at[up_to[at] < self.num_sampled]
        return np.array(self.knots)[at]

    def counts(self, edges: Floats) -> Floats:
        """Return how many of the numbers are in each bin, float64 (E + 1,), for E ends of bins."""
        up_to = self.shares(edges)[1] * self.num_sampled
        return np.diff(up_to, prepend=0.0, append=float(self.num_sampled))


def build_sketch(numbers: Floats) -> Sketch:
    """Return the sketch of numbers, float64 (N,), finite, N at least 1."""
    ordered = np.sort(numbers)
    is_first = np.append(True, ordered[1:] != ordered[:-1])
    knots = ordered[is_first]
    if len(knots) > NUM_KNOTS:
        ranks = np.linspace(0, len(ordered) - 1, NUM_KNOTS).round().astype(np.int64)
        knots = np.unique(ordered[ranks])
    return Sketch(
        num_sampled=len(ordered),
        knots=tuple(knots.tolist()),
        below=tuple(np.searchsorted(ordered, knots, "left").tolist()),
        up_to=tuple(np.searchsorted(ordered, knots, "right").tolist()),
    )


def compute_ks(one: Sketch, other: Sketch) -> float:
    """Return the largest distance of two distributions, in [0, 1].

    Source: the statistic of Kolmogorov and Smirnov for two samples, sup |F(x) - G(x)|.
    """
    places = np.union1d(one.knots, other.knots)
    ours, theirs = one.shares(places), other.shares(places)
    return float(max(np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True)))
