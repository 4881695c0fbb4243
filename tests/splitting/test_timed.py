from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.data.section import DataSection
from iovalence.errors import DataError
from iovalence.quality.checks import check_rows
from iovalence.quality.section import QualitySection
from iovalence.splitting.split import split_rows
from iovalence.splitting.timed import assign_by_time
from tests.quality.tables import build_table


def assign(time, unit=None, *, shares=(0.2, 0.2)):
    time = np.array(time)
    return assign_by_time(time, np.arange(len(time)) if unit is None else np.array(unit), shares)


def test_the_earliest_rows_are_trained_on_and_the_latest_are_the_test():
    order = np.random.default_rng(0).permutation(100)
    part = assign(order)
    assert part[np.argsort(order)].tolist() == [0] * 60 + [1] * 20 + [2] * 20


def test_a_part_that_is_not_asked_for_leaves_its_rows_to_the_others():
    assert assign(range(10), shares=(0.0, 0.2)).tolist() == [0] * 8 + [2] * 2
    assert assign(range(10), shares=(0.2, 0.0)).tolist() == [0] * 8 + [1] * 2


@given(st.lists(st.integers(0, 8), min_size=3, max_size=60))
def test_equal_times_never_straddle_a_boundary_and_no_part_is_empty(times):
    if len(set(times)) < 3:
        return
    part = assign(times)
    spans = [[time for time, at in zip(times, part, strict=True) if at == one] for one in range(3)]
    assert max(spans[0]) < min(spans[1]) <= max(spans[1]) < min(spans[2])


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9)), min_size=3, max_size=60))
def test_every_row_of_train_is_earlier_than_the_last_of_each_later_group(rows):
    time, group = map(np.array, zip(*rows, strict=True))
    latest = {one: time[group == one].max() for one in group.tolist()}
    if len(set(latest.values())) < 3:
        return
    part = assign(time, group)
    for early, late in ((0, 1), (1, 2)):
        ends = [latest[one] for one in group[part == late].tolist()]
        assert time[part == early].max() < min(ends)
    assert all(len(set(part[group == one].tolist())) == 1 for one in latest)


def test_fewer_times_than_parts_are_refused_with_the_numbers():
    with pytest.raises(
        DataError, match=r"must end at 3 different times at least, .* got 2; name a"
    ):
        assign([1, 1, 2, 2])


def split(times):
    columns = {"x": np.arange(float(len(times))), "when": times, "y": ["a", "b"] * 10}
    table = build_table(columns, time="when")
    checked = check_rows(table, QualitySection(), num_parts_split=3, class_weights_given=False)
    return split_rows(table, checked, DataSection(train_file="x", split="time", time="when"), 1)


def test_dates_are_ordered_too():
    days = [datetime(2020, 3, 1) - timedelta(days=day) for day in range(20)]
    assert split(days).tolist() == [2] * 3 + [1] * 3 + [0] * 14


def test_a_row_without_a_time_is_refused_with_its_number():
    with pytest.raises(DataError, match=r"'when' missing in 2 of 20 \(train row 3, train row 6\)"):
        split([None if at in (2, 5) else float(at) for at in range(20)])
