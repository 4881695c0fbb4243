import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iovalence.errors import DataError


def write(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)


def test_the_files_of_a_folder_are_one_table_in_the_order_of_their_names(tmp_path, read_table):
    write(tmp_path / "data", b="label,a\ny,3\n", a="a,label\n1,x\n2,y\n")
    (tmp_path / "data" / "c.csv.gz").write_bytes(gzip.compress(b"a;label\n4;x\n"))
    columns = read_table("data").columns
    assert columns["a"].to_pylist() == [1, 2, 3, 4]
    assert columns["label"].to_pylist() == ["x", "y", "y", "x"]


def test_a_glob_of_files_without_header_takes_the_stated_names(tmp_path, read_table):
    write(tmp_path, a="1.5,x\n2.5,y\n", b="3.5,x\n")
    table = read_table("?.csv", column_names=["a", "label"])
    assert table.columns["a"].to_pylist() == [1.5, 2.5, 3.5]


def test_files_with_other_columns_are_refused_by_their_names(tmp_path, read_table):
    write(tmp_path / "data", a="a,b,label\n1,2,x\n", b="a,c,label\n1,2,x\n")
    with pytest.raises(DataError, match=r"found b.csv without b and with c compared with a.csv"):
        read_table("data")


def test_files_of_several_kinds_are_refused(tmp_path, read_table):
    write(tmp_path / "data", a="a,label\n1,x\n")
    pq.write_table(pa.table({"a": [1], "label": ["x"]}), tmp_path / "data" / "b.parquet")
    message = r"one kind, found a.csv \(delimited\) and b.parquet \(parquet\)"
    with pytest.raises(DataError, match=message):
        read_table("data")


def test_integers_and_fractions_of_one_column_go_together(tmp_path, read_table):
    pq.write_table(pa.table({"a": [1, 2], "label": ["x", "y"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"a": [1.5], "label": ["x"]}), tmp_path / "b.parquet")
    pq.write_table(pa.table({"a": pa.nulls(1), "label": ["x"]}), tmp_path / "c.parquet")
    assert read_table("*.parquet").columns["a"].to_pylist() == [1, 2, 1.5, None]


def test_one_column_of_two_types_is_refused(tmp_path, read_table):
    pq.write_table(pa.table({"a": [1, 2], "label": ["x", "y"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"a": ["1"], "label": ["x"]}), tmp_path / "b.parquet")
    message = "column 'a' as int64 in a.parquet and string in b.parquet"
    with pytest.raises(DataError, match=message):
        read_table("*.parquet")


def test_columns_of_one_name_in_an_arrow_file_are_refused(tmp_path, read_table):
    table = pa.table([[1, 2], [3, 4], ["x", "y"]], names=["a", "a", "label"])
    with pa.ipc.new_file(tmp_path / "a.arrow", table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(DataError, match="a name of its own, found two alike"):
        read_table("a.arrow")


def test_text_that_is_not_utf_8_is_noted(tmp_path, read_table):
    (tmp_path / "train.csv").write_bytes("ville,label\nÎle,x\nMünchen,y\n".encode("cp1252"))
    table = read_table()
    assert "train.csv is not UTF-8: read as Windows-1252" in table.schema.notes
    assert table.columns["ville"].to_pylist() == ["Île", "München"]
