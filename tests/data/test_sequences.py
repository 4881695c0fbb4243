"""Rows of a table become sequences: by group and file, in order of time."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.data.schema import Column, TableSchema
from iovalence.data.sequences import count_ties, find_sequences, order_rows
from iovalence.data.table import Table
from iovalence.errors import DataError


def make_table(who, at, num_rows=None):
    columns = (
        Column(name="who", kind="identifier", role="group"),
        Column(name="at", kind="numeric", role="time"),
        Column(name="label", kind="categorical", role="target"),
    )
    schema = TableSchema(
        columns=columns,
        target="label",
        task="classification",
        task_reason="",
        num_rows=num_rows or (len(who), 0, 0),
        files=(),
    )
    arrays = [pa.array(who, pa.string()), pa.array(at, pa.float64()), pa.array(["x"] * len(who))]
    return Table(schema, pa.table(arrays, names=["who", "at", "label"]))


def as_lists(sequences):
    return [sequences.take(np.array([at])).rows.tolist() for at in range(sequences.number)]


def test_rows_are_in_order_of_time_and_sequences_in_order_of_their_first_rows():
    table = make_table(["b", "a", "b", "a", "b"], [2, 1, 1, 0, 3])
    assert as_lists(find_sequences(table)) == [[2, 0, 4], [3, 1]]


def test_rows_of_the_same_time_stay_in_the_order_of_the_file_and_are_counted():
    table = make_table(["a", "b", "a", "a"], [1, 1, 0, 1])
    sequences = find_sequences(table)
    assert as_lists(sequences) == [[2, 0, 3], [1]]
    assert count_ties(table, sequences) == 1


def test_a_group_of_two_files_is_two_sequences():
    table = make_table(["a", "a", "a", "a"], [1, 0, 1, 0], num_rows=(2, 2, 0))
    assert as_lists(find_sequences(table)) == [[1, 0], [3, 2]]


def test_rows_without_a_group_or_a_time_are_named():
    table = make_table(["a", None, "b"], [1, 1, None], num_rows=(2, 1, 0))
    with pytest.raises(DataError) as caught:
        find_sequences(table)
    assert str(caught.value).splitlines() == [
        "data.group must be there in every row for model_type: rnn, found 'who' missing in 1 of 3 "
        "(train row 2); fill it in, or take these rows out",
        "data.time must be there in every row for model_type: rnn, found 'at' missing in 1 of 3 "
        "(validation row 1); fill it in, or take these rows out",
    ]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=1, max_size=60))
def test_every_row_is_in_one_sequence_of_its_group(pairs):
    group, time = (np.array(values) for values in zip(*pairs, strict=True))
    sequences = order_rows(group, time)
    assert sorted(sequences.rows) == [*range(len(pairs))]
    for rows in as_lists(sequences):
        assert len({group[row] for row in rows}) == 1
        assert [(time[row], row) for row in rows] == sorted((time[row], row) for row in rows)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(1, 9))
def test_what_is_split_off_and_what_is_kept_are_all_rows(group, most):
    sequences = order_rows(np.array(group), np.arange(len(group)))
    kept, cut = sequences.split_off(most)
    assert sorted([*kept.rows, *cut]) == [*range(len(group))]
    assert kept.lengths.max() <= most
    assert (kept.last == sequences.last).all()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(1, 20))
def test_pieces_hold_all_sequences_in_order(group, num_rows):
    sequences = order_rows(np.array(group), np.arange(len(group)))
    pieces = [*sequences.pieces(num_rows)]
    assert np.concatenate([some.rows for some in pieces]).tolist() == sequences.rows.tolist()
    assert all(some.number == 1 or len(some.rows) <= num_rows for some in pieces)


def test_what_is_kept_of_a_sequence_stays_in_order_and_empty_ones_go():
    sequences = order_rows(np.array([0, 1, 0, 1, 2]), np.array([1, 0, 0, 1, 0]))
    kept = sequences.keep(np.array([True, True, False, True, False]))
    assert as_lists(kept) == [[0], [1, 3]]
    assert kept.mark_last(5).tolist() == [True, False, False, True, False]
