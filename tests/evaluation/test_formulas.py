import numpy as np
import pytest
from scipy import stats

from iovalence.evaluation.formulas import (
    area_interval,
    count_effective,
    mean_interval,
    share_interval,
)


def draw_scores(num_rows, seed=0, base=0.3):
    rng = np.random.default_rng(seed)
    labels = (rng.random(num_rows) < base).astype(np.int64)
    positive = 1 / (1 + np.exp(-rng.normal(size=num_rows) - labels))
    return labels, np.stack([1 - positive, positive], axis=1)


def test_the_interval_of_a_share_is_wilsons():
    found = share_interval(0.8, np.ones(50))
    expected = stats.binomtest(40, 50).proportion_ci(method="wilson")
    assert found == pytest.approx((expected.low, expected.high))


def test_rows_that_are_all_right_leave_the_truth_open_as_far_as_the_binomial_says():
    low, high = share_interval(1.0, np.ones(10))
    assert high == 1
    assert low**10 == pytest.approx(0.025)
    assert share_interval(0.0, np.ones(10)) == (0.0, pytest.approx(1 - low))


def test_rows_of_unequal_weight_count_as_fewer():
    weights = np.append(np.ones(10), 1e-9 * np.ones(90))
    assert count_effective(weights) == pytest.approx(10)
    assert share_interval(0.7, weights) == pytest.approx(share_interval(0.7, np.ones(10)))


def test_the_interval_of_many_values_without_skewness_is_the_usual_one():
    values = np.random.default_rng(0).normal(5, 1, 4000)
    low, high = mean_interval(values, np.ones(4000))
    assert (low, high) == pytest.approx(
        values.mean() + np.array([-1, 1]) * 1.96 * values.std() / 4000**0.5, abs=1e-3
    )


def test_the_interval_of_skewed_values_reaches_further_up_than_down():
    values = np.random.default_rng(0).exponential(size=60) ** 2
    low, high = mean_interval(values, np.ones(60))
    assert high - values.mean() > 1.3 * (values.mean() - low) > 0


def test_values_that_are_all_the_same_or_alone_have_no_interval():
    assert mean_interval(np.ones(9), np.ones(9)) is None
    assert mean_interval(np.ones(1), np.ones(1)) is None


def test_the_variance_of_an_area_is_delongs():
    labels, probs = draw_scores(2000)
    low, high = area_interval(labels, probs, (1,), np.ones(2000))
    positive, negative = probs[labels == 1, 1], probs[labels == 0, 1]
    wins = positive[:, None] > negative
    variance = wins.mean(1).var(ddof=1) / len(positive) + wins.mean(0).var(ddof=1) / len(negative)
    assert low < wins.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * variance**0.5, rel=0.01)


def test_a_row_of_weight_two_counts_as_two_rows_of_an_area():
    labels, probs = draw_scores(300)
    weights = np.random.default_rng(1).integers(1, 3, 300)
    twice = np.repeat(np.arange(300), weights)
    low, high = area_interval(labels, probs, (1,), weights.astype(float))
    again = area_interval(labels[twice], probs[twice], (1,), np.ones(len(twice)))
    assert (low + high) / 2 == pytest.approx(sum(again) / 2, abs=0.005)
    # The same row twice is no new row: its weight makes the interval wider.
    assert high - low > again[1] - again[0]


def test_a_perfect_area_of_few_rows_is_no_proof():
    labels = np.repeat([0, 1], 5)
    low, high = area_interval(labels, np.eye(2)[labels], (1,), np.ones(10))
    assert 0.3 < low < 0.8
    assert high == 1


def test_one_class_has_no_area():
    assert area_interval(np.ones(9, np.int64), np.full((9, 2), 0.5), (1,), np.ones(9)) is None


def test_the_mean_of_several_areas_has_an_interval():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=600)
    probs = rng.dirichlet(np.ones(3), 600) + 0.8 * np.eye(3)[labels]
    low, high = area_interval(labels, probs / 1.8, range(3), np.ones(600))
    assert 0.9 < low < high < 1
