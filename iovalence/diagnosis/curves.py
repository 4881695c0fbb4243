"""Own what a curve of losses shows beyond its own fluctuation.

Shapes: E epochs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# The median of |x| of a normal number, as a share of its standard deviation.
_MEDIAN_OF_NORMAL = 0.6745
WIDTH = 3
"""Epochs that are averaged before two times are compared."""


@dataclass(frozen=True)
class Trend:
    """Say how a curve moves along.

    Attributes:
        slope: Change in one epoch, of the straight line that fits best.
        error: Standard error of the slope, from what is left beside the line.
    """

    slope: float
    error: float

    def falls(self, times: float) -> bool:
        """Say whether it falls by more than so many standard errors."""
        return self.slope < 0 and -self.slope > times * self.error


def measure_noise(curve: Sequence[float]) -> float:
    """Return the standard deviation of a curve about its own smooth course; 0 for under 3 epochs.

    From second differences, which no straight stretch adds to, and their median, which a few
    jumps hardly move.

    Source: Gasser, Sroka and Jennen-Steinmetz 1986, Residual variance and residual pattern in
    nonlinear regression; second differences of independent numbers have 6 times their variance.
    """
    if len(curve) < WIDTH:
        return 0.0
    second = np.diff(np.asarray(curve, dtype=np.float64), n=2)
    return float(np.median(np.abs(second)) / _MEDIAN_OF_NORMAL / math.sqrt(6))


def smooth(curve: Sequence[float], width: int = WIDTH) -> list[float]:
    """Return the mean of each `width` epochs in a row, of which there are E - width + 1."""
    width = min(width, len(curve))
    return [float(np.mean(curve[at : at + width])) for at in range(len(curve) - width + 1)]


def fit_trend(curve: Sequence[float]) -> Trend:
    """Fit a straight line, by least squares; a curve of under 3 epochs has no trend."""
    if len(curve) < WIDTH:
        return Trend(0.0, 0.0)
    at = np.arange(len(curve)) - (len(curve) - 1) / 2
    values = np.asarray(curve, dtype=np.float64)
    squares = float(at @ at)
    slope = float(at @ values) / squares
    left = values - values.mean() - slope * at
    error = math.sqrt(float(left @ left) / (len(curve) - 2) / squares)
    return Trend(slope, error)
