"""Own how numbers are brought to one scale, whatever outliers and constants they hold."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from iovalence.record import Record

# Values further than this many interquartile ranges outside the quartiles are pulled in before
# mean and deviation are taken: natural tails stay, sentinels such as -999 lose their weight.
FENCE = 5.0
CLIP = 3.0
# Far beyond the clip, and far from overflow.
_LIMIT = 1e9
_LARGEST = float(np.finfo(np.float64).max)


class RobustScale(Record):
    """Bring numbers to centre 0 and scale 1, outliers smoothly into (-3, 3).

    Attributes:
        centre: Mean of the train part, outliers pulled in.
        scale: Standard deviation likewise; 1 where all values are the same.

    Source: x / sqrt(1 + (x/3)^2) as in Holzmueller, Grinsztajn, Steinwart 2024, "Better by
        Default" (RealMLP), section 3. Their scaling by quartiles alone did worse with our defaults
        (California housing: RMSE 0.556 against 0.548, 0.550 without the clip).
    """

    centre: float
    scale: float

    @classmethod
    def fit(cls, values: NDArray[np.float64], fence: float = FENCE) -> Self:
        """Fit to the finite values (N,) of the train part; N may be 0.

        Args:
            values: Finite values.
            fence: Interquartile ranges outside the quartiles beyond which values are pulled in.
        """
        if not len(values):
            return cls(centre=0.0, scale=1.0)
        # Halved, so that no difference of two float64 overflows.
        centre, scale = compute_mean_and_std(_pull_in(values / 2, fence))
        return cls(centre=centre * 2, scale=min(scale * 2, _LARGEST) or 1.0)

    def transform(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scaled values (N,) in (-3, 3); NaN (missing) as 0, the centre."""
        with np.errstate(over="ignore"):
            scaled = np.clip((values - self.centre) / self.scale, -_LIMIT, _LIMIT)
        scaled /= np.sqrt(1 + np.square(scaled / CLIP))
        return np.nan_to_num(scaled, copy=False)


def _pull_in(values: NDArray[np.float64], fence: float) -> NDArray[np.float64]:
    low, high = np.percentile(values, (25, 75))
    reach = fence * min(high - low, _LARGEST / fence / 2)
    # Where half of the values are the same, the quartiles know nothing of the others.
    return np.clip(values, low - reach, high + reach) if reach else values


def compute_mean_and_std(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return mean and standard deviation of values (N,), also where sums or squares overflow."""
    largest = float(np.abs(values).max())
    if values.min() == values.max():
        return float(values[0]), 0.0
    scaled = values / largest
    return float(np.mean(scaled)) * largest, float(np.std(scaled)) * largest
