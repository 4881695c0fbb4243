"""A curve is told from its own noise."""

import numpy as np
import pytest

from iovalence.diagnosis.curves import fit_trend, measure_noise, smooth


def test_noise_is_that_about_the_course_and_not_the_course():
    random = np.random.default_rng(0)
    course = np.linspace(5, 0, 400)
    assert measure_noise(course) == pytest.approx(0, abs=1e-12)
    assert measure_noise(course + 0.1 * random.standard_normal(400)) == pytest.approx(0.1, rel=0.15)


def test_one_jump_is_no_noise():
    curve = [1.0] * 30
    curve[12] = 9.0
    assert measure_noise(curve) == 0


def test_a_fall_counts_by_its_own_error():
    random = np.random.default_rng(1)
    noise = 0.05 * random.standard_normal(12)
    assert fit_trend(noise - 0.1 * np.arange(12)).falls(3)
    assert not fit_trend(noise).falls(3)
    assert fit_trend([1.0, 0.9, 0.8]).slope == pytest.approx(-0.1)


def test_short_curves_say_nothing():
    assert measure_noise([1.0, 0.5]) == 0
    assert not fit_trend([1.0, 0.5]).falls(0)
    assert smooth([1.0, 2.0]) == [1.5]
