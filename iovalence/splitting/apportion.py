"""Own how a number of seats is shared out among classes, in whole numbers."""

import numpy as np
from numpy.typing import NDArray

_HALVINGS = 100  # enough for the scale to be exact to the last bit


def apportion(
    counts: NDArray[np.int64],
    total: int,
    lower: NDArray[np.int64],
    upper: NDArray[np.int64],
) -> NDArray[np.int64]:
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
