import threading
import time

import pytest

from iovalence.errors import DataError, StorageError
from iovalence.runs.store import StageStore, hash_of


def test_a_stage_is_done_once_for_the_same_input(tmp_path):
    store, calls = StageStore(tmp_path), []

    def write(folder):
        calls.append(folder)
        (folder / "result").write_text("x")

    first = store.produce("split", {"seed": 1}, write)
    again = store.produce("split", {"seed": 1}, write)
    assert (len(calls), first.reused, again.reused) == (1, False, True)
    assert first.folder == again.folder
    assert (first.folder / "result").read_text() == "x"


@pytest.mark.parametrize("damage", ["cut", "deleted"])
def test_a_stage_whose_files_were_damaged_is_done_again(tmp_path, damage):
    store = StageStore(tmp_path)

    def write(folder):
        (folder / "result").write_text("whole")

    result = store.produce("split", {}, write).folder / "result"
    result.write_text("wh") if damage == "cut" else result.unlink()
    assert not store.produce("split", {}, write).reused
    assert result.read_text() == "whole"


def test_another_input_is_another_folder(tmp_path):
    store = StageStore(tmp_path)
    folders = {
        store.produce("split", {"seed": seed}, lambda folder: None).folder for seed in (1, 2)
    }
    assert len(folders) == 2


def test_a_stage_that_fails_leaves_nothing(tmp_path):
    def write(folder):
        (folder / "half").write_text("x")
        raise DataError("rows must be whole")

    with pytest.raises(DataError):
        StageStore(tmp_path).produce("split", {}, write)
    assert [path.name for path in (tmp_path / "split").iterdir() if path.is_dir()] == []


def test_two_at_once_write_a_stage_once(tmp_path):
    store, calls = StageStore(tmp_path), []

    def write(folder):
        calls.append(folder)
        time.sleep(0.1)

    threads = [threading.Thread(target=store.produce, args=("split", {}, write)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def test_a_store_that_cannot_be_written_is_named(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StorageError, match="writing must be possible"):
        StageStore(blocked).produce("split", {}, lambda folder: None)


def test_the_hash_does_not_depend_on_the_order_of_keys():
    assert hash_of({"a": 1, "b": 2}) == hash_of({"b": 2, "a": 1})
    assert hash_of({"a": 1}) != hash_of({"a": "1"})
