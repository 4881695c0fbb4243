from dataclasses import replace
from datetime import datetime

import pyarrow as pa
import pytest

from iovalence.data.written import WrittenCells
from iovalence.quality.examples import choose_columns, show_rows, show_value
from iovalence.quality.findings import Finding, RowNumber
from tests.quality.tables import build_table

FIRST, SECOND = RowNumber(source="train", row=2), RowNumber(source="test", row=1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5.0, "5"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (True, "true"),
        (None, None),
        ("", ""),
        (datetime(2026, 11, 22, 14, 15), "2026-11-22 14:15:00"),
        ("x" * 81, "x" * 79 + "…"),
    ],
)
def test_a_value_is_shown_as_a_person_would_write_it(value, text):
    assert show_value(value) == text


def test_rows_are_found_by_file_and_number():
    table = build_table({"a": [1.0, 2.0, 3.0], "y": ["n", None, "p"]}, num_rows=(2, 0, 1))
    assert show_rows(table, [FIRST, SECOND]) == {
        FIRST: {"a": "2", "y": None},
        SECOND: {"a": "3", "y": "p"},
    }


def test_columns_that_matter_come_first_and_twelve_at_most():
    columns = [(f"f{number}", "feature") for number in range(20)]
    columns += [("secret", "excluded"), ("y", "target"), ("key", "id")]
    shown = {row: dict.fromkeys((name for name, _ in columns), "1") for row in (FIRST, SECOND)}
    shown[SECOND]["f9"] = "2"
    finding = Finding(
        check="duplicates.near",
        severity="warning",
        count=1,
        share=0.1,
        message="",
        rows=(FIRST,),
        partners=(SECOND,),
        columns=("f17", "gone"),
    )
    chosen = choose_columns(columns, finding, shown)
    assert chosen[:5] == ["f17", "f9", "key", "y", "f0"]
    assert len(chosen) == 12


def test_a_value_that_lost_something_is_shown_as_it_was_written():
    table = build_table({"k": [1.2345678901234568e18, 2.0], "y": ["a", "b"]})
    cells = WrittenCells({"k": [(pa.array([0]), pa.array(["1234567890123456789"]))]})
    rows = [RowNumber(source="train", row=row) for row in (1, 2)]
    shown = show_rows(replace(table, written=cells), rows)
    assert [shown[row]["k"] for row in rows] == ["1234567890123456789", "2"]
