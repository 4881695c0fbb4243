from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from iovalence.data.table import Table
from iovalence.errors import StorageError
from iovalence.quality.profile import (
    MAX_CATEGORIES,
    MAX_SAMPLED,
    Profile,
    build_profile,
    draw_evenly,
)
from iovalence.quality.sketch import build_sketch, compute_ks
from tests.quality.tables import build_table


def profile_of(values, num_rows=None):
    labels = ["a", "b"] * len(values)
    table = build_table({"x": values, "y": labels[: len(values)]}, num_rows=num_rows)
    return build_profile(table).columns[0]


def test_numbers_have_their_range_and_their_distribution():
    found = profile_of([2.0, None, -1.0, 2.0])
    assert (found.num_missing, found.kind, found.role) == (1, "numeric", "feature")
    assert (found.numbers.minimum, found.numbers.maximum, found.numbers.num_known) == (-1, 2, 3)
    assert (found.sketch.knots, found.sketch.up_to) == ((-1.0, 2.0), (1, 3))


def test_huge_whole_numbers_are_numbers_as_any():
    found = profile_of([1e300, -9007199254740993.0])
    assert (found.numbers.minimum, found.numbers.maximum) == (-9007199254740992.0, 1e300)


def test_infinite_numbers_of_a_column_that_is_not_used_are_left_out():
    found = profile_of([1.0, np.inf, -np.inf, 4.0])
    assert (found.numbers.num_known, found.sketch.knots) == (2, (1.0, 4.0))


@pytest.mark.parametrize("missing", [[None, np.nan], [np.nan, np.inf]])
def test_a_column_without_a_finite_number_has_no_distribution(missing):
    found = profile_of([np.nan if value is None else value for value in missing])
    assert (found.numbers, found.sketch, found.categories) == (None, None, None)


def test_categories_are_counted_the_most_frequent_first():
    found = profile_of(["u", "v", "v", None]).categories
    assert list(found.counts.items()) == [("v", 2), ("u", 1)]
    assert (found.num_known, found.num_single, found.num_rest) == (3, 1, 0)


def test_true_and_false_are_categories():
    assert profile_of([True, False, True, None]).categories.counts == {"true": 2, "false": 1}


def test_of_very_many_categories_the_rarest_are_only_counted():
    values = [f"c{at}" for at in range(MAX_CATEGORIES + 5)] * 2 + ["c0"]
    found = profile_of(values).categories
    assert len(found.counts) == MAX_CATEGORIES
    assert (found.counts["c0"], found.num_rest, found.num_known) == (3, 10, len(values))


def test_times_have_their_first_and_last():
    found = profile_of([datetime(2026, 1, 2), None, datetime(2025, 12, 31, 6)])
    assert found.period.earliest == "2025-12-31T06:00:00"
    assert found.period.latest == "2026-01-02T00:00:00"


def test_only_the_rows_of_the_train_file_are_profiled():
    found = profile_of([1.0, 2.0, 99.0], num_rows=(2, 0, 1))
    assert found.numbers.maximum == 2
    assert build_profile(build_table({"y": ["a"]})).num_rows == 1


def test_rows_are_drawn_evenly_where_there_are_many():
    rows = draw_evenly(3 * MAX_SAMPLED + 1)
    assert len(rows) == len(np.unique(rows)) == MAX_SAMPLED
    assert rows[0] < 4
    assert rows[-1] > 3 * MAX_SAMPLED - 4
    assert draw_evenly(MAX_SAMPLED) is None


def test_a_sketch_of_some_rows_is_near_that_of_all():
    numbers = np.random.default_rng(0).normal(size=2 * MAX_SAMPLED)
    table = build_table({"y": numbers})
    pieces = pa.chunked_array([numbers[:1000], numbers[1000:1000], numbers[1000:]])
    found = build_profile(Table(table.schema, pa.table({"y": pieces}))).columns[0]
    assert found.numbers.num_known == 2 * found.sketch.num_sampled == 2 * MAX_SAMPLED
    assert (found.numbers.minimum, found.numbers.maximum) == (numbers.min(), numbers.max())
    assert compute_ks(found.sketch, build_sketch(numbers)) < 0.005


def test_a_profile_is_read_back_as_it_was_written(tmp_path):
    values = {"a": [1.5, None], "b": ["ü", "\u2028"], "c": [True, None], "y": ["u", "v"]}
    profile = build_profile(build_table(values))
    profile.save(tmp_path / "profile.json")
    assert Profile.load(tmp_path / "profile.json") == profile


def test_a_profile_of_another_layout_is_refused(tmp_path):
    path = tmp_path / "profile.json"
    path.write_text('{"layout": 2, "num_rows": 1, "target": "y"}')
    with pytest.raises(StorageError, match="must hold a Profile of this version"):
        Profile.load(path)
