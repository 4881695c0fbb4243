"""Own the picture of a sweep of the learning rate: the loss by the rate, and what was chosen."""

from typing import TYPE_CHECKING

import numpy as np

from iovalence.evaluation.pictures import BLUE, MUTED, ORANGE, new_axes, style
from iovalence.training.rate_finder import TOO_HIGH, RateSweep

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_rate_sweep(sweep: RateSweep) -> "Figure":
    """Draw the loss of each step, the smoothed curve, and the chosen rate."""
    rates, losses, smoothed = (
        np.array(values) for values in (sweep.rates, sweep.losses, sweep.smoothed)
    )
    # What is far above the start says no more than that it is.
    top = TOO_HIGH * smoothed[0] if np.isfinite(smoothed[0]) else np.inf
    with style():
        figure, axes = new_axes("Learning rate", "Learning rate", "Train loss")
        axes.set_xscale("log")
        seen = np.isfinite(losses) & (losses <= top)
        axes.scatter(
            rates[seen], losses[seen], s=6, color=BLUE, alpha=0.3, linewidths=0, label="each step"
        )
        axes.plot(rates, np.where(np.isfinite(smoothed), smoothed, np.nan), color=BLUE)
        label = f"{'chosen' if sweep.is_found else 'default'}: {sweep.chosen:g}"
        axes.axvline(sweep.chosen, color=ORANGE, linestyle="--", label=label)
        axes.lines[0].set_label("smoothed")
        axes.legend(labelcolor=None, title=None, edgecolor=MUTED)
    return figure
