"""A file whose unpickling would do harm, put in place of any file of a run, does none."""

import io
import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.command import main
from iovalence.config.load import load_config
from iovalence.errors import ExitStatus, IOValenceError
from iovalence.stages.resumed import NEWEST, find_unfinished, resume_run
from iovalence.stages.rows import make_ready
from iovalence.stages.stored import ingest_stage
from iovalence.stages.trained import train_stage
from tests.stages.conftest import run_stages
from tests.stages.test_pipeline import make_table

CONFIG = """\
data: {train_file: data.csv}
training: {epochs: 3, early_stopping: false, checkpoint_interval: 1, verbose: false}
"""
COMMANDS = [
    ["predict", "latest", "data.csv", "-o", "out.csv"],
    ["evaluate", "latest"],
    ["evaluate", "latest", "--data", "data.csv"],
    ["report", "latest", "--print-path"],
    ["runs"],
]


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.marker),)


class Bombed:
    """Put bombs in place of the files of a run and of the stages that it came from."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.marker = folder, folder / "marker"
        self.bomb = pickle.dumps(Bomb(self.marker))
        array = io.BytesIO()
        np.save(array, np.array([Bomb(self.marker)], dtype=object), allow_pickle=True)
        self.array_bomb = array.getvalue()

    def files(self) -> list[Path]:
        """Return all files but locks, which are empty."""
        found = (path for path in (self.folder / ".iovalence").rglob("*") if path.is_file())
        return [path for path in found if path.suffix != ".lock"]

    @contextmanager
    def planted(self, path: Path, bomb: bytes) -> Iterator[None]:
        """Keep the file's size: a stage whose sizes are others is done again, unread."""
        content = path.read_bytes()
        path.write_bytes(bomb.ljust(len(content), b"\0"))
        try:
            yield
        finally:
            path.write_bytes(content)

    def each(self) -> Iterator[Path]:
        """Yield each file while a bomb is in its place."""
        for path in self.files():
            for bomb in (self.bomb, self.array_bomb)[: 1 + (path.suffix == ".npy")]:
                with self.planted(path, bomb):
                    yield path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bombed")
    (folder / "data.csv").write_text(make_table())
    (folder / "config.yaml").write_text(CONFIG)
    run_stages(folder / "config.yaml")
    return folder


@pytest.fixture
def bombed(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Bombed:
    monkeypatch.chdir(trained)
    return Bombed(trained)


def test_such_a_file_does_harm_to_one_who_unpickles_it(bombed: Bombed) -> None:
    with pytest.raises(FileExistsError):
        [pickle.loads(bombed.bomb) for _ in range(2)]
    bombed.marker.rmdir()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_unpickles_a_file(
    bombed: Bombed, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    statuses = set()
    for path in bombed.each():
        statuses.add(main(command))
        said = capsys.readouterr().err
        assert not bombed.marker.exists(), path
        assert said.count("error: ") <= 1, path
        assert "itself failed" not in said, path
    assert statuses <= {ExitStatus.DONE, ExitStatus.OUTSIDE}


def resume(folder: Path) -> None:
    """Go on with the newest run, through its training."""
    loaded = load_config(folder / "config.yaml")
    ingested = ingest_stage(loaded)
    run = find_unfinished(loaded, NEWEST, print)
    assert run is not None
    resume_run(loaded, run, ingested)
    train_stage(loaded, run, make_ready(loaded, ingested, run))


def test_a_run_that_is_resumed_unpickles_no_file(bombed: Bombed) -> None:
    refused = {}
    for path in bombed.each():
        try:
            resume(bombed.folder)
        except IOValenceError as err:
            refused[path] = err.faults
        assert not bombed.marker.exists(), path
    assert {"manifest.json", "features.npy", "target.npy", "table.arrow"} <= {
        path.name for path in refused
    }
    assert all(str(path) in fault for path, (fault,) in refused.items())
