"""Own the picture of a sweep of the learning rate: the loss by the rate, and what was chosen."""

from typing import TYPE_CHECKING

import numpy as np

from iovalence.evaluation.pictures import BLUE, ORANGE, new_axes, style
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
        figure, axes = new_axes("Learning rate sweep", "Learning rate", "Train loss")
        axes.set_xscale("log")
        # The scale's own labels are formulas, which no picture of ours reads.
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
        seen = losses <= top
        axes.scatter(rates[seen], losses[seen], s=6, color=BLUE, alpha=0.3, label="each step")
        known = np.isfinite(smoothed)
        axes.plot(rates[known], smoothed[known], color=BLUE, label="smoothed")
        label = f"{'chosen' if sweep.is_found else 'default'}: {sweep.chosen:g}"
        axes.axvline(sweep.chosen, color=ORANGE, linestyle="--", label=label)
        axes.legend()
    return figure
