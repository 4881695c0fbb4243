from pathlib import Path

import pytest

from iovalence.atomic import replacing, write_folder, write_text
from iovalence.errors import StorageError


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "a.json"
    write_text(path, "old")
    write_text(path, "new")
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def write_half(path):
    with replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    write_text(path, "old")
    with pytest.raises(RuntimeError):
        write_half(path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path):
    def fill_the_disk(temporary):
        temporary.write_text("")
        with Path("/dev/full").open("w") as full:
            full.write("x")

    with (
        pytest.raises(StorageError, match="writing must be possible, got 'No space left"),
        replacing(tmp_path / "a.json") as temporary,
    ):
        fill_the_disk(temporary)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    def fill(folder):
        (folder / "one").write_text("1")
        assert not (tmp_path / "done").exists()

    write_folder(tmp_path / "done", fill)
    assert (tmp_path / "done" / "one").read_text() == "1"
    assert [p.name for p in tmp_path.iterdir()] == ["done"]
