"""Own the cutting of one column of numbers into intervals: by class, or of equal size.

Written out here because the trees of scikit-learn take longer to import than these cuts to make.

Shapes: M rows, K classes.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_Cut = tuple[float, int]  # how much purer the parts are, and where the cut is


def guess_by_intervals(values: Floats, target: Ints, num_intervals: int) -> Ints:
    """Return the class of the interval that each value is in, int64 (M,).

    The intervals are those of a tree of so many leaves, grown where the gain is largest; classes
    weigh the same however many rows they have.

    Args:
        values: (M,), none missing.
        target: Class of each from 0, int64 (M,); each occurs.
        num_intervals: The most that are made, >= 1.

    Source: Breiman et al., Classification and Regression Trees (1984), Gini's index.
    """
    order = np.argsort(values, kind="stable")
    ordered, labels = values[order], target[order]
    weights = np.zeros((len(values) + 1, int(target.max()) + 1))
    weights[np.arange(1, len(values) + 1), labels] = 1 / np.bincount(target)[labels]
    until = np.cumsum(weights, axis=0)
    cuts = {(0, len(values)): _best_cut(ordered, until, 0, len(values))}
    while len(cuts) < num_intervals:
        start, end = max(cuts, key=lambda interval: cuts[interval][0])
        gain, at = cuts[start, end]
        if gain <= 0:
            break
        del cuts[start, end]
        cuts |= {pair: _best_cut(ordered, until, *pair) for pair in ((start, at), (at, end))}
    guess = np.empty(len(values), dtype=np.int64)
    for start, end in cuts:
        guess[order[start:end]] = np.argmax(until[end] - until[start])
    return guess


def _best_cut(ordered: Floats, until: Floats, start: int, end: int) -> _Cut:
    """Return the best place between two different values of an interval; no gain for none."""
    places = start + 1 + np.flatnonzero(ordered[start + 1 : end] != ordered[start : end - 1])
    if not len(places):
        return 0.0, start
    whole = until[end] - until[start]
    left = until[places] - until[start]
    purity = _purity(left) + _purity(whole - left)
    best = int(np.argmax(purity))
    # Sums of weights differ in their last bits: less than that is no gain.
    gain = float(purity[best] - _purity(whole[None])[0])
    return (gain if gain > 1e-9 else 0.0), int(places[best])


def _purity(weights: Floats) -> Floats:
    return np.asarray((weights**2).sum(axis=1) / weights.sum(axis=1))


def mean_of_bins(values: Floats, target: Floats, others: Floats, num_bins: int) -> Floats:
    """Return for other values the mean target of the bin that each is in, float64 (L,).

    Args:
        values: (M,), none missing; the bins hold the same number of them, as near as ties allow.
        target: (M,).
        others: (L,), none missing.
        num_bins: >= 1.
    """
    edges = np.unique(np.quantile(values, np.arange(1, num_bins) / num_bins, method="lower"))
    bins = np.searchsorted(edges, values, side="left")
    counts = np.bincount(bins, minlength=len(edges) + 1)
    sums = np.bincount(bins, weights=target, minlength=len(edges) + 1)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), target.mean())
    return np.asarray(means[np.searchsorted(edges, others, side="left")])
