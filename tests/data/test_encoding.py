import pytest

from iovalence.data.encoding import find_encoding
from iovalence.data.packing import BLOCK_BYTES
from iovalence.errors import DataError

KEY = "data.train_file"


@pytest.fixture
def find(tmp_path):
    def find(content: bytes) -> str:
        path = tmp_path / "a.csv"
        path.write_bytes(content)
        return find_encoding(path, KEY)

    return find


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_utf_8_is_found_with_and_without_its_mark(find, encoding):
    assert find("ville,été\n東京,1\n".encode(encoding)) == "utf-8"


def test_utf_16_is_found_by_its_mark(find):
    assert find("ville,été\n東京,1\n".encode("utf-16")) == "utf-16"


def test_western_text_that_is_not_utf_8_is_windows_1252(find):
    assert find("ville,prix\nMünchen,5 €\nÎle-de-Ré,3\n".encode("cp1252")) == "cp1252"


def test_a_character_may_lie_across_two_blocks(find):
    assert find(b"a" * (BLOCK_BYTES - 1) + "é,1\n".encode()) == "utf-8"


def test_utf_8_with_a_broken_character_is_refused_with_its_line(find):
    content = "ville,été\n東京,1\n".encode() + b"a,1\n\xe9t\xe9,2\n"
    with pytest.raises(DataError, match=r"must be text in UTF-8, .* first at line 4 .*save"):
        find(content)


def test_another_alphabet_is_refused_rather_than_garbled(find):
    with pytest.raises(DataError, match="must be text in UTF-8 or Windows-1252"):
        find("город,1\nМосква,2\n".encode("cp1251"))


def test_a_byte_that_windows_1252_leaves_undefined_is_refused(find):
    with pytest.raises(DataError, match="must be text in UTF-8 or Windows-1252"):
        find(b"a,b\n\xe9\x81,1\n")


def test_a_nul_byte_means_binary_data(find):
    with pytest.raises(DataError, match="found binary data: a NUL byte in line 3"):
        find(b"a,b\n1,2\n3,\0\n")


def test_a_torn_utf_16_is_refused(find):
    with pytest.raises(DataError, match="must be text in UTF-16"):
        find("a,b\n1,2\n".encode("utf-16")[:-1])
