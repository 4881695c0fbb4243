import bz2
import csv
import gzip
import io
import lzma

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iovalence.data.delimited import read_delimited
from iovalence.data.dialect import find_dialect
from iovalence.data.section import DataSection
from iovalence.errors import DataError

KEY = "data.train_file"
PACKERS = {"plain": bytes, "gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def read(path) -> pa.Table:
    section = DataSection(train_file=path.name)
    dialect = find_dialect(path, KEY, section, target_needed=True)
    return pa.Table.from_batches(list(read_delimited(path, KEY, dialect)))


@pytest.fixture
def read_text(tmp_path):
    def read_text(text: str) -> pa.Table:
        path = tmp_path / "a.csv"
        path.write_text(text, encoding="utf-8", newline="")
        return read(path)

    return read_text


CELLS = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"], include_characters="\n,;|\t'\""),
    max_size=8,
)


@settings(max_examples=60)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS), min_size=2, max_size=20),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    packer=st.sampled_from(sorted(PACKERS)),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_every_dialect_encoding_and_packing_reads_to_the_same_cells(
    tmp_path_factory, rows, delimiter, encoding, packer, line_end
):
    text = io.StringIO(newline="")
    # A number in every row tells the header apart.
    table = [("n", "first", "second"), *((str(i), a, b) for i, (a, b) in enumerate(rows))]
    csv.writer(text, delimiter=delimiter, lineterminator=line_end).writerows(table)
    path = tmp_path_factory.mktemp("dialect") / "a.csv"
    path.write_bytes(PACKERS[packer](text.getvalue().encode(encoding)))
    found = read(path).to_pydict()
    assert found["first"] == [a for a, _ in rows]
    assert found["second"] == [b for _, b in rows]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_read(read_text, line_end):
    table = read_text("a,label\n1,x\n\n2,y\n".replace("\n", line_end))
    assert table.to_pydict() == {"a": ["1", "2"], "label": ["x", "y"]}


def test_a_quoted_header_with_a_line_break_is_one_name(read_text):
    table = read_text('"first\nname",label\n1,x\n2,y\n')
    assert table.column_names == ["first\nname", "label"]
    assert table.num_rows == 2


def test_ragged_rows_are_refused_with_their_numbers(read_text):
    rows = ["1,2,x"] * 10 + ["1,2"] + ["1,2,3,x"] * 6
    message = (
        "must have 3 fields in every row, found 7 with another number: row 11 has 2, row 12 has 4, "
        "row 13 has 4, row 14 has 4, row 15 has 4, and 2 more"
    )
    with pytest.raises(DataError, match=message):
        read_text("\n".join(["a,b,label", *rows]))


def test_a_quote_that_is_open_at_the_end_is_refused(read_text):
    message = "must close every quote, found one open at the end, before 'yes'"
    with pytest.raises(DataError, match=message):
        read_text('a,b,label\n1,x,no\n1,x,"yes\n1,2,3\n')


def test_a_quote_that_swallows_rows_is_hinted_at(read_text):
    with pytest.raises(DataError, match=r"row 2 has 2 \(line breaks within: is a quote left open"):
        read_text('a,b,label\n1,x,no\n2,"x,yes\n3,x,no\n')


def test_a_quoted_last_cell_with_a_line_break_is_whole(read_text):
    assert read_text('a,label\n1,x\n2,"y\nz"\n')["label"].to_pylist() == ["x", "y\nz"]


def test_an_open_quote_in_a_large_file_is_refused(read_text):
    rows = "1,x\n" * 10 + '2,"y\n' + "3,x\n" * 5_000_000
    with pytest.raises(DataError, match=r"a row longer than 8 MB, most likely a quote"):
        read_text("a,label\n" + rows)
