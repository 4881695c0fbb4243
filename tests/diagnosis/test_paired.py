"""A change is said to help where it does so on the same rows, by more than rows and seeds vary."""

import numpy as np
import pytest

from iovalence.diagnosis.paired import compare_losses

N = 400


def losses(seed):
    """Return losses of which rows differ far more than any change would move them."""
    return np.random.default_rng(seed).exponential(1.0, N)


def compare(before, after, weight=None):
    weight = np.ones(N) if weight is None else weight
    return compare_losses(np.asarray(before), np.asarray(after), weight, 0)


def test_a_small_gain_on_the_same_rows_is_seen():
    rows = losses(0)
    found = compare([rows] * 3, [rows - 0.05 + 0.1 * (losses(at) - 1) for at in (1, 2, 3)])
    assert found.says == "helped"
    assert found.low < found.mean < found.high < 0
    assert found.mean == pytest.approx(-0.05, abs=0.02)


def test_what_differs_by_luck_alone_is_no_difference():
    rows = losses(0)
    assert compare([rows], [rows + 0.3 * (losses(1) - losses(2))]).says == "no_difference"


def test_seeds_that_disagree_widen_the_interval():
    rows = losses(0)
    one = compare([rows], [rows - 0.05 + 0.1 * (losses(1) - 1)])
    apart = compare([rows] * 3, [rows - 0.4, rows + 0.3, rows - 0.05])
    assert apart.high - apart.low > one.high - one.low
    assert apart.says == "no_difference"


def test_a_loss_that_rises_hurts_and_weights_count():
    rows = losses(0)
    moved = rows + np.where(np.arange(N) < N // 2, 0.5, -0.5)
    first = (np.arange(N) < N // 2).astype(float)
    assert compare([rows], [moved], first).says == "hurt"
    assert compare([rows], [moved], 1 - first).says == "helped"
