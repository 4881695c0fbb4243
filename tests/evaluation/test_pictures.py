import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from iovalence.evaluation.pictures import (
    draw_pictures,
    inline_svg,
    roc_points,
    save_pictures,
    wilson_limits,
)


def save(example, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = draw_pictures(
            example.result, example.history, 3, example.y_true, example.predictions
        )
        save_pictures(figures, folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def saved(classification, tmp_path_factory):
    """Return the pictures of the classification, by file name."""
    return save(classification, tmp_path_factory.mktemp("pictures"))


def words(svg):
    """Return all the text of a picture, after checking that it is well-formed."""
    return " ".join(ElementTree.fromstring(svg).itertext())


def test_a_classification_has_four_pictures_as_png_and_svg(saved):
    names = {"training_curves", "confusion_matrix", "roc_curve", "calibration"}
    assert set(saved) == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    assert saved["roc_curve.png"].startswith(b"\x89PNG")
    assert "benign, area 0.9" in words(saved["roc_curve.svg"])


def test_a_regression_has_its_own_pictures(regression, tmp_path):
    saved = save(regression, tmp_path)
    names = {"training_curves", "predicted_vs_true", "residuals"}
    assert set(saved) == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    assert "RMSE" in words(saved["training_curves.svg"])


def test_pictures_are_the_same_bytes_each_time(classification, saved, tmp_path):
    assert save(classification, tmp_path) == saved


def test_names_are_shown_as_they_are_written(strange_names, tmp_path):
    text = words(save(strange_names, tmp_path)["confusion_matrix.svg"])
    assert "<script>alert('x'…" in text
    assert "🚀 $x_1$ & \\frac{" in text


def test_many_classes_are_drawn_as_the_largest_and_the_others(many_classes, tmp_path):
    saved = save(many_classes, tmp_path)
    assert "training_curves.svg" not in saved
    assert "(others)" in words(saved["confusion_matrix.svg"])
    assert "194 smaller classes not shown" in words(saved["roc_curve.svg"])


def test_pictures_without_rows_to_fill_them_are_left_out(classification):
    predictions = classification.predictions
    figures = draw_pictures(
        classification.result, [], None, np.ones(len(classification.y_true), int), predictions
    )
    assert set(figures) == {"confusion_matrix", "calibration"}


def test_a_loss_that_is_not_finite_leaves_a_gap(classification):
    history = [
        {"epoch": epoch, "train_loss": loss}
        for epoch, loss in enumerate((1.0, float("inf"), float("nan"), 0.5), start=1)
    ]
    figures = draw_pictures(
        classification.result, history, 4, classification.y_true, classification.predictions
    )
    (line,) = [
        line for line in figures["training_curves"].axes[0].lines if len(line.get_xdata()) == 4
    ]
    assert np.isnan(line.get_ydata()).tolist() == [False, True, True, False]


@pytest.mark.parametrize("seed", range(5))
def test_the_roc_curve_goes_through_the_points_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    is_positive, scores, weights = rng.random(50) < 0.5, rng.random(50).round(1), rng.random(50)
    expected = roc_curve(is_positive, scores, sample_weight=weights, drop_intermediate=False)
    np.testing.assert_allclose(roc_points(is_positive, scores, weights), expected[:2], atol=1e-12)


def test_limits_of_a_share_are_those_of_wilson():
    low, high = wilson_limits(np.array([0.5, 0.0]), np.array([100.0, 10.0]))
    assert low == pytest.approx([0.4038, 0.0], abs=1e-4)
    assert high == pytest.approx([0.5962, 0.2775], abs=1e-4)


def test_a_picture_in_a_page_has_ids_and_colours_of_its_own(saved):
    svg = saved["confusion_matrix.svg"].decode()
    inline = inline_svg("matrix", svg, 'what it "shows"')
    root = ElementTree.fromstring(inline)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert ids
    assert all(name.startswith("matrix-") for name in ids)
    assert root.get("aria-label") == 'what it "shows"'
    assert "#24292f" not in inline
    assert "<metadata" not in inline
    assert "width=" not in inline.split(">", 1)[0]


def test_every_reference_inside_a_picture_leads_somewhere(saved):
    svg = saved["training_curves.svg"].decode()
    root = ElementTree.fromstring(inline_svg("curves", svg, ""))
    ids = {f"#{element.get('id')}" for element in root.iter() if element.get("id")}
    links = {
        value
        for element in root.iter()
        for name, value in element.attrib.items()
        if name.endswith("href")
    }
    clips = {e.get("clip-path")[4:-1] for e in root.iter() if e.get("clip-path")}
    assert links | clips
    assert links | clips <= ids
