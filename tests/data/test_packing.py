import bz2
import gzip
import lzma

import pyarrow as pa
import pytest

from iovalence.data.packing import find_format, unpacked
from iovalence.errors import DataError

KEY = "data.train_file"
TEXT = b"a,label\n" + b"1,x\n2,y\n" * 5000


def _zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def read_all(path) -> bytes:
    with unpacked(path, KEY) as file:
        return b"".join(iter(lambda: file.read(1 << 16), b""))


PACKERS = {"gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zstd": _zstd}


@pytest.mark.parametrize("packer", PACKERS)
def test_a_packed_file_is_unpacked_whatever_its_name(tmp_path, packer):
    path = tmp_path / "train.csv"
    path.write_bytes(PACKERS[packer](TEXT))
    assert read_all(path) == TEXT
    assert find_format(path, KEY) == "delimited"


@pytest.mark.parametrize("packer", PACKERS)
def test_a_packed_file_that_is_cut_off_is_refused(tmp_path, packer):
    path = tmp_path / "train.csv"
    path.write_bytes(PACKERS[packer](TEXT)[:-9])
    with pytest.raises(DataError, match="must be a whole file, found it damaged"):
        read_all(path)


# A zstd stream carries no checksum unless it is asked for.
@pytest.mark.parametrize("packer", ["gzip", "bz2", "xz"])
def test_a_packed_file_with_altered_bytes_is_refused(tmp_path, packer):
    content = bytearray(PACKERS[packer](TEXT))
    middle = len(content) // 2
    content[middle : middle + 8] = b"\xa5" * 8
    path = tmp_path / "train.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match="must be a whole file, found it damaged"):
        read_all(path)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "a.csv").touch()
    with pytest.raises(DataError, match=r"data.train_file must hold rows, found an empty file"):
        find_format(tmp_path / "a.csv", KEY)


@pytest.mark.parametrize(
    ("head", "name"), [(b"PK\x03\x04", "Excel workbook"), (b"SQLite format 3\0", "SQLite")]
)
def test_files_of_other_programs_are_refused_by_name(tmp_path, head, name):
    (tmp_path / "a.csv").write_bytes(head + bytes(100))
    with pytest.raises(DataError, match=f"found an? .*{name}.*export the table as CSV"):
        find_format(tmp_path / "a.csv", KEY)
