"""A finished run that each test may damage, and the way to make it again."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from iovalence.reproduction.again import Audience
from iovalence.reproduction.difference import Reproduction
from iovalence.reproduction.reproduce import reproduce
from iovalence.runs.folder import RunFolder
from tests.stages.conftest import run_stages
from tests.stages.test_pipeline import make_table

CONFIG = """\
data: {train_file: data.csv}
training: {epochs: 4, checkpoint_interval: 2}
run: {keep_data: copy}
"""


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Train once; return the project's folder and the run's id."""
    folder = tmp_path_factory.mktemp("recorded") / "project"
    folder.mkdir()
    (folder / "data.csv").write_text(make_table())
    (folder / "config.yaml").write_text(CONFIG)
    run = run_stages(folder / "config.yaml").run
    shutil.copytree(folder, folder.with_name("pristine"))
    return folder, run.run_id


@pytest.fixture
def recorded(pristine: tuple[Path, str]) -> RunFolder:
    """Return the run as it was when it ended, with its data and configuration beside it."""
    folder, run_id = pristine
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(folder.with_name("pristine"), folder)
    return RunFolder(folder / ".iovalence" / "runs" / run_id)


@pytest.fixture
def data(recorded: RunFolder) -> Path:
    """Return the table that the run was trained on."""
    return recorded.root.parents[2] / "data.csv"


@pytest.fixture
def told() -> list[str]:
    """Collect what people are told while a run is made again."""
    return []


@pytest.fixture
def again(told: list[str]) -> Callable[[RunFolder], Reproduction]:
    """Return a function that makes a run again."""

    @contextmanager
    def show(loaded: object) -> Iterator[None]:
        yield None

    return lambda run: reproduce(run, Audience(told.append, show))
