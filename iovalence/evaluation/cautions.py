"""Own what is said where the intervals of a part promise more than they can keep.

The limits are where `benchmarks/coverage.py` saw 95 % intervals hold the truth less often.
"""

import math
from collections.abc import Iterator, Mapping

import numpy as np

from iovalence.evaluation.formulas import FEW_ROWS_OF_A_CLASS
from iovalence.evaluation.metrics import NUM_CALIBRATION_BINS, Floats, Ints, calibration_bins
from iovalence.evaluation.result import Figure
from iovalence.models.predictions import Predictions

FEW_ROWS = 50
FEW_PREDICTED = 10
# A calibration error below so many times what chance alone gives says little.
_CLEAR_OF_CHANCE = 2.0
# Of the sum of squared errors: what so few rows hold, other rows of the same kind may not have.
_TOP_SHARE, _TOP_ROWS = 0.5, 0.02
_MAX_NAMES = 5
_OF_CLASSES = ("roc_auc", "pr_auc", "balanced_accuracy", "macro_f1")


def explain_doubts(
    metrics: Mapping[str, Figure], y_true: Ints | Floats, predictions: Predictions, weights: Floats
) -> Iterator[str]:
    """Yield a line for each reason to trust the intervals of a part less.

    Args:
        metrics: The figures of the part, with their intervals.
        y_true: Class index, int64 (N,), -1 for an unknown class; or values, float64 (N,).
        predictions: What the model says of the rows.
        weights: Weight of each row, float64 (N,) >= 0.
    """
    if 0 < len(y_true) < FEW_ROWS:
        yield (
            f"{len(y_true)} rows are few: the limits of all intervals are rough (fewer than "
            f"{FEW_ROWS})"
        )
    if predictions.probs is None:
        yield from _explain_tails(y_true.astype(np.float64) - predictions.y_pred)
    else:
        yield from _explain_rare(metrics, y_true.astype(np.int64), predictions)
        yield from _explain_calibration(metrics, predictions.probs, weights)


def _explain_tails(residual: Floats) -> Iterator[str]:
    squared = np.sort(residual**2)[::-1]
    num_top = math.ceil(_TOP_ROWS * len(squared))
    if squared.sum() > 0 and squared[:num_top].sum() > _TOP_SHARE * squared.sum():
        rows = "1 row makes" if num_top == 1 else f"{num_top:,} rows make"
        yield (
            f"{rows} more than half of the squared error: the intervals of rmse and r2 hold the "
            "truth less often than 95 times in 100"
        )


def _explain_rare(
    metrics: Mapping[str, Figure], labels: Ints, predictions: Predictions
) -> Iterator[str]:
    classes = predictions.classes or ()
    counts = np.bincount(labels[labels >= 0], minlength=len(classes))
    rare = [k for k in np.argsort(counts, kind="stable") if 0 < counts[k] < FEW_ROWS_OF_A_CLASS]
    shown = [name for name in _OF_CLASSES if name in metrics]
    if rare and shown:
        named = ", ".join(f"{classes[k]} ({counts[k]})" for k in rare[:_MAX_NAMES])
        more = f" and {len(rare) - _MAX_NAMES} more" if len(rare) > _MAX_NAMES else ""
        yield (
            f"rare classes, with fewer than {FEW_ROWS_OF_A_CLASS} rows here: {named}{more}; the "
            f"intervals of {', '.join(shown)} are rough, and of log_loss wide"
        )
    yield from _explain_unchosen(counts, predictions)


def _explain_unchosen(counts: Ints, predictions: Predictions) -> Iterator[str]:
    """Yield a line where classes are there, and hardly ever predicted; counts of rows, (K,)."""
    classes = predictions.classes or ()
    chosen = np.bincount(predictions.y_pred.astype(np.int64), minlength=len(classes))
    unchosen = [k for k in range(len(classes)) if counts[k] and chosen[k] < FEW_PREDICTED]
    if unchosen:
        named = ", ".join(f"{classes[k]} ({chosen[k]})" for k in unchosen[:_MAX_NAMES])
        more = f" and {len(unchosen) - _MAX_NAMES} more" if len(unchosen) > _MAX_NAMES else ""
        yield (
            f"classes predicted for fewer than {FEW_PREDICTED} rows: {named}{more}; the intervals "
            "of balanced_accuracy and macro_f1 are too narrow"
        )


def _explain_calibration(
    metrics: Mapping[str, Figure], probs: Floats, weights: Floats
) -> Iterator[str]:
    figure = metrics.get("expected_calibration_error")
    chance = chance_calibration_error(probs, weights)
    if figure is not None and figure.value < _CLEAR_OF_CHANCE * chance:
        yield (
            f"expected_calibration_error is {figure.value:.3g}, and chance alone gives about "
            f"{chance:.3g} with so few rows: the true one may be lower than its interval"
        )


def chance_calibration_error(probs: Floats, weights: Floats) -> float:
    """Return the calibration error that a perfectly calibrated model has by chance, on average.

    Args:
        probs: Probability of each class, float64 (N, K).
        weights: Weight of each row, float64 (N,) >= 0.

    Source: the mean of the absolute value of a normal variable, in each of the bins.
    """
    if not len(probs) or weights.sum() <= 0:
        return 0.0
    confidence = probs.max(axis=1)
    variance = weights**2 * confidence * (1 - confidence)
    of_bin = np.bincount(calibration_bins(confidence), variance, NUM_CALIBRATION_BINS)
    return float(np.sqrt(2 / np.pi * of_bin).sum() / weights.sum())
