import numpy as np
import pytest

from iovalence.quality.intervals import guess_by_intervals, mean_of_bins


def test_classes_in_a_row_are_told_apart_by_as_many_intervals():
    target = np.array([0, 0, 1, 1, 1, 2, 2, 0])
    values = np.arange(8.0)
    assert guess_by_intervals(values, target, 4).tolist() == target.tolist()
    assert guess_by_intervals(values[::-1].copy(), target, 4).tolist() == target.tolist()


def test_equal_values_are_in_one_interval():
    guess = guess_by_intervals(np.array([1.0, 1.0, 1.0, 2.0]), np.array([0, 0, 1, 1]), 4)
    assert guess.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("seed", range(5))
def test_the_intervals_are_those_of_a_tree_of_scikit_learn(seed):
    from sklearn.tree import DecisionTreeClassifier

    rng = np.random.default_rng(seed)
    values, target = rng.normal(size=200), rng.integers(0, 3, 200)
    values += target
    tree = DecisionTreeClassifier(max_leaf_nodes=4, class_weight="balanced", random_state=0)
    theirs = tree.fit(values[:, None], target).predict(values[:, None])
    assert guess_by_intervals(values, target, 4).tolist() == theirs.tolist()


def test_bins_hold_as_many_values_each_and_give_their_mean():
    values = np.arange(100.0)
    means = mean_of_bins(values, values * 2, np.array([0.0, 30.0, 99.0]), 4)
    assert means.tolist() == [24.0, 74.0, 174.0]


def test_a_bin_that_no_other_value_fills_has_the_mean_of_all():
    assert mean_of_bins(np.zeros(4), np.arange(4.0), np.array([5.0]), 4).tolist() == [1.5]
