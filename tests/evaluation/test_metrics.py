from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from iovalence.evaluation.metrics import (
    build_classification_measure,
    build_regression_measure,
    calibration_bins,
    compute_classification,
    compute_regression,
    metric_names,
)
from iovalence.evaluation.section import Metric

seeds = st.integers(0, 2**32 - 1)


def draw_rows(seed, num_rows, num_classes, digits):
    """Return labels in which every class occurs, probabilities with ties, and weights."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(num_classes), rng.integers(num_classes, size=num_rows)])
    probs = rng.dirichlet(np.ones(num_classes), size=len(labels)).round(digits) + 0.001
    return labels, probs / probs.sum(axis=1, keepdims=True), rng.random(len(labels)) + 0.01


def expected_classification(labels, probs, weight, positive_index):
    y_pred, options = probs.argmax(axis=1), {"sample_weight": weight}
    if positive_index is None:
        num_classes = probs.shape[1]
        one_hot = np.eye(num_classes, dtype=int)[labels]
        columns = [(one_hot[:, k], probs[:, k]) for k in range(num_classes)]
    else:
        columns = [(labels == positive_index, probs[:, positive_index])]
    areas = [reference.roc_auc_score(*column, **options) for column in columns]
    precisions = [reference.average_precision_score(*column, **options) for column in columns]
    return {
        "accuracy": reference.accuracy_score(labels, y_pred, **options),
        "balanced_accuracy": reference.balanced_accuracy_score(labels, y_pred, **options),
        "macro_f1": reference.f1_score(labels, y_pred, average="macro", **options),
        "roc_auc": np.mean(areas),
        "pr_auc": np.mean(precisions),
        "log_loss": reference.log_loss(
            labels, y_proba=probs, labels=range(probs.shape[1]), **options
        ),
        "expected_calibration_error": expected_error(labels == y_pred, probs.max(axis=1), weight),
    }


def expected_error(is_right, confidence, weight):
    weight = np.ones(len(is_right)) if weight is None else weight
    edges, error = np.linspace(0, 1, 16), 0.0
    for low, high in pairwise(edges):
        rows = (confidence > low) & (confidence <= high)
        error += abs((weight * (is_right.astype(float) - confidence))[rows].sum())
    return error / weight.sum()


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 60), st.integers(2, 6), st.integers(1, 6), st.booleans())
def test_a_classification_is_measured_as_scikit_learn_does(
    seed, num_rows, num_classes, digits, is_weighted
):
    labels, probs, weight = draw_rows(seed, num_rows, num_classes, digits)
    weight = weight if is_weighted else None
    positive = int(labels[0]) if num_classes == 2 else None
    found = compute_classification(labels, probs, weight, positive)
    assert found == pytest.approx(
        expected_classification(labels, probs, weight, positive), rel=1e-9, abs=1e-12
    )


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(2, 60), st.booleans())
def test_a_regression_is_measured_as_scikit_learn_does(seed, num_rows, is_weighted):
    rng = np.random.default_rng(seed)
    y_true, y_pred = 1e6 + 1e3 * rng.normal(size=(2, num_rows))
    weight = rng.random(num_rows) + 0.01 if is_weighted else None
    assert compute_regression(y_true, y_pred, weight) == pytest.approx(
        {
            "rmse": reference.root_mean_squared_error(y_true, y_pred, sample_weight=weight),
            "mae": reference.mean_absolute_error(y_true, y_pred, sample_weight=weight),
            "r2": reference.r2_score(y_true, y_pred, sample_weight=weight),
        }
    )


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(5, 40), st.integers(2, 4), st.integers(1, 3))
def test_many_weightings_at_once_give_what_each_gives_alone(seed, num_rows, num_classes, digits):
    labels, probs, _ = draw_rows(seed, num_rows, num_classes, digits)
    counts = np.random.default_rng(seed).integers(0, 3, size=(4, len(labels))).astype(float)
    counts[:, :num_classes] += 1
    together = build_classification_measure(labels, probs)(counts)
    for row, count in enumerate(counts.astype(int)):
        alone = compute_classification(np.repeat(labels, count), np.repeat(probs, count, axis=0))
        assert {name: values[row] for name, values in together.items()} == pytest.approx(alone)


def test_many_weightings_of_a_regression_give_what_each_gives_alone():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.normal(size=(2, 30))
    counts = rng.integers(0, 3, size=(4, 30)).astype(float)
    together = build_regression_measure(y_true, y_pred)(counts)
    for row, count in enumerate(counts.astype(int)):
        alone = compute_regression(np.repeat(y_true, count), np.repeat(y_pred, count))
        assert {name: values[row] for name, values in together.items()} == pytest.approx(alone)


def test_rows_of_an_unknown_class_are_wrong_and_have_no_part_in_probabilities():
    labels, probs, _ = draw_rows(1, 40, 3, 3)
    known = compute_classification(labels, probs)
    found = compute_classification(np.append(labels, -1), np.vstack([probs, probs[:1]]))
    num_right = known["accuracy"] * len(labels)
    assert found["accuracy"] == pytest.approx(num_right / (len(labels) + 1))
    assert found["balanced_accuracy"] == pytest.approx(known["balanced_accuracy"] * 3 / 4)
    for name in ("roc_auc", "pr_auc", "log_loss"):
        assert found[name] == pytest.approx(known[name])


def test_a_class_without_rows_is_left_out_of_the_means():
    labels = np.array([0, 0, 1, 1])
    probs = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1]])
    found = compute_classification(labels, probs)
    assert found["balanced_accuracy"] == pytest.approx(0.75)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found["roc_auc"] == pytest.approx(1.0)


def test_a_part_of_one_class_has_no_curves():
    found = compute_classification(np.zeros(5, int), np.full((5, 2), 0.5), None, 1)
    assert np.isnan(found["roc_auc"])
    assert np.isnan(found["pr_auc"])
    assert found["accuracy"] == 1


def test_one_row_is_measured_where_that_means_something():
    found = compute_classification(np.array([1]), np.array([[0.25, 0.75]]), None, 1)
    assert found["log_loss"] == pytest.approx(-np.log(0.75))
    assert found["expected_calibration_error"] == pytest.approx(0.25)
    regression = compute_regression(np.array([3.0]), np.array([1.0]))
    assert regression["rmse"] == regression["mae"] == 2
    assert np.isnan(regression["r2"])


def test_a_part_without_rows_or_weight_has_no_figures():
    empty = compute_classification(np.zeros(0, int), np.zeros((0, 3)))
    unknown = compute_classification(np.full(3, -1), np.full((3, 2), 0.5), None, 1)
    weightless = compute_regression(np.ones(2), np.zeros(2), np.zeros(2))
    assert all(np.isnan(list(empty.values())))
    assert unknown["accuracy"] == 0
    assert np.isnan(unknown["log_loss"])
    assert all(np.isnan(list(weightless.values())))


def test_a_constant_target_has_no_r2_even_when_it_is_large():
    y_true = np.full(1000, 1e9 + 0.1)
    assert np.isnan(compute_regression(y_true, y_true + 1)["r2"])


def test_two_hundred_classes_are_measured():
    labels, probs, _ = draw_rows(0, 300, 200, 6)
    found = compute_classification(labels, probs)
    assert tuple(found) == metric_names("classification")
    assert found == pytest.approx(expected_classification(labels, probs, None, None))


def test_a_probability_of_zero_for_the_true_class_costs_a_finite_loss():
    found = compute_classification(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]), None, 1)
    assert found["log_loss"] == pytest.approx(36.0437 / 2, rel=1e-4)


def test_the_configuration_knows_exactly_the_metrics_that_there_are():
    names = {"loss", *metric_names("classification"), *metric_names("regression")}
    assert set(get_args(Metric)) == names


def test_bins_of_confidence_are_closed_at_the_right():
    confidence = np.array([1e-9, 0.2, 0.2000001, 0.5, 1.0])
    assert calibration_bins(confidence).tolist() == [0, 2, 3, 7, 14]
