import numpy as np

from iovalence.evaluation.evaluate import evaluate_part
from iovalence.evaluation.result import EvaluationResult
from iovalence.models.predictions import Predictions


def evaluate(*parts):
    y_true = np.array([1.0, 2.0, 4.0])
    predictions = Predictions(probs=None, values=np.array([1.0, 2.0, 3.0]), classes=None)
    return EvaluationResult(
        task="regression",
        target="price",
        classes=None,
        positive_class=None,
        parts=tuple(evaluate_part(part, y_true, predictions, loss=0.5) for part in parts),
    )


def test_metrics_are_called_by_part_and_name():
    flat = evaluate("train", "validation", "test", "other").flat()
    assert flat["train_final_rmse"] == flat["val_rmse"] == flat["test_rmse"] == flat["other_rmse"]
    assert flat["test_loss"] == 0.5
    assert len(flat) == 16


def test_a_record_is_read_back_as_it_was_saved(tmp_path):
    result = evaluate("train", "test")
    result.save(tmp_path / "metrics.json")
    assert EvaluationResult.load(tmp_path / "metrics.json") == result


def test_the_main_part_is_the_one_that_the_model_has_seen_least_of():
    assert evaluate("train", "validation", "test").main_part.part == "test"
    assert evaluate("train", "validation").main_part.part == "validation"
    assert evaluate("train").main_part.part == "train"
    assert evaluate("other").main_part.part == "other"
