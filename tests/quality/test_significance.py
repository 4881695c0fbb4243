import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from iovalence.quality.significance import (
    adjust_holm,
    chi_square_p,
    homogeneity_p,
    kolmogorov_p,
    merge_small,
    poisson_p,
    record_p,
    rise_p,
)


@given(statistic=st.floats(0, 3000), degrees=st.integers(1, 1200))
def test_the_tail_of_chi_square_is_scipys(statistic, degrees):
    expected = stats.chi2.sf(statistic, degrees)
    assert chi_square_p(statistic, degrees) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("distance", [0.0, 0.02, 0.1, 0.3, 1.0])
def test_the_tail_of_kolmogorov_is_near_the_exact_one(distance):
    expected = stats.kstwo.sf(distance, 80)
    assert kolmogorov_p(distance, 120, 240) == pytest.approx(expected, abs=0.01)


def test_two_single_rows_never_differ_significantly():
    assert kolmogorov_p(1.0, 1, 1) > 0.1


def test_counts_that_differ_are_judged_as_scipy_judges_them():
    one, other = np.array([30.0, 20.0, 0.0, 5.0]), np.array([10.0, 25.0, 0.0, 9.0])
    expected = stats.chi2_contingency(np.stack([one, other])[:, [0, 1, 3]], correction=False)
    assert homogeneity_p(one, other) == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("other", [[0.0, 0.0], [0.0, 3.0]])
def test_counts_without_rows_or_with_one_group_do_not_differ(other):
    assert homogeneity_p(np.array([0.0, 3.0]), np.array(other)) == 1.0


def test_groups_too_small_to_judge_become_one():
    ours, theirs = merge_small(np.array([50.0, 4.0, 3.0]), np.array([60.0, 2.0, 1.0]))
    assert (ours.tolist(), theirs.tolist()) == ([50, 7], [60, 3])


@given(count=st.integers(0, 50), expected=st.floats(0.01, 60))
def test_the_tail_of_poisson_is_scipys(count, expected):
    assert poisson_p(count, expected) == pytest.approx(stats.poisson.sf(count - 1, expected))


def test_one_number_beyond_all_others_is_as_likely_as_its_share_of_rows():
    assert record_p(1, 100, 300) == pytest.approx(0.75)
    assert record_p(2, 2, 2) == pytest.approx(1 / 6)
    assert record_p(0, 5, 5) == 1.0


def test_a_rise_is_judged_as_by_scipy_with_yates_correction():
    table = [[12, 88], [30, 270]]
    expected = stats.chi2_contingency(table, correction=True).pvalue
    assert rise_p(12, 100, 30, 300) == pytest.approx(expected)


@pytest.mark.parametrize("count", [0, 10])
def test_a_share_that_is_nought_or_one_in_both_has_not_risen(count):
    assert rise_p(count, 10, count, 10) == 1.0


def test_holms_correction_is_in_the_order_of_its_input():
    assert adjust_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust_holm([]) == []
