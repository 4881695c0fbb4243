import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from iovalence.data.scaling import RobustScale, compute_mean_and_std

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(arrays(np.float64, st.integers(0, 30), elements=FINITE), st.lists(FINITE, max_size=10))
def test_whatever_it_was_fitted_to_the_result_is_finite_and_bounded(train, others):
    scaled = RobustScale.fit(train).transform(np.array([*train, *others, np.nan], np.float64))
    assert np.isfinite(scaled).all()
    assert (np.abs(scaled) <= 3).all()


@given(arrays(np.float64, st.integers(2, 30), elements=FINITE))
def test_scaling_keeps_the_order(train):
    scaled = RobustScale.fit(train).transform(np.sort(train))
    assert (np.diff(scaled) >= 0).all()


def test_a_constant_column_becomes_zeros():
    assert RobustScale.fit(np.full(9, 1e6)).transform(np.full(3, 1e6)).tolist() == [0, 0, 0]


def test_outliers_do_not_flatten_the_others():
    rng = np.random.default_rng(0)
    bulk = rng.normal(50, 2, 1000)
    train = np.concatenate([bulk, np.full(100, -1e9)])
    scaled = RobustScale.fit(train).transform(bulk)
    assert 0.3 < scaled.std() < 1.5


def test_normal_values_are_standardised():
    values = np.random.default_rng(0).normal(50, 2, 10_000)
    scale = RobustScale.fit(values)
    assert scale.centre == pytest.approx(50, abs=0.1)
    assert scale.scale == pytest.approx(2, rel=0.03)


def test_a_column_that_is_mostly_one_value_is_scaled_by_the_others():
    values = np.array([0.0] * 95 + [1000.0] * 5)
    scaled = RobustScale.fit(values).transform(values)
    assert -0.5 < scaled[0] < 0
    assert scaled[-1] > 1


def test_mean_and_deviation_survive_sums_and_squares_that_overflow():
    found = compute_mean_and_std(np.array([-1e308, 1e308, 1e308, 1e308]))
    assert found == pytest.approx((0.5e308, 0.866e308), rel=1e-3)
    assert compute_mean_and_std(np.array([5.0, 5.0])) == (5.0, 0.0)
