import numpy as np
import pytest

from iovalence.quality.alone import (
    MAX_ROWS,
    compute_open,
    compute_open_together,
    recodes,
    sample_rows,
)

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 900)
NUMBERS = RNG.lognormal(size=900)


def sample(target):
    return sample_rows(np.arange(len(target)), np.array(target))


def test_a_sample_holds_as_many_rows_of_each_class_as_there_are_or_may_be():
    labels = np.repeat([0, 1, 2], [30_000, 2_000, 3])
    found = sample(labels)
    assert np.bincount(found.target).tolist() == [MAX_ROWS // 2, 2_000]
    assert (labels[found.rows] == found.target).all()
    assert len(sample(np.arange(30_000.0)).rows) == MAX_ROWS


@pytest.mark.parametrize("target", [LABELS, NUMBERS])
def test_a_column_that_says_nothing_leaves_nearly_all_open(target):
    rng = np.random.default_rng(1)
    assert compute_open(rng.normal(size=900), sample(target)) > 0.85
    assert compute_open(rng.integers(0, 200, 900), sample(target)) > 0.85


@pytest.mark.parametrize("target", [LABELS, NUMBERS])
def test_a_column_that_says_all_leaves_nothing_open(target):
    order = np.argsort(np.argsort(target, kind="stable")) * 2.5
    assert compute_open(order, sample(target)) < 1e-9
    assert compute_open(-np.log1p(target), sample(target)) < 1e-9


def test_missing_values_may_say_something():
    values = np.where(LABELS == 1, np.nan, LABELS.astype(float))
    assert compute_open(values, sample(LABELS)) == 0


def test_a_category_is_judged_on_rows_that_it_was_not_learned_from():
    assert compute_open(np.arange(900), sample(LABELS)) > 0.85
    assert compute_open(LABELS, sample(LABELS)) == 0
    assert compute_open(LABELS, sample(LABELS * 10.0)) < 0.01


def test_a_label_under_other_names_is_known_with_noise_in_it():
    noisy = np.where(np.arange(900) % 20 == 0, (LABELS + 1) % 3, LABELS)
    assert recodes(noisy, sample(LABELS)) == pytest.approx(0.95, abs=0.02)
    assert recodes(noisy * 1.5, sample(LABELS)) == recodes(noisy, sample(LABELS))
    assert recodes(np.minimum(LABELS, 1), sample(LABELS)) == 0


def test_columns_together_leave_less_open_than_each():
    rng = np.random.default_rng(2)
    one, other = rng.normal(size=900), rng.normal(size=900)
    found = sample((one + other > 0).astype(np.int64))
    together = compute_open_together({"a": one, "b": other}, found)
    assert together < 0.15 < compute_open(one, found)
