"""Own whether a change made the loss of the same rows lower: an interval of the difference.

Shapes: S seeds, N rows, R resamples.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from iovalence.record import Record

Says = Literal["helped", "no_difference", "hurt"]
NUM_RESAMPLES = 1000
_TAIL = 2.5
_BLOCK_COUNTS = 4_000_000


class Difference(Record):
    """Say by how much a change moved a loss, and what that means.

    Attributes:
        before: Mean loss without the change, over seeds and rows.
        after: With it.
        mean: `after` less `before`; negative is better.
        low: Lower limit of its 95 % interval.
        high: Upper limit.
        says: Whether it helped: `no_difference` where the interval holds 0.
        num_rows: Rows that were compared.
        num_seeds: Pairs of trainings that were compared.
    """

    before: float
    after: float
    mean: float
    low: float
    high: float
    says: Says
    num_rows: int
    num_seeds: int


def compare_losses(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    weight: NDArray[np.float64],
    seed: int,
) -> Difference:
    """Compare the losses of the same rows without and with a change, seed by seed.

    Rows and seeds are both drawn with replacement: other rows, and other luck in training, could
    have come. Of three seeds that is a coarse picture of luck; more seeds give a truer one.

    Args:
        before: Loss of each row without the change, float64 (S, N).
        after: With it, by the same seeds.
        weight: Weight of each row, float64 (N,) >= 0.
        seed: Decides the resamples.

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 8; rows and seeds
    as two crossed factors, Owen 2007, The pigeonhole bootstrap.
    """
    num_seeds, num_rows = before.shape
    difference, generator = after - before, np.random.default_rng(seed)
    means = []
    block = max(1, _BLOCK_COUNTS // num_rows)
    for done in range(0, NUM_RESAMPLES, block):
        size = min(block, NUM_RESAMPLES - done)
        weights = generator.multinomial(num_rows, [1 / num_rows] * num_rows, size) * weight
        seeds = generator.multinomial(num_seeds, [1 / num_seeds] * num_seeds, size) / num_seeds
        of_seeds = (weights @ difference.T) / weights.sum(axis=1, keepdims=True)
        means.append((of_seeds * seeds).sum(axis=1))
    low, high = np.percentile(np.concatenate(means), (_TAIL, 100 - _TAIL))
    shares = weight / weight.sum()
    return Difference(
        before=float((before @ shares).mean()),
        after=float((after @ shares).mean()),
        mean=float((difference @ shares).mean()),
        low=float(low),
        high=float(high),
        says=_judge(float(low), float(high)),
        num_rows=num_rows,
        num_seeds=num_seeds,
    )


def _judge(low: float, high: float) -> Says:
    if high < 0:
        return "helped"
    return "hurt" if low > 0 else "no_difference"
