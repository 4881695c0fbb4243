import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.quality import neighbours
from iovalence.quality.neighbours import MIN_RECALL, find_candidates, meet_probability, plan_search


def search(rows, tolerance, keys=None):
    keys = np.zeros(len(rows), np.uint64) if keys is None else keys
    everything = np.arange(len(rows))
    return find_candidates(
        lambda start, stop: rows[start:stop], keys, everything, rows.shape[1], tolerance
    )


def pairs_of(found):
    return {tuple(sorted(pair)) for pair in zip(found.left, found.right, strict=True)}


def plant(rng, num_rows, num_columns, distance):
    """Return rows and, after them, a copy of each at exactly this RMS distance."""
    rows = rng.standard_normal((num_rows, num_columns))
    steps = rng.standard_normal((num_rows, num_columns))
    steps *= distance / np.sqrt(np.mean(steps**2, axis=1, keepdims=True))
    return np.concatenate([rows, rows + steps]).astype(np.float32)


def recall_of(found, num_rows):
    pairs = pairs_of(found)
    return np.mean([(row, num_rows + row) in pairs for row in range(num_rows)])


def test_the_chance_to_meet_is_that_of_the_formula():
    rng = np.random.default_rng(0)
    steps, shifts = 0.3 * rng.standard_normal(200_000), rng.random(200_000)
    met = np.mean(np.floor(steps / 0.5 + shifts) == 0)
    assert meet_probability(0.3, 0.5) == pytest.approx(met, abs=0.005)


@given(st.integers(2, 10_000_000), st.floats(1e-6, 1e3))
def test_every_plan_promises_the_recall_at_the_tolerance(num_rows, tolerance):
    assert plan_search(num_rows, tolerance).recall(tolerance) >= MIN_RECALL


@pytest.mark.parametrize(
    ("num_columns", "tolerance"), [(2, 0.02), (9, 0.02), (54, 0.02), (54, 0.2)]
)
def test_pairs_at_the_tolerance_are_found_as_promised(num_columns, tolerance):
    rows = plant(np.random.default_rng(1), 2000, num_columns, tolerance)
    assert recall_of(search(rows, tolerance), 2000) >= 0.98


def test_the_same_rows_give_the_same_candidates():
    rows = plant(np.random.default_rng(2), 300, 5, 0.01)
    first, second = search(rows, 0.02), search(rows, 0.02)
    assert first.left.tolist() == second.left.tolist()
    assert first.right.tolist() == second.right.tolist()


def test_rows_under_different_keys_are_no_candidates():
    rows = np.zeros((4, 2), np.float32)
    found = search(rows, 0.02, np.array([1, 2, 1, 2], np.uint64))
    assert pairs_of(found) == {(0, 2), (1, 3)}


def test_rows_in_several_blocks_meet(monkeypatch):
    monkeypatch.setattr(neighbours, "_BLOCK_ROWS", 7)
    rows = plant(np.random.default_rng(3), 20, 5, 0.005)
    assert recall_of(search(rows, 0.02), 20) == 1


def test_too_many_rows_in_one_place_are_bounded_and_it_is_said(monkeypatch):
    monkeypatch.setattr(neighbours, "_MIN_CANDIDATES", 1000)
    found = search(np.zeros((2000, 3), np.float32), 0.02)
    assert found.bounded
    assert len(found.left) <= 4 * 2000


@pytest.mark.parametrize("num_rows", [0, 1, 2])
def test_few_rows_are_searched_too(num_rows):
    found = search(np.zeros((num_rows, 3), np.float32), 0.02)
    assert pairs_of(found) == ({(0, 1)} if num_rows == 2 else set())
    assert not found.bounded
