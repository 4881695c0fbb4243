import numpy as np
import pytest

from iovalence.evaluation.intervals import (
    bootstrap_intervals,
    choose_num_resamples,
)
from iovalence.evaluation.metrics import build_classification_measure, build_regression_measure


def draw_regression(seed, num_rows):
    y_true, noise = np.random.default_rng(seed).normal(size=(2, num_rows))
    return y_true, y_true + noise


def draw_classification(seed, num_rows):
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=num_rows)
    right = np.where(rng.random(num_rows) < 0.8, labels, 1 - labels)
    return labels, np.stack([0.9 - 0.8 * right, 0.1 + 0.8 * right], axis=1)


def count_covering(name, truth, draw, build):
    """Return in which share of 300 samples of 200 rows the interval holds the true figure."""
    covering = 0
    for seed in range(300):
        measure = build(*draw(seed, 200))
        found = bootstrap_intervals(measure, 200, None, num_resamples=400, seed=seed)
        covering += found[name][0] <= truth <= found[name][1]
    return covering / 300


def test_intervals_of_accuracy_hold_the_truth_about_95_times_in_100():
    def build(labels, probs):
        return build_classification_measure(labels, probs, 1)

    assert 0.91 <= count_covering("accuracy", 0.8, draw_classification, build) <= 0.98


def test_intervals_of_rmse_hold_the_truth_about_95_times_in_100():
    share = count_covering("rmse", 1.0, draw_regression, build_regression_measure)
    assert 0.91 <= share <= 0.98


def test_an_interval_is_as_wide_as_theory_says():
    measure = build_classification_measure(*draw_classification(0, 2000), 1)
    low, high = bootstrap_intervals(measure, 2000, None, num_resamples=1000, seed=0)["accuracy"]
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.8 * 0.2 / 2000), rel=0.15)


def test_intervals_of_a_sample_are_narrowed_and_laid_around_the_figures_of_all():
    measure = build_classification_measure(*draw_classification(0, 2000), 1)
    settings = {"num_resamples": 400, "seed": 0}
    low, high = bootstrap_intervals(measure, 2000, None, **settings)["accuracy"]
    found = bootstrap_intervals(
        measure, 2000, None, figures={"accuracy": 0.5}, scale=0.5, **settings
    )
    assert np.mean(found["accuracy"]) == pytest.approx(0.5, abs=0.002)
    assert found["accuracy"][1] - found["accuracy"][0] == pytest.approx((high - low) / 2)


def test_the_same_seed_gives_the_same_intervals_and_another_does_not():
    measure = build_regression_measure(*draw_regression(0, 50))
    first, again, other = (
        bootstrap_intervals(measure, 50, None, num_resamples=100, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_a_weight_goes_with_its_row():
    measure = build_regression_measure(*draw_regression(0, 40))
    weight = np.repeat([1.0, 0.0], 20)
    found = bootstrap_intervals(measure, 40, weight, num_resamples=300, seed=0)
    heavy = build_regression_measure(*(values[:20] for values in draw_regression(0, 40)))
    alone = bootstrap_intervals(heavy, 20, None, num_resamples=300, seed=0)
    assert found["rmse"] == pytest.approx(alone["rmse"], rel=0.1)


def test_a_figure_that_is_the_same_in_all_resamples_has_no_interval():
    labels = np.array([0, 1] * 10)
    measure = build_classification_measure(labels, np.eye(2)[labels], 1)
    found = bootstrap_intervals(measure, 20, None, num_resamples=50, seed=0)
    assert "accuracy" not in found


def test_one_row_or_no_resamples_give_no_intervals():
    measure = build_regression_measure(np.ones(1), np.zeros(1))
    assert bootstrap_intervals(measure, 1, None, num_resamples=50, seed=0) == {}
    assert bootstrap_intervals(measure, 10, None, num_resamples=0, seed=0) == {}


def test_resamples_in_which_a_class_is_missing_are_left_out_of_its_curve():
    labels = np.array([0, 0, 0, 0, 1])
    probs = np.linspace(0.1, 0.9, 5)
    measure = build_classification_measure(labels, np.stack([1 - probs, probs], axis=1), 1)
    found = bootstrap_intervals(measure, 5, None, num_resamples=200, seed=0)
    assert "roc_auc" not in found
    assert found["accuracy"][0] < found["accuracy"][1]


@pytest.mark.parametrize(
    ("num_rows", "num_curves", "expected"),
    [(0, 1, 1000), (16_281, 1, 1000), (100_000, 1, 500), (16_281, 10, 307), (10**7, 200, 200)],
)
def test_many_rows_or_curves_are_resampled_less_often(num_rows, num_curves, expected):
    assert choose_num_resamples(num_rows, num_curves) == expected


@pytest.mark.parametrize("seed", range(20))
def test_a_figure_lies_in_its_interval_also_where_resamples_are_biased(seed):
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(30), rng.integers(30, size=200)])
    probs = rng.dirichlet(np.ones(30), size=230)
    measure = build_classification_measure(labels, probs)
    found = bootstrap_intervals(measure, 230, None, num_resamples=200, seed=seed)
    for name, values in measure(np.ones((1, 230))).items():
        low, high = found[name]
        assert low <= values[0] <= high, name
