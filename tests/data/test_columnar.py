import datetime as dt
import decimal
import gzip
import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iovalence.data.columnar import UNSUPPORTED, read_columnar, read_schema
from iovalence.errors import DataError

KEY = "data.train_file"
TABLE = pa.table(
    {
        "tiny": pa.array([1, 2, None], pa.uint8()),
        "huge": pa.array([2**64 - 1, 0, None], pa.uint64()),
        "half": pa.array([1.5, float("nan"), None], pa.float32()),
        "price": pa.array([decimal.Decimal("1.25"), None, None]),
        "job": pa.array(["cook", "clerk", None]).dictionary_encode(),
        "name": pa.array(["x", "y", None], pa.large_string()),
        "day": pa.array([dt.date(2020, 1, 2), None, None]),
        "at": pa.array([dt.datetime(2020, 1, 2, 3), None, None], pa.timestamp("ns", "UTC")),
        "flag": pa.array([True, False, None]),
        "list": pa.array([[1], [2, 3], None]),
        "label": pa.array([0, 1, 0]),
    }
)
PLAIN = {
    "tiny": pa.int64(),
    "huge": pa.uint64(),
    "half": pa.float64(),
    "price": pa.float64(),
    "job": pa.string(),
    "name": pa.string(),
    "day": pa.timestamp("us"),
    "at": pa.timestamp("ns"),
    "flag": pa.bool_(),
    "list": pa.string(),
    "label": pa.int64(),
}


def write_parquet(path) -> str:
    pq.write_table(TABLE, path)
    return "parquet"


def write_file(path) -> str:
    with pa.ipc.new_file(path, TABLE.schema) as writer:
        writer.write_table(TABLE)
    return "arrow file"


def write_stream(path) -> str:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, TABLE.schema) as writer:
        writer.write_table(TABLE)
    return "arrow stream"


@pytest.mark.parametrize("write", [write_parquet, write_file, write_stream])
def test_every_type_becomes_a_plain_one_that_holds_it(tmp_path, write):
    file_format = write(tmp_path / "a")
    schema = read_schema(tmp_path / "a", KEY, file_format)
    assert dict(zip(schema.names, schema.types, strict=True)) == PLAIN
    table = pa.Table.from_batches(list(read_columnar(tmp_path / "a", KEY, file_format)))
    assert table.schema == schema
    assert table.to_pydict() == {
        "tiny": [1, 2, None],
        "huge": [2**64 - 1, 0, None],
        "half": [1.5, None, None],
        "price": [1.25, None, None],
        "job": ["cook", "clerk", None],
        "name": ["x", "y", None],
        "day": [dt.datetime(2020, 1, 2), None, None],
        "at": [dt.datetime(2020, 1, 2, 3), None, None],
        "flag": [True, False, None],
        "list": ["[1]", "[2, 3]", None],
        "label": [0, 1, 0],
    }


def test_what_no_plain_type_holds_is_marked(tmp_path):
    schema = read_schema(tmp_path / "a", KEY, write_parquet(tmp_path / "a"))
    assert schema.field("list").metadata == {UNSUPPORTED: b"list<element: int64>"}


def test_parquet_from_pandas_is_read_packed_too(tmp_path, read_table):
    frame = pd.DataFrame({"a": [1.5, 2.5, 3.5], "job": ["x", "y", "x"], "label": [1, 0, 1]})
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    (tmp_path / "train.parquet.gz").write_bytes(gzip.compress(buffer.getvalue()))
    table = read_table("train.parquet.gz")
    assert table.columns["label"].to_pylist() == ["1", "0", "1"]
    assert table.columns["a"].to_pylist() == [1.5, 2.5, 3.5]


@pytest.mark.parametrize("write", [write_parquet, write_file])
def test_a_file_that_is_cut_off_is_refused(tmp_path, write):
    path = tmp_path / "a"
    file_format = write(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=f"must be a whole {file_format} file, found it damaged"):
        read_schema(path, KEY, file_format)


def test_a_parquet_file_with_altered_pages_is_refused(tmp_path):
    path = tmp_path / "a"
    pq.write_table(pa.table({"a": list(range(10_000)), "label": ["x", "y"] * 5000}), path)
    content = bytearray(path.read_bytes())
    content[30:400] = b"\xa5" * 370
    path.write_bytes(content)
    with pytest.raises(
        DataError, match=r"data.train_file must be a whole .*file, found it damaged"
    ):
        list(read_columnar(path, KEY, "parquet"))


@pytest.mark.parametrize("write", [write_parquet, write_file, write_stream])
def test_a_file_of_one_batch_is_read_in_small_ones(tmp_path, monkeypatch, write):
    path = tmp_path / "a"
    file_format = write(path)
    whole = pa.Table.from_batches(read_columnar(path, KEY, file_format))
    monkeypatch.setattr("iovalence.data.columnar.BATCH_ROWS", 2)
    batches = list(read_columnar(path, KEY, file_format))
    assert [batch.num_rows for batch in batches] == [2, 1]
    assert pa.Table.from_batches(batches).equals(whole)
