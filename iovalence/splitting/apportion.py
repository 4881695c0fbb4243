"""Own how many rows of each class go to each part, in whole numbers."""

import numpy as np
from numpy.typing import NDArray

_HALVINGS = 100  # enough for the scale to be exact to the last bit


Counts = NDArray[np.int64]


def apportion_parts(counts: Counts, num_validation: int, num_test: int) -> tuple[Counts, Counts]:
    """Return how many of each class are validation and test.

    Every class is in every part asked for, and in train; the numbers asked for bend only where
    they must for it. Where every quota is at least one, each class has its quota in validation and
    in test to within one, and so in train, or (only where the two shares differ) within two.

    Args:
        counts: Size of each of K classes, int64 (K,), at least the number of parts.
        num_validation: Of all together, 0 for no such part.
        num_test: Of all together, 0 for no such part.

    Returns:
        Two int64 (K,).
    """
    one = np.ones_like(counts)
    validation = test = np.zeros_like(counts)
    if num_validation:
        validation = apportion(counts, num_validation, one, counts - 1 - (num_test > 0))
    if num_test:
        low, high = one, counts - validation - 1
        near_low, near_high = _limits_near_quota(counts, validation, num_validation, num_test)
        near_low = np.clip(near_low, low, high)
        near_high = np.clip(near_high, near_low, high)
        if near_low.sum() <= num_test <= near_high.sum():
            low, high = near_low, near_high
        test = apportion(counts, num_test, low, high)
    return validation, test


def _limits_near_quota(
    counts: Counts, validation: Counts, num_validation: int, num_test: int
) -> tuple[Counts, Counts]:
    """Return the least and most of each class for test that keep test and train within one."""
    total, left = counts.sum(), counts - validation
    test, train = counts * num_test, counts * (total - num_validation - num_test)
    low = np.maximum(test // total, left + (-train // total))
    high = np.minimum(-(-test // total), left - train // total)
    return low, high


def apportion(counts: Counts, total: int, lower: Counts, upper: Counts) -> Counts:
    """Share `total` among K classes in proportion to `counts`, by largest remainders.

    Args:
        counts: Size of each class, int64 (K,), > 0.
        total: What to share; bent to what the limits allow.
        lower: Least for each class, int64 (K,).
        upper: Most for each class, int64 (K,), >= `lower`.

    Returns:
        Whole numbers that sum to `total`, int64 (K,), each within one of its quota: the size
        times a scale common to all classes, cut to the class's limits.

    Source: Hamilton's method, with the quotas of Balinski and Young, Fair Representation (1982).
    """
    total = int(np.clip(total, lower.sum(), upper.sum()))
    low, high = 0.0, float((upper / counts).max())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = np.clip(counts * middle, lower, upper).sum() >= total
        low, high = (low, middle) if enough else (middle, high)
    quotas = np.clip(counts * high, lower, upper)
    shares = np.floor(quotas).astype(np.int64)
    remaining = total - int(shares.sum())
    shares[np.argsort(shares - quotas, kind="stable")[:remaining]] += 1
    return np.asarray(shares)
