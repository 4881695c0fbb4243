import numpy as np
import pytest

from iovalence.evaluation.margins import compute_margin
from iovalence.models.predictions import Predictions


def say(labels):
    return Predictions(np.eye(2)[labels], None, ("no", "yes"))


def draw(num_rows, seed, shares=(0.85, 0.8)):
    """Return labels, and what two models that mostly err on the same rows say of them."""
    rng = np.random.default_rng(seed)
    labels, luck = rng.integers(0, 2, num_rows), rng.random(num_rows)
    other = np.where(rng.random(num_rows) < 0.8, luck, rng.random(num_rows))
    said = [
        np.where(u < share, labels, 1 - labels)
        for u, share in zip((luck, other), shares, strict=True)
    ]
    return labels, say(said[0]), say(said[1])


def test_the_margin_is_the_difference_of_both_accuracies():
    labels, model, other = draw(500, 1)
    margin = compute_margin(labels, model, other, np.ones(500))
    accuracies = [np.mean(said.y_pred == labels) for said in (model, other)]
    assert margin.value == pytest.approx(accuracies[0] - accuracies[1])
    assert margin.low < margin.value < margin.high


def test_its_interval_holds_the_truth_as_often_as_it_says():
    held = []
    for seed in range(400):
        margin = compute_margin(*draw(300, seed), np.ones(300))
        held.append(margin.low <= 0.05 <= margin.high)
    assert 0.92 <= np.mean(held) <= 0.98


def test_of_a_regression_it_is_how_much_lower_the_rmse_is():
    rng = np.random.default_rng(0)
    errors = rng.normal(size=400)
    model, other = (Predictions(None, -size * errors, None) for size in (1.0, 1.5))
    margin = compute_margin(np.zeros(400), model, other, np.ones(400))
    assert margin.value == pytest.approx(0.5 * np.sqrt(np.mean(errors**2)))
    assert 0 < margin.low < margin.value < margin.high


def test_rows_count_by_their_weight():
    labels, model, other = draw(400, 2)
    weights = np.repeat([1.0, 0.0], 200)
    first = [Predictions(said.probs[:200], None, said.classes) for said in (model, other)]
    whole = compute_margin(labels, model, other, weights)
    assert whole.value == pytest.approx(compute_margin(labels[:200], *first, np.ones(200)).value)


def test_few_rows_say_nothing():
    assert compute_margin(*draw(49, 1), np.ones(49)) is None
