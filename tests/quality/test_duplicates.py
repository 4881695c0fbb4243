import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.data.ingest import ingest, load_table
from iovalence.data.section import DataSection
from iovalence.quality import duplicates
from iovalence.quality.duplicates import check_exact, find_first_copies, first_copies
from tests.quality.tables import build_table

CELLS = st.sampled_from(["", "a", "b", None])
NUMBERS = st.sampled_from([0.0, -0.0, 1.5, None])


def first_by_comparing(rows: list[tuple]) -> list[int]:
    return [rows.index(row) for row in rows]


def check(table, action="fix"):
    target = table.columns[table.schema.target].combine_chunks()
    everything = np.ones(table.num_rows, dtype=bool)
    return check_exact(table, find_first_copies(table, target), everything, action)


@given(st.lists(st.tuples(NUMBERS, CELLS, st.sampled_from([True, False, None])), min_size=1))
def test_first_copies_are_those_that_comparing_every_row_finds(rows):
    types = (pa.float64(), pa.string(), pa.bool_())
    arrays = [
        pa.array(column, type=kind)
        for column, kind in zip(zip(*rows, strict=True), types, strict=True)
    ]
    table = pa.table(arrays, ["x", "c", "b"])
    assert first_copies(table).tolist() == first_by_comparing(rows)


@given(st.lists(st.tuples(NUMBERS, CELLS), min_size=1))
def test_rows_that_share_a_hash_are_told_apart_by_their_values(rows):
    numbers, cells = zip(*rows, strict=True)
    table = pa.table([pa.array(numbers, pa.float64()), pa.array(cells, pa.string())], ["x", "c"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "hash_rows", lambda table: np.zeros(table.num_rows, np.uint64))
        assert first_copies(table).tolist() == first_by_comparing(rows)


def test_only_rows_that_share_a_hash_are_compared(monkeypatch):
    compared = []
    real = duplicates.rows_equal
    monkeypatch.setattr(
        duplicates,
        "rows_equal",
        lambda columns, left, right: compared.append(len(left)) or real(columns, left, right),
    )
    monkeypatch.setattr(duplicates, "_BLOCK_ROWS", 3)
    table = pa.table({"x": [1.0, 2.0, 3.0, 2.0, 4.0, 1.0, 2.0]})
    assert first_copies(table).tolist() == [0, 1, 2, 1, 4, 0, 1]
    assert sum(compared) == 3


def test_columns_in_several_chunks_give_the_same_codes():
    chunks = pa.chunked_array([["a", "b"], ["b", "a"], []], type=pa.string())
    assert first_copies(pa.table({"c": chunks})).tolist() == [0, 1, 1, 0]


def test_a_row_that_differs_in_a_column_that_is_no_feature_is_no_copy():
    table = build_table({"x": [1.0, 1.0], "name": ["Ann", "Eve"], "y": ["a", "a"]})
    assert check(table)[0] == ()


def test_a_row_that_differs_in_its_id_alone_is_a_copy():
    table = build_table({"x": [1.0, 1.0], "n": ["1", "2"], "y": ["a", "a"]}, row_id="n")
    assert check(table)[1].tolist() == [False, True]


def test_a_missing_value_equals_a_missing_value():
    table = build_table({"x": [None, None, 1.0], "c": [None, None, "a"], "y": ["a", "a", "a"]})
    assert check(table)[1].tolist() == [False, True, False]


def test_fix_keeps_the_first_of_each_kind_and_says_how_many_left():
    table = build_table({"x": [1.0, 2.0, 1.0, 1.0], "y": ["a", "b", "a", "a"]})
    (finding,), leaves = check(table)
    assert leaves.tolist() == [False, False, True, True]
    assert finding.severity == "info"
    assert finding.message == (
        "rows of the train file must differ, found 2 of 4 to be copies (train row 3, train row 4)"
    )
    assert finding.done == "removed 2 rows, the first of each kind stays"


def test_copies_in_a_given_file_are_reported_and_stay():
    table = build_table({"x": [1.0, 2.0, 1.0, 1.0], "y": ["a", "b", "a", "a"]}, num_rows=(2, 0, 2))
    (finding,), leaves = check(table)
    assert not leaves.any()
    assert (finding.severity, finding.count, finding.share) == ("warning", 1, 0.5)
    assert "rows of the test file must differ, found 1 of 2 to be copies (test row 2)" in (
        finding.message
    )
    assert finding.done == "kept: rows of a given file are never removed"


def test_a_row_of_the_test_file_is_no_copy_of_one_of_the_train_file():
    table = build_table({"x": [1.0, 1.0], "y": ["a", "a"]}, num_rows=(1, 0, 1))
    assert check(table)[0] == ()


@pytest.mark.parametrize(("action", "severity"), [("warn", "warning"), ("fail", "failure")])
def test_warn_and_fail_report_copies_and_remove_none(action, severity):
    table = build_table({"x": [1.0] * 9, "y": ["a"] * 9})
    (finding,), leaves = check(table, action)
    assert not leaves.any()
    assert finding.severity == severity
    assert finding.done == "kept, copies in one part"
    assert len(finding.rows) == 5
    assert "train row 6 and 3 more)" in finding.message
    assert finding.advice.endswith("or set quality.duplicates.exact: fix")


def test_off_reports_nothing():
    assert check(build_table({"x": [1.0, 1.0], "y": ["a", "a"]}), "off")[0] == ()


def read(tmp_path, text, **settings):
    (tmp_path / "t.csv").write_text(text)
    ingest(DataSection(train_file="t.csv", **settings), tmp_path, tmp_path)
    return load_table(tmp_path)


@pytest.mark.parametrize(
    ("one", "other"),
    [("1234567890123456789", "1234567890123456790"), ("low", "high")],
)
@pytest.mark.parametrize("settings", [{}, {"exclude": ["k"]}])
def test_rows_that_only_their_writing_tells_apart_are_no_copies(tmp_path, one, other, settings):
    lines = [f"{at},{at / 7},{'pq'[at % 2]}" for at in range(60)]
    text = "\n".join(["k,x,y", *lines, f"{one},5,p", f"{other},5,p", f"{one},5,p"])
    table = read(tmp_path, text, **settings)
    first = find_first_copies(table, table.columns["y"].combine_chunks())
    assert first[60:].tolist() == [60, 61, 60]
