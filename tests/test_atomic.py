import os
from pathlib import Path

import pytest

from iovalence.atomic import (
    meant_name,
    owner_of,
    replacing,
    scratch_folder,
    write_folder,
    write_text,
)
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


def test_a_temporary_file_and_a_scratch_folder_tell_their_process(tmp_path):
    with replacing(tmp_path / "a.json") as temporary:
        temporary.write_text("half")
        assert owner_of(temporary) == os.getpid()
    with scratch_folder(tmp_path, "work") as folder:
        (folder / "file").write_text("x")
        assert (owner_of(folder), meant_name(folder)) == (os.getpid(), None)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_that_is_being_written_tells_the_name_it_will_have(tmp_path):
    names = []
    write_folder(tmp_path / "0a1b", lambda folder: names.append(meant_name(folder)))
    assert names == ["0a1b"]


@pytest.mark.parametrize("name", ["a.json", ".tracking.lock", ".a.tmp", ".git", "a.12.tmp"])
def test_other_names_tell_nothing(name):
    assert (owner_of(Path(name)), meant_name(Path(name))) == (None, None)
