import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from iovalence.quality.sketch import NUM_KNOTS, build_sketch, compute_ks

numbers = st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.5, 3.0, -7.0, 1e300, 9e15]), min_size=1)


def draw(seed, num_rows, shape="normal"):
    generator = np.random.default_rng(seed)
    return {
        "normal": generator.normal(size=num_rows),
        "heavy": generator.standard_cauchy(num_rows),
        "mostly zero": generator.exponential(size=num_rows) * (generator.random(num_rows) < 0.1),
        "rounded": generator.normal(size=num_rows).round(3),
    }[shape]


@given(ours=numbers, theirs=numbers)
def test_the_distance_of_few_different_numbers_is_exact(ours, theirs):
    found = compute_ks(build_sketch(np.array(ours)), build_sketch(np.array(theirs)))
    places = [*ours, *theirs]
    shares = [np.mean(np.array(some)[:, None] <= places, axis=0) for some in (ours, theirs)]
    assert found == pytest.approx(np.abs(shares[0] - shares[1]).max())


@pytest.mark.parametrize("shape", ["normal", "heavy", "mostly zero", "rounded"])
def test_the_distance_of_many_numbers_is_exact_to_half_a_hundredth(shape):
    for seed in range(5):
        ours, theirs = draw(seed, 4000, shape), draw(100 + seed, 3000, shape) + 0.02 * seed
        found = compute_ks(build_sketch(ours), build_sketch(theirs))
        assert abs(found - stats.ks_2samp(ours, theirs, method="asymp").statistic) <= 0.005


def test_a_sketch_never_has_more_knots_than_it_says():
    sketch = build_sketch(draw(0, 5000))
    assert len(sketch.knots) <= NUM_KNOTS
    assert (sketch.below[0], sketch.up_to[-1]) == (0, 5000)


def test_bins_hold_a_tenth_of_the_numbers_each():
    sketch = build_sketch(draw(0, 5000))
    np.testing.assert_allclose(sketch.counts(sketch.edges()), 500, atol=1)


def test_numbers_that_repeat_have_fewer_bins():
    sketch = build_sketch(np.array([0.0] * 90 + [1.0] * 10))
    assert sketch.edges().tolist() == [0.0]
    assert sketch.counts(sketch.edges()).tolist() == [90, 10]


def test_a_constant_has_one_bin():
    sketch = build_sketch(np.full(7, 3.0))
    assert sketch.counts(sketch.edges()).tolist() == [7]


def test_shares_outside_all_numbers_are_nought_and_one():
    below, up_to = build_sketch(np.array([1.0, 2.0])).shares(np.array([0.0, 1.0, 1.5, 2.0, 3.0]))
    assert below.tolist() == [0, 0, 0.5, 0.5, 1]
    assert up_to.tolist() == [0, 0.5, 0.5, 1, 1]
