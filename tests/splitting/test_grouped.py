import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.errors import DataError
from iovalence.splitting.grouped import assign_groups


def assign(labels, group, *, shares=(0.2, 0.2), seed=1):
    labels = None if labels is None else np.array(labels)
    return assign_groups(labels, np.array(group), shares=shares, seed=seed)


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=3, max_size=150),
    st.integers(0, 9),
)
def test_a_group_never_straddles_two_parts_and_no_part_is_empty(rows, seed):
    group, labels = map(np.array, zip(*rows, strict=True))
    if len(set(group.tolist())) < 3:
        return
    part = assign(labels, group, seed=seed)
    assert set(part.tolist()) == {0, 1, 2}
    assert all(len(set(part[group == one].tolist())) == 1 for one in set(group.tolist()))
    assert part.tolist() == assign(labels, group, seed=seed).tolist()


def test_groups_of_one_row_are_split_as_exactly_as_rows():
    labels = np.arange(1000) % 5
    part = assign(labels, np.arange(1000))
    assert np.bincount(part).tolist() == [600, 200, 200]
    assert [np.bincount(part[labels == one]).tolist() for one in range(5)] == [[120, 40, 40]] * 5


def test_a_group_of_half_the_rows_is_trained_on_and_small_ones_even_out():
    group = [0] * 500 + list(range(1, 501))
    part = assign(None, group)
    assert part[0] == 0
    assert np.bincount(part).tolist() == [600, 200, 200]


@pytest.mark.parametrize("seed", range(5))
def test_uneven_groups_come_as_near_as_those_of_scikit_learn(seed):
    from sklearn.model_selection import StratifiedGroupKFold

    rng = np.random.default_rng(seed)
    group = rng.integers(0, 40, 1000)
    labels = (rng.random(1000) < rng.random(40)[group]).astype(int)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
    _, test = next(iter(folds.split(labels, labels, group)))
    ours = assign(labels, group, shares=(0.0, 0.2), seed=seed)

    def off(rows):
        return sum(abs(np.sum(labels[rows] == one) / np.sum(labels == one) - 0.2) for one in (0, 1))

    assert off(np.flatnonzero(ours == 2)) <= off(test)


def test_another_seed_gives_another_split():
    group = np.arange(300) // 3
    assert assign(None, group, seed=1).tolist() != assign(None, group, seed=2).tolist()


def test_more_groups_than_are_placed_one_by_one_come_near_too(monkeypatch):
    monkeypatch.setattr("iovalence.splitting.grouped._MAX_PLACED", 50)
    rng = np.random.default_rng(0)
    group, labels = rng.integers(0, 400, 3000), rng.integers(0, 4, 3000)
    part = assign(labels, group)
    assert np.abs(np.bincount(part) / 3000 - [0.6, 0.2, 0.2]).max() < 0.005


def test_many_classes_are_looked_at_no_further_than_memory_allows(monkeypatch):
    monkeypatch.setattr("iovalence.splitting.grouped._MAX_CELLS", 60)
    part = assign(np.arange(300) % 50, np.arange(300) // 10)
    assert np.bincount(part).tolist() == [180, 60, 60]


def test_one_group_that_holds_everything_is_one_clear_line():
    with pytest.raises(
        DataError,
        match=r"data.group must have at least 3 groups, one for each part \(train, validation, "
        r"test\), got 1; one group holds everything: name another, or set",
    ):
        assign(None, [7] * 20)
