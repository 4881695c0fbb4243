import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from iovalence.data.files import find_files, fingerprint
from iovalence.data.section import DataSection
from iovalence.errors import DataError

KEY = "data.train_file"


@pytest.fixture
def as_nobody(tmp_path: Path) -> Iterator[None]:
    """Run as a user whom permissions bind; root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_a_file_is_found_relative_to_the_base(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    assert find_files("a.csv", tmp_path, KEY) == (tmp_path / "a.csv",)


def test_a_folder_gives_its_data_files_in_the_order_of_their_names(tmp_path):
    for name in ("b.csv", "a.csv.gz", "README.md", ".c.csv", "_SUCCESS.csv", "notes"):
        (tmp_path / name).write_text("x")
    (tmp_path / "sub.csv").mkdir()
    names = [path.name for path in find_files(".", tmp_path, KEY)]
    assert names == ["a.csv.gz", "b.csv"]


def test_a_glob_gives_what_it_matches_whatever_the_suffix(tmp_path):
    for name in ("part-2", "part-1", "other"):
        (tmp_path / name).write_text("x")
    names = [path.name for path in find_files("part-*", tmp_path, KEY)]
    assert names == ["part-1", "part-2"]


def test_a_name_with_the_marks_of_a_glob_is_a_file_when_it_is_there(tmp_path):
    (tmp_path / "a[1].csv").write_text("x")
    assert find_files("a[1].csv", tmp_path, KEY) == (tmp_path / "a[1].csv",)


def test_a_missing_file_is_answered_with_the_nearest_name(tmp_path):
    (tmp_path / "train.csv").write_text("x")
    message = "data.train_file must name a file, a folder or a glob, found nothing"
    with pytest.raises(DataError, match=rf"{message} \(.*trian.csv\); did you mean 'train.csv'\?"):
        find_files("trian.csv", tmp_path, KEY)


def test_a_file_in_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"found nothing \(.*nowhere/train.csv\)$"):
        find_files("nowhere/train.csv", tmp_path, KEY)


def test_a_folder_without_data_files_is_refused(tmp_path):
    (tmp_path / "README.md").write_text("x")
    with pytest.raises(DataError, match="CSV, TSV, Parquet or Arrow files, found none"):
        find_files(".", tmp_path, KEY)


def test_a_folder_without_permission_is_refused(tmp_path, as_nobody):
    locked = tmp_path / "locked"
    os.seteuid(os.getuid())
    locked.mkdir()
    (locked / "a.csv").write_text("a,label\n1,x\n")
    locked.chmod(0o000)
    os.seteuid(65534 if os.getuid() == 0 else os.getuid())
    with pytest.raises(
        DataError, match=r"data.train_file must be readable, got 'Permission denied'"
    ):
        find_files("locked", tmp_path, KEY)
    with pytest.raises(
        DataError, match=r"data.train_file must be readable, got 'Permission denied'"
    ):
        find_files("locked/a.csv", tmp_path, KEY)


def test_a_file_without_permission_is_refused(tmp_path, as_nobody):
    path = tmp_path / "a.csv"
    os.seteuid(os.getuid())
    path.write_text("a,label\n1,x\n")
    path.chmod(0o000)
    os.seteuid(65534 if os.getuid() == 0 else os.getuid())
    with pytest.raises(DataError, match=f"got 'Permission denied' \\({re.escape(str(path))}\\)"):
        fingerprint(DataSection(train_file="a.csv"), tmp_path)


def test_the_fingerprint_is_the_hash_of_the_bytes_of_every_file(tmp_path):
    for name in ("a.csv", "b.csv", "t.csv"):
        (tmp_path / name).write_text(name)
    files = fingerprint(DataSection(train_file="[ab].csv", test_file="t.csv"), tmp_path)
    assert [(file.source, Path(file.path).name) for file in files] == [
        ("train", "a.csv"),
        ("train", "b.csv"),
        ("test", "t.csv"),
    ]
    assert files[2].sha256 == hashlib.sha256(b"t.csv").hexdigest()
    assert files[2].num_bytes == 5
