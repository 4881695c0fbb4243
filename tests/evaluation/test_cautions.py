import numpy as np
import pytest

from iovalence.evaluation.cautions import chance_calibration_error
from iovalence.evaluation.evaluate import evaluate_part
from iovalence.evaluation.metrics import compute_classification
from iovalence.models.predictions import Predictions


def note_of(word, y_true, predictions, **options):
    found = evaluate_part("test", y_true, predictions, **options)
    return next((note for note in found.notes if word in note), None)


def draw(num_rows, base, seed=0):
    rng = np.random.default_rng(seed)
    positive = rng.beta(8 * base, 8 * (1 - base), num_rows)
    labels = (rng.random(num_rows) < positive).astype(np.int64)
    return labels, Predictions(np.stack([1 - positive, positive], 1), None, ("no", "yes"))


def test_a_rare_class_is_named_with_its_rows():
    labels, said = draw(400, 0.03)
    note = note_of("rare classes", labels, said, positive_index=1)
    assert f"yes ({labels.sum()})" in note
    assert note_of("rare classes", *draw(400, 0.5), positive_index=1) is None


def test_a_class_that_is_hardly_ever_predicted_is_named():
    assert "yes (" in note_of("classes predicted for fewer", *draw(2000, 0.03), positive_index=1)


def test_few_rows_are_said_to_be_few():
    assert "30 rows are few" in note_of("are few", *draw(30, 0.5), positive_index=1)
    assert note_of("are few", *draw(60, 0.5), positive_index=1) is None


def test_without_intervals_nothing_is_said_of_them():
    assert note_of("are few", *draw(30, 0.5), positive_index=1, with_intervals=False) is None


def test_chance_alone_gives_a_calibrated_model_this_error():
    errors = []
    for seed in range(200):
        labels, said = draw(500, 0.4, seed)
        errors.append(compute_classification(labels, said.probs)["expected_calibration_error"])
    expected = chance_calibration_error(said.probs, np.ones(500))
    assert np.mean(errors) == pytest.approx(expected, rel=0.1)
    assert "chance alone gives" in note_of("chance", labels, said, positive_index=1)


def test_errors_that_a_few_rows_make_are_told():
    values = np.zeros(200)
    values[7] = 100
    said = Predictions(None, np.random.default_rng(0).normal(size=200), None)
    assert "4 rows make more than half" in note_of("squared error", values, said)
    assert note_of("squared error", np.zeros(200), said) is None
