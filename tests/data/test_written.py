from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iovalence.data.ingest import load_table
from iovalence.data.schema import Column
from iovalence.data.written import WrittenCells, WrittenFile, load_written
from iovalence.errors import StorageError
from tests.data.conftest import rows_of

WIDE = 1234567890123456789


def written(table):
    return {name: texts.drop_null().to_pylist() for name, texts in table.with_written().items()}


def test_a_table_whose_values_say_all_has_no_file_of_written_cells(read_text, tmp_path):
    text = rows_of(40, x=lambda i: f"{i / 8:.20f}", big=lambda i: "1.5e300", no=lambda i: "nan")
    assert written(read_text(text)) == {}
    assert not (tmp_path / "out-1" / "written.arrow").exists()


def test_digits_that_float64_loses_are_kept_of_used_and_unused_columns(read_text):
    text = rows_of(40, x=lambda i: i / 8, k=lambda i: WIDE + i, o=lambda i: i or WIDE)
    table = read_text(text, exclude=["k"])
    assert written(table) == {"k": [str(WIDE + i) for i in range(40)], "o": [str(WIDE)]}
    assert table.with_written()["o"].to_pylist()[:2] == [str(WIDE), None]


def test_values_that_do_not_fit_are_kept_with_their_rows(read_text, tmp_path, read_table):
    (tmp_path / "test.csv").write_text("x,label\n1,0\nhigh,1\n" + "2,0\n" * 40)
    text = rows_of(60, x=lambda i: "low" if i == 5 else i / 8)
    (tmp_path / "train.csv").write_text(text)
    found = read_table(test_file="test.csv").with_written()["x"]
    assert {row: text for row, text in enumerate(found.to_pylist()) if text} == {
        5: "low",
        61: "high",
    }


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        (pa.array([2**53 - 1, 2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (pa.array([1, WIDE]), [str(WIDE)]),
        (pa.array([Decimal("1.500"), Decimal("12345678901234567.250")]), ["12345678901234567.25"]),
        (
            pa.array([1_577_836_800_000_001_000, 1_577_836_800_000_000_001], pa.timestamp("ns")),
            ["2020-01-01 00:00:00.000000001"],
        ),
    ],
)
def test_what_the_types_of_parquet_hold_is_kept(tmp_path, read_table, values, kept):
    table = pa.table({"v": values, "w": [1, 2], "label": ["a", "b"]})
    pq.write_table(table, tmp_path / "train.parquet")
    assert written(read_table("train.parquet")) == {"v": kept}


def test_texts_come_back_at_their_rows_however_they_were_added(tmp_path):
    with WrittenFile(tmp_path / "w") as file:
        file.add(1, pa.array([2, 3]), pa.array(["c", "d"]))
        file.add(0, pa.array([0]), pa.array(["a"]))
        file.add(1, pa.array([5, 7]), pa.array(["f", "h"]))
    columns = [Column(name=name, kind="numeric", role="feature") for name in "xy"]
    cells = load_written(tmp_path / "w", columns)
    assert cells.column("y", 9).to_pylist() == [None, None, "c", "d", None, "f", None, "h", None]
    assert cells.column("x", 2).to_pylist() == ["a", None]


def test_rows_without_any_share_the_memory_of_nothing():
    cells = WrittenCells({"x": [(pa.array([900_000]), pa.array(["a"]))]})
    found = cells.column("x", 1_000_000)
    assert (len(found), found.null_count) == (1_000_000, 999_999)
    assert len({chunk.buffers()[1].address for chunk in found.chunks if len(chunk) > 1}) <= 3


def test_a_damaged_file_is_named(read_text, tmp_path):
    read_text(rows_of(40, x=lambda i: i / 8, k=lambda i: WIDE + i))
    (tmp_path / "out-1" / "written.arrow").write_bytes(b"ARROW1")
    with pytest.raises(StorageError, match=r"written.arrow must be whole"):
        load_table(tmp_path / "out-1")
