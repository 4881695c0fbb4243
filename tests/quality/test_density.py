import numpy as np
import pytest

from iovalence.quality.density import count_dimensions, is_by_nature, is_crowded


@pytest.mark.parametrize("num_columns", [1, 2, 5])
def test_pairs_of_a_smooth_cloud_are_by_nature(num_columns):
    rows = np.random.default_rng(0).random((600, num_columns))
    distance = np.abs(rows[:, None] - rows[None]).max(axis=2)[np.triu_indices(600, 1)]
    near, beyond = (distance < 0.1).sum(), ((distance >= 0.1) & (distance < 0.2)).sum()
    assert near > 0
    assert is_by_nature(int(near), float(beyond), num_columns)
    assert not is_by_nature(int(near + beyond), float(beyond), num_columns + 1)


def test_pairs_with_none_a_little_farther_are_copies():
    assert not is_by_nature(1, 0.0, 3.0)


def test_rows_with_more_others_near_them_than_copies_have_are_crowded():
    assert not is_crowded(num_near=45, num_rows=10)
    assert is_crowded(num_near=66, num_rows=12)


def test_directions_are_counted_and_not_columns():
    rng = np.random.default_rng(0)
    three = rng.standard_normal((500, 3))
    assert count_dimensions(three) == pytest.approx(3, abs=0.1)
    assert count_dimensions(three * [1.0, 0.0, 0.0]) == pytest.approx(1, abs=0.01)
    assert count_dimensions(np.column_stack([three[:, 0], -2 * three[:, 0]])) < 1.01


def test_few_differences_tell_nothing_of_the_directions():
    assert count_dimensions(np.ones((1, 4))) == np.inf
    assert count_dimensions(np.empty((0, 4))) == np.inf
