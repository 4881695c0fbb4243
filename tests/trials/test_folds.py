"""Rows are dealt into folds by class, copies together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iovalence.trials.folds import NUM_FOLDS, assign_folds


@given(st.lists(st.integers(0, 3), min_size=1, max_size=80), st.integers(0, 2**62))
def test_each_class_and_each_fold_comes_off_alike(labels, seed):
    codes = np.array(labels)
    fold = assign_folds(codes, np.arange(len(codes)), seed)
    for rows in (fold, *(fold[codes == code] for code in set(labels))):
        counts = np.bincount(rows, minlength=NUM_FOLDS)
        assert counts.max() - counts.min() <= 1


@given(st.lists(st.integers(0, 9), min_size=1, max_size=80))
def test_copies_are_in_one_fold(copy_of):
    units = np.array(copy_of)
    fold = assign_folds(units % 2, units, 1)
    assert all(len(set(fold[units == unit])) == 1 for unit in set(copy_of))
