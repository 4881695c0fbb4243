"""Where the data of a run are now, when it was trained on several files."""

import glob

import pytest

from iovalence.data.files import fingerprint
from iovalence.reproduction.data import locate_data
from iovalence.runs.manifest import hash_file
from tests.stages.conftest import run_stages
from tests.stages.test_pipeline import make_table

CONFIG = """\
data: {{train_file: "{folder}/[0-9].csv", test_file: test.csv}}
training: {{epochs: 1, verbose: false}}
run: {{keep_data: copy}}
"""


@pytest.fixture
def folder(tmp_path):
    """Return a folder with three tables and a configuration that finds two by a glob."""
    folder = tmp_path / "a [b]"
    folder.mkdir()
    for name, seed in (("1.csv", 1), ("2.csv", 2), ("test.csv", 3)):
        (folder / name).write_text(make_table(60, seed))
    (folder / "config.yaml").write_text(CONFIG.format(folder=glob.escape(str(folder))))
    return folder


@pytest.fixture
def locate(folder):
    """Train; return a function that says where the data are."""
    finished = run_stages(folder / "config.yaml")
    section = finished.loaded.config.data
    return lambda: locate_data(finished.run, finished.run.manifest(), section, (folder,))


def test_files_of_a_glob_are_named_one_by_one(folder, locate):
    copies = next(folder.glob(".iovalence/runs/*/data"))
    copies.rename(copies.with_name("no-data"))
    (folder / "1.csv").unlink()
    (folder / "3.csv").write_text(make_table(60, 4))
    found = [(line.what, line.then[:4], line.now[:4]) for line in locate().differences]
    then, now = hash_file(copies.with_name("no-data") / "train" / "0000-1.csv"), folder / "3.csv"
    assert found == [
        (f"data.train_file {folder / '1.csv'}", then[:4], "gone"),
        (f"data.train_file {folder / '3.csv'}", "not ", hash_file(now)[:4]),
    ]


def test_copies_of_several_files_are_read_in_the_order_of_then(folder, locate):
    for name in ("1.csv", "test.csv"):
        (folder / name).unlink()
    located = locate()
    assert located.differences == ()
    assert len(located.notes) == 2
    read = fingerprint(located.section, located.base)
    assert [file.path[-10:] for file in read] == ["0000-1.csv", "0001-2.csv", "2-test.csv"]
