import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iovalence.splitting.apportion import apportion, apportion_parts

CLASSES = st.lists(st.integers(3, 300), min_size=1, max_size=30).map(np.array)
SHARES = st.tuples(st.floats(0.01, 0.45), st.floats(0.01, 0.45))


def sizes(counts, shares):
    return [max(1, round(counts.sum() * share)) for share in shares]


@given(CLASSES, SHARES)
def test_every_class_is_in_every_part(counts, shares):
    validation, test = apportion_parts(counts, *sizes(counts, shares))
    assert min(validation.min(), test.min(), (counts - validation - test).min()) >= 1


@given(CLASSES, SHARES)
def test_sizes_are_exact_and_classes_near_their_quota_where_there_is_room(counts, shares):
    num_validation, num_test = sizes(counts, shares)
    num_train = counts.sum() - num_validation - num_test
    wanted = np.outer([num_validation, num_test, num_train], counts / counts.sum())
    if wanted.min() < 1:
        return
    validation, test = apportion_parts(counts, num_validation, num_test)
    assert (validation.sum(), test.sum()) == (num_validation, num_test)
    got = np.array([validation, test, counts - validation - test])
    # One more for train where both others were rounded the same way and no exchange is left.
    assert (abs(got - wanted).max(axis=1) <= [1, 1, 2]).all()


@given(CLASSES, st.floats(0.05, 0.45))
def test_with_equal_shares_train_is_near_its_quota_too(counts, share):
    size = max(1, round(counts.sum() * share))
    train_share = 1 - 2 * size / counts.sum()
    if (counts * min(train_share, size / counts.sum())).min() < 1:
        return
    validation, test = apportion_parts(counts, size, size)
    assert abs(counts - validation - test - counts * train_share).max() <= 1


def test_a_part_grows_when_there_are_more_classes_than_its_size():
    validation, test = apportion_parts(np.full(10, 3), 5, 0)
    assert (validation.tolist(), test.tolist()) == ([1] * 10, [0] * 10)


def test_a_large_class_gives_way_to_small_ones_so_that_the_size_is_exact():
    counts = np.array([100] + [3] * 15)
    validation, _ = apportion_parts(counts, 22, 22)
    assert validation.tolist() == [7] + [1] * 15


def test_the_largest_remainders_get_what_rounding_left():
    counts = np.array([47, 16, 17, 20])
    shares = apportion(counts, 10, np.zeros_like(counts), counts)
    assert shares.tolist() == [5, 1, 2, 2]
