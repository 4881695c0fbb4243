"""Own whether rows that lie near each other do so by nature, as rows of a dense table must.

Around a row of a smooth cloud in M dimensions, a ball of twice the radius holds 2**M times the
rows. So the pairs that lie between one and two tolerances say how many to expect within one: one
in 2**M - 1 of them. Copies are a surplus over that.
"""

from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

BEYOND = 2.0
"""Up to so many tolerances apart, pairs tell of the density."""

# A row has a few copies; where each has more than so many rows near it, that is how the table is,
# also where they lie so close that none is a little farther.
_MAX_PARTNERS = 10.0
# Density is not quite smooth; chance adds a few besides.
_MARGIN = 1.5


def is_by_nature(num_near: int, num_beyond: float, num_dimensions: float) -> bool:
    """Say whether so many pairs within one tolerance are no more than the density explains.

    Args:
        num_near: Pairs within one tolerance.
        num_beyond: Pairs between one and `BEYOND` tolerances.
        num_dimensions: M, >= 1, may be infinite.
    """
    expected = num_beyond / (float(BEYOND**num_dimensions) - 1)
    return num_near <= _MARGIN * expected + 3 * sqrt(expected)


def is_crowded(num_near: int, num_rows: int) -> bool:
    """Say whether pairs join their rows to more others than copies do.

    Args:
        num_near: Pairs within one tolerance.
        num_rows: Rows that are in any of them.
    """
    return 2 * num_near > _MAX_PARTNERS * num_rows


def count_dimensions(differences: NDArray[np.float64]) -> float:
    """Return in how many directions differences point, >= 1, infinite where too few tell.

    It is less than the number of columns where these repeat each other.

    Args:
        differences: How the rows of n pairs differ, float64 (n, D).

    Source: The participation ratio of the eigenvalues of their second moments, as in Gao et al.
        2017, "A theory of multineuronal dimensionality", equation 4. Of n differences in M
        directions it makes n M / (n + M), which is solved for M.
    """
    num = len(differences)
    moments = differences.T @ differences
    total = float(np.square(moments).sum())
    ratio = float(np.trace(moments)) ** 2 / total if total else 1.0
    return max(1.0, ratio * num / (num - ratio)) if num > ratio else inf
