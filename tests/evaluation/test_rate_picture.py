import math
import warnings
from xml.etree import ElementTree

import numpy as np

from iovalence.evaluation.pictures import inline_svg, save_pictures
from iovalence.evaluation.rate_picture import draw_rate_sweep
from iovalence.training.rate_finder import read_sweep


def draw(losses, folder):
    losses = np.array(losses)
    sweep = read_sweep(np.geomspace(1e-5, 1, len(losses)), losses, np.ones(len(losses)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_pictures({"learning_rate": draw_rate_sweep(sweep)}, folder)
    svg = (folder / "learning_rate.svg").read_text()
    return sweep, svg, " ".join(ElementTree.fromstring(svg).itertext())


def falling(num_steps=100):
    return [*np.linspace(2.0, 0.5, num_steps // 2), *np.linspace(0.5, 50.0, num_steps // 2)]


def test_the_picture_shows_the_curve_and_the_chosen_rate(tmp_path):
    sweep, svg, words = draw(falling(), tmp_path)
    assert f"chosen: {sweep.chosen:g}" in words
    assert "Learning rate" in words
    assert "Train loss" in words
    assert "0.001" in words.split()
    assert (tmp_path / "learning_rate.png").read_bytes().startswith(b"\x89PNG")
    assert 'aria-label="How it went"' in inline_svg("learning_rate", svg, "How it went")


def test_a_sweep_without_a_rate_is_drawn_too(tmp_path):
    _, _, words = draw([math.nan] * 50, tmp_path)
    assert "default: 0.001" in words


def test_a_sweep_that_breaks_off_is_drawn_up_to_there(tmp_path):
    sweep, _, words = draw([*falling()[:70], *[math.inf] * 30], tmp_path)
    assert f"chosen: {sweep.chosen:g}" in words


def test_the_picture_is_the_same_bytes_each_time(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    assert draw(falling(), one)[1] == draw(falling(), other)[1]
