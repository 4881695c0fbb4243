"""Own the threshold between two classes: chosen on one part, by one metric, once."""

from typing import Literal

import numpy as np

from iovalence.evaluation.metrics import Floats, Ints

ThresholdMetric = Literal["accuracy", "balanced_accuracy", "f1", "macro_f1"]
HALF = 0.5


def choose_threshold(
    metric: ThresholdMetric, is_positive: Ints, scores: Floats, weights: Floats
) -> tuple[float, float, float]:
    """Return the threshold with the best metric, its metric, and that of the threshold 0.5.

    Every threshold between two different scores is tried; of equally good ones the nearest to
    0.5 is taken.

    Args:
        metric: What to maximise; `f1` is that of the positive class.
        is_positive: 1 for rows of the positive class, 0 for others, int64 (N,), N >= 1.
        scores: Probability of the positive class, float64 (N,).
        weights: Weight of each row, float64 (N,) >= 0.

    Source: Lipton, Elkan and Naryanaswamy 2014, Optimal Thresholding of Classifiers to Maximize
    F1 Measure.
    """
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    positive = np.append(0.0, np.cumsum((weights * is_positive)[order]))
    negative = np.append(0.0, np.cumsum((weights * (1 - is_positive))[order]))
    # A cut at i leaves the first i rows below it.
    cuts = np.flatnonzero(np.append(True, ranked[1:] > ranked[:-1]))
    tried = np.append(HALF, np.append(ranked[0] / 2, (ranked[cuts[1:] - 1] + ranked[cuts[1:]]) / 2))
    tried = np.append(tried, (ranked[-1] + 1) / 2)
    below = np.searchsorted(ranked, tried, "left")
    found = _measure(
        metric,
        positive[-1] - positive[below],
        positive[below],
        negative[below],
        negative[-1] - negative[below],
    )
    best = np.flatnonzero(found >= found.max() - 1e-12)
    chosen = best[np.argmin(np.abs(tried[best] - HALF))]
    return float(tried[chosen]), float(found[chosen]), float(found[0])


def _measure(
    metric: ThresholdMetric, hits: Floats, misses: Floats, rejected: Floats, alarms: Floats
) -> Floats:
    """Return the metric of each threshold, from the weights of the four cells, each (T,)."""
    if metric == "accuracy":
        return _share(hits + rejected, hits + misses + rejected + alarms)
    if metric == "balanced_accuracy":
        return (_share(hits, hits + misses) + _share(rejected, rejected + alarms)) / 2
    f1 = _share(2 * hits, 2 * hits + misses + alarms)
    return f1 if metric == "f1" else (f1 + _share(2 * rejected, 2 * rejected + misses + alarms)) / 2


def _share(part: Floats, whole: Floats) -> Floats:
    shares: Floats = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return shares
