import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.quality.checks import check_rows
from iovalence.quality.leakage import check_copies, check_groups, find_shared
from iovalence.quality.section import QualitySection
from tests.quality.tables import build_table

NO_PAIRS = np.empty((0, 2), dtype=np.int64)


def shared(kin, part, *, pairs=(), given=(False, False)):
    pairs = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return find_shared(np.array(kin), pairs, np.array(part, dtype=np.int8), given=given)


@pytest.mark.parametrize(
    ("given", "leaves", "stays"),
    [
        ((False, False), [0, 1, 2], []),
        ((False, True), [0, 1, 2], []),
        ((True, False), [0, 1, 3], []),
        ((True, True), [0, 1], [2]),
    ],
)
def test_train_leaves_first_then_what_was_split_off_and_never_a_given_file(given, leaves, stays):
    found = shared([0, 0, 0, 0, 4], [0, 0, 1, 2, 0], given=given)
    assert np.flatnonzero(found.leaves).tolist() == leaves
    assert np.flatnonzero(found.stays).tolist() == stays


def test_near_copies_count_for_their_exact_copies_too():
    found = shared([0, 0, 2, 3], [0, 0, 2, 0], pairs=[(1, 2)])
    assert found.leaves.tolist() == [True, True, False, False]


def test_a_row_of_train_stays_where_its_like_in_validation_leaves():
    found = shared([0, 1, 2], [0, 1, 2], pairs=[(0, 1), (1, 2)])
    assert found.leaves.tolist() == [False, True, False]
    assert not found.of_validation.any()


def test_rows_that_leaked_from_validation_are_told_from_those_of_the_test():
    found = shared([0, 1, 0, 1], [0, 0, 1, 2])
    assert found.of_validation.tolist() == [True, False, False, False]


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(-1, 2)), min_size=1, max_size=30),
    st.tuples(st.booleans(), st.booleans()),
)
def test_nothing_is_shared_once_the_rows_have_left_but_between_given_files(rows, given):
    kin, part = map(np.array, zip(*rows, strict=True))
    found = shared(kin, part, given=given)
    part[found.leaves] = -1
    again = shared(kin, part, given=given)
    assert not again.leaves.any()
    assert again.stays.tolist() == found.stays.tolist()
    assert all(given) or not found.stays.any()


def files(**columns):
    x = [1.0, 2.0, 3.0, 4.0, 2.0, 5.0, 3.0, 5.0]
    labels = ["a", "b", "a", "b", "b", "a", "a.", "a"]
    return build_table({"x": x, "y": labels, **columns}, num_rows=(4, 2, 2), group="g")


PART = np.array([0, 0, 0, 0, 1, 1, 2, 2], dtype=np.int8)


def look(table, check, action):
    if check == "group":
        return check_groups(table, PART, action)
    checked = check_rows(table, QualitySection(), num_parts_split=1, class_weights_given=False)
    return check_copies(table, checked, PART, action)


def test_a_row_in_two_files_leaves_train_and_given_files_stay():
    findings, found = look(files(), "copies", "fix")
    assert found.leaves.tolist() == [False, True, True] + [False] * 5
    assert [(one.severity, one.count) for one in findings] == [("info", 2), ("warning", 1)]
    assert findings[0].message == (
        "no row, nor a near copy of it, may be in two parts, found rows that are: 1 of train in "
        "validation, 1 of train in test (train row 2, train row 3)"
    )
    assert [str(row) for row in findings[0].partners] == ["validation row 1", "test row 1"]
    assert findings[0].done == "took 2 out of train"
    assert "1 of validation in test (validation row 2)" in findings[1].message


@pytest.mark.parametrize(("action", "severity"), [("warn", "warning"), ("fail", "failure")])
def test_what_is_not_fixed_is_reported_with_the_way_to_fix_it(action, severity):
    findings, _ = look(files(), "copies", action)
    assert [one.severity for one in findings] == [severity] * 2
    assert findings[0].advice.endswith("or set quality.leakage.copies: fix")
    assert [one.done for one in findings] == ["", "kept: rows of a given file are never removed"]


def test_what_is_off_is_not_looked_for():
    assert look(files(), "copies", "off") == ((), None)
    assert look(files(g=["u"] * 8), "group", "off") == ((), None)


def test_a_group_in_two_files_is_found_and_rows_without_one_are_not():
    groups = ["u", "v", None, "w", "u", None, "v", None]
    findings, found = look(files(g=groups), "group", "fail")
    assert found.leaves.tolist() == [True, True] + [False] * 6
    assert findings[0].severity == "failure"
    assert (
        "found 2 of 3 groups of 'g' in two, with rows that are: 1 of train in"
        in findings[0].message
    )
