from iovalence.reporting.charts import draw_learning, list_charts
from tests.reporting.examples import curves_of


def test_learning_curves_mark_the_kept_epoch(classification):
    loss, accuracy = draw_learning(classification.history, 3)
    assert (loss.title, accuracy.title) == ("Loss by epoch", "Accuracy by epoch")
    assert ("mark", "kept epoch 3") in loss.legend
    assert "the kept epoch is 3" in loss.svg
    assert "Loss over 5 epochs: train, as it learned from 1.000 to 0.200" in loss.svg


def test_without_a_validation_part_there_is_one_curve():
    (loss,) = draw_learning([{"epoch": 1, "train_loss": 0.5}], None)
    assert [kind for kind, _ in loss.legend] == ["c1"]


def test_hundreds_of_epochs_have_some_fifty_dots():
    history = [{"epoch": k, "train_loss": 1 / k} for k in range(1, 501)]
    assert str(draw_learning(history, None)[0].svg).count("<circle") == 50


def test_a_loss_that_is_not_finite_breaks_the_curve_and_nothing_else():
    history = [{"epoch": k, "train_loss": float("nan") if k == 2 else 0.5} for k in (1, 2, 3)]
    assert "nan" not in draw_learning(history, 2)[0].svg


def test_a_classification_has_roc_precision_and_calibration(classification):
    charts = list_charts(classification.result, curves_of(classification))
    assert [chart.name for chart in charts] == ["roc", "precision-recall", "calibration"]
    assert all(len(chart.svg) < 20_000 for chart in charts)
    rows = sum(int(row[1]) for row in charts[2].rows)
    assert rows == classification.result.main_part.num_rows


def test_a_regression_has_predictions_and_residuals(regression):
    charts = list_charts(regression.result, curves_of(regression))
    assert [chart.name for chart in charts] == ["predicted", "residuals"]


def test_of_many_classes_it_is_said_how_many_have_no_curve(many_classes):
    roc = list_charts(many_classes.result, curves_of(many_classes))[0]
    assert len(roc.legend) == 7
    assert "194 smaller are not shown" in roc.caption
