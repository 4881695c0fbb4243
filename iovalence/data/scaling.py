"""Own how numbers are brought to one scale, whatever outliers and constants they hold."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from iovalence.record import Record

# Interquartile range of the normal distribution of standard deviation 1.
_NORMAL_RANGE = 1.349
_CLIP = 3.0
# Far beyond the clip, and far from overflow.
_LIMIT = 1e9


class RobustScale(Record):
    """Bring numbers to centre 0 and scale 1, outliers smoothly into (-3, 3).

    Attributes:
        centre: Median of the train part.
        scale: Its interquartile range over that of the normal distribution; the standard
            deviation where at least half of the values are the same; 1 where all are.

    Source: Holzmueller, Grinsztajn, Steinwart 2024, "Better by Default" (RealMLP), section 3:
        robust scaling and x / sqrt(1 + (x/3)^2).
    """

    centre: float
    scale: float

    @classmethod
    def fit(cls, values: NDArray[np.float64]) -> Self:
        """Fit to the finite values (N,) of the train part; N may be 0."""
        if not len(values):
            return cls(centre=0.0, scale=1.0)
        # Halved, so that no difference of two float64 overflows.
        low, centre, high = np.percentile(values / 2, (25, 50, 75))
        spread = (high - low) / _NORMAL_RANGE or compute_std(values / 2)
        largest = float(np.finfo(np.float64).max)
        return cls(centre=float(centre) * 2, scale=min(float(spread) * 2, largest) or 1.0)

    def transform(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scaled values (N,) in (-3, 3); NaN (missing) as 0, the centre."""
        with np.errstate(over="ignore"):
            scaled = np.clip((values - self.centre) / self.scale, -_LIMIT, _LIMIT)
        scaled /= np.sqrt(1 + np.square(scaled / _CLIP))
        return np.nan_to_num(scaled, copy=False)


def compute_std(values: NDArray[np.float64]) -> float:
    """Return the standard deviation of values (N,), also where their squares overflow."""
    largest = float(np.abs(values).max())
    if largest == 0 or values.min() == values.max():
        return 0.0
    return float(np.std(values / largest)) * largest
