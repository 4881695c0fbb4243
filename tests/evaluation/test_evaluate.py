import warnings

import numpy as np
import pytest

from iovalence.evaluation.evaluate import (
    count_confusion,
    evaluate_part,
    majority_predictions,
    mean_predictions,
    spread_rows,
)
from iovalence.evaluation.result import OTHERS, UNKNOWN
from iovalence.models.predictions import Predictions

NAMES = ("no", "yes")
LABELS = np.array([0, 0, 0, 1, 1])
PROBS = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6], [0.2, 0.8]])


def say(probs, classes=NAMES):
    return Predictions(probs=np.asarray(probs, dtype=float), values=None, classes=classes)


def evaluate(y_true=LABELS, predictions=None, **options):
    predictions = predictions or say(PROBS)
    options = {"positive_index": 1, "seed": 1} | options
    return evaluate_part("test", y_true, predictions, **options)


def test_a_part_has_its_figures_with_intervals_and_its_loss():
    found = evaluate(loss=0.5)
    assert found.num_rows == 5
    assert found.num_resamples == 1000
    assert found.metrics["loss"].value == 0.5
    accuracy = found.metrics["accuracy"]
    assert accuracy.low < accuracy.value == 0.8 <= accuracy.high


def test_many_rows_are_sampled_for_intervals_that_are_as_wide_as_theirs(monkeypatch):
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=4000)
    right = np.where(rng.random(4000) < 0.8, labels, 1 - labels)
    predictions = say(np.stack([0.9 - 0.8 * right, 0.1 + 0.8 * right], axis=1))
    whole = evaluate(labels, predictions).metrics["accuracy"]
    monkeypatch.setattr("iovalence.evaluation.evaluate.MAX_ROWS_RESAMPLED", 1000)
    sampled = evaluate(labels, predictions).metrics["accuracy"]
    assert sampled.value == whole.value
    assert sampled.low < whole.value < sampled.high
    assert sampled.high - sampled.low == pytest.approx(whole.high - whole.low, rel=0.15)


def test_rows_are_spread_over_all_ends_included():
    assert spread_rows(5, 10).tolist() == [0, 1, 2, 3, 4]
    assert spread_rows(101, 5).tolist() == [0, 25, 50, 75, 100]
    assert spread_rows(0, 5).tolist() == []


def test_intervals_are_left_out_when_not_asked_for():
    found = evaluate(with_intervals=False)
    assert found.num_resamples == 0
    assert all(figure.low is None for figure in found.metrics.values())
    assert found.notes == ()


def test_the_rows_of_the_confusion_matrix_are_true_classes():
    matrix = evaluate().confusion_matrix
    assert matrix.true_labels == matrix.predicted_labels == NAMES
    assert matrix.counts == ((2, 1), (0, 2))


def test_rows_of_an_unknown_class_have_a_row_of_their_own_in_the_matrix():
    found = evaluate(np.array([0, -1, -1, 1, 1]))
    assert found.confusion_matrix.true_labels == (*NAMES, UNKNOWN)
    assert found.confusion_matrix.counts[-1] == (1, 1)
    assert found.per_class[-1].name == UNKNOWN
    assert found.per_class[-1].recall == 0
    assert found.notes[0] == (
        "2 rows have a class that the model does not know: each counts as an error, and is left "
        "out of log_loss, roc_auc and pr_auc"
    )


def test_the_smallest_of_many_classes_are_one_in_the_matrix():
    labels = np.repeat(np.arange(200), np.arange(1, 201))
    predictions = say(np.eye(200)[labels], tuple(f"c{k}" for k in range(200)))
    matrix = count_confusion(labels, predictions, max_classes=10)
    assert matrix.true_labels == (*(f"c{k}" for k in range(191, 200)), OTHERS)
    assert matrix.num_merged == 191
    assert np.array(matrix.counts).trace() == np.array(matrix.counts).sum() == len(labels)


def test_each_class_has_precision_recall_and_f1():
    no, yes = evaluate().per_class
    assert (no.num_rows, no.precision, no.recall, no.f1) == pytest.approx((3, 1, 2 / 3, 0.8))
    assert (yes.num_rows, yes.precision, yes.recall, yes.f1) == pytest.approx((2, 2 / 3, 1, 0.8))


def test_a_class_that_is_never_predicted_has_no_precision():
    no, yes = evaluate(predictions=say([[0.9, 0.1]] * 5)).per_class
    assert yes.precision is None
    assert yes.recall == 0
    assert no.recall == 1


def test_slices_break_the_part_down_by_the_values_of_a_column():
    (table,) = evaluate(slices={"town": np.array(["a", "b", "b", "b", "a"])}).slices
    assert table.column == "town"
    assert [(row.value, row.num_rows) for row in table.slices] == [("b", 3), ("a", 2)]
    assert table.slices[0].metrics["accuracy"] == pytest.approx(2 / 3)
    assert table.slices[1].metrics["accuracy"] == 1


def test_only_the_largest_slices_are_kept_and_all_are_counted():
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=500)
    found = evaluate(
        labels,
        say(np.full((500, 2), 0.5)),
        slices={"town": np.arange(500).astype(str)},
        with_intervals=False,
    )
    assert found.slices[0].num_values == 500
    assert len(found.slices[0].slices) == 20


def test_the_majority_baseline_answers_with_the_shares_of_the_train_part():
    baseline = majority_predictions({"no": 0.6, "yes": 0.4}, 5)
    found = evaluate(baselines={"majority": baseline}).baselines["majority"]
    assert found["accuracy"] == 0.6
    assert found["balanced_accuracy"] == 0.5
    assert found["roc_auc"] == 0.5
    assert found["log_loss"] == pytest.approx(-0.6 * np.log(0.6) - 0.4 * np.log(0.4))


def test_the_mean_baseline_answers_with_the_mean_of_the_train_part():
    y_true = np.array([1.0, 2.0, 3.0])
    predictions = Predictions(probs=None, values=y_true, classes=None)
    found = evaluate(
        y_true,
        predictions,
        positive_index=None,
        baselines={"mean": mean_predictions(2.0, 3)},
    )
    assert found.baselines["mean"] == pytest.approx({"rmse": np.sqrt(2 / 3), "mae": 2 / 3, "r2": 0})
    assert found.metrics["r2"].value == 1
    assert found.confusion_matrix is None


def test_what_is_not_defined_is_left_out_and_said():
    found = evaluate(np.zeros(5, int))
    assert "roc_auc" not in found.metrics
    assert found.notes[:2] == (
        "roc_auc, pr_auc left out: not defined for this part, its rows have one class",
        "1 of 2 classes have no row here and are left out of means over classes: yes",
    )


@pytest.mark.parametrize("num_rows", [0, 1, 2])
def test_a_part_of_hardly_any_rows_is_measured_without_a_warning(num_rows):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = evaluate(LABELS[:num_rows], say(PROBS[:num_rows]))
        values = Predictions(probs=None, values=np.ones(num_rows), classes=None)
        evaluate(np.zeros(num_rows), values, positive_index=None)
    assert found.num_rows == num_rows
    assert any("left out: not defined" in note for note in found.notes)


def test_a_perfect_accuracy_still_has_an_interval():
    found = evaluate(predictions=say(np.eye(2)[LABELS]))
    assert found.metrics["accuracy"].value == found.metrics["accuracy"].high == 1
    assert found.metrics["accuracy"].low == pytest.approx(0.025 ** (1 / 5))
    assert found.metrics["roc_auc"].low < 0.5 < found.metrics["roc_auc"].high == 1
    assert any("no interval for balanced_accuracy, macro_f1, pr_auc" in x for x in found.notes)


def test_the_same_seed_gives_the_same_record():
    assert evaluate() == evaluate()
    assert evaluate() != evaluate(seed=2)
