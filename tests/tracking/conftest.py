"""Real runs, made once; a fresh SQLite store for each test, copied from one; a real server."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest

from iovalence.runs.folder import RunFolder
from iovalence.runs.manifest import Process
from iovalence.tracking.environment import SETTINGS, default_uri, prepare_environment
from iovalence.tracking.publish import Published, publish
from iovalence.tracking.store import open_store
from tests.stages.conftest import run_stages

CONFIG = """\
data:
  train_file: members.csv
training:
  epochs: 6
  early_stopping: false
  verbose: false
comments:
  training.epochs: "*few* rows"
"""


def members(num_rows: int = 200) -> pd.DataFrame:
    """Return a table with a column of each kind, missing values and a copied row."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": random.integers(18, 90, num_rows),
            "income": random.normal(50, 12, num_rows).round(2),
            "city": random.choice(["Graz", "Linz", "Wien"], num_rows),
            "member": random.choice(["yes", "no"], num_rows),
            "joined": pd.date_range("2020-01-01", periods=num_rows).strftime("%Y-%m-%d"),
        }
    )
    score = frame.income + frame.age / 4 + random.normal(0, 4, num_rows)
    frame["label"] = np.where(score > 62, "high", "low")
    frame.loc[::17, "income"] = np.nan
    frame.loc[::23, "city"] = None
    return pd.concat([frame, frame.iloc[[3]]])


@dataclass(frozen=True)
class Pattern:
    """Hold what every test copies: a run of each task, and an empty store."""

    classification: Path
    regression: Path
    database: Path


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Pattern:
    prepare_environment()
    folder = tmp_path_factory.mktemp("pattern")
    members().to_csv(folder / "members.csv", index=False)
    config = folder / "members.yaml"
    config.write_text(CONFIG)
    classification = run_stages(config).run.root
    regression = run_stages(config, ("data.target=income",)).run.root
    open_store(default_uri(folder), folder)
    return Pattern(classification, regression, folder / "mlflow.db")


@dataclass(frozen=True)
class Place:
    """Hold a workspace with one run and a store of its own."""

    workspace: Path
    run: RunFolder
    uri: str

    def publish(self, *, final: bool = True, **changes: object) -> Published:
        settings = {"uri": self.uri, "experiment": "members"} | changes
        return publish(self.run.root, final=final, **settings)

    def restart(self) -> None:
        """Make the run one that goes on in this process."""
        self.run.update(status="RUNNING", ended_at=None, files={}, process=Process.this())


def copy_run(run: Path, database: Path, folder: Path) -> Place:
    """Copy a run and a store into a workspace of their own."""
    workspace = folder / "work space"
    copy = workspace / "runs" / run.name
    shutil.copytree(run, copy)
    shutil.copyfile(database, workspace / "mlflow.db")
    return Place(workspace, RunFolder(copy), default_uri(workspace))


@pytest.fixture
def place(pattern: Pattern, tmp_path: Path) -> Place:
    return copy_run(pattern.classification, pattern.database, tmp_path)


@pytest.fixture
def client(place: Place) -> Any:
    return open_store(place.uri, place.workspace)


@dataclass(frozen=True)
class Done:
    """Hold a run that has been published, for tests that only look."""

    place: Place
    client: Any
    published: Published

    @property
    def shown(self) -> Any:
        return self.client.get_run(self.published.mlflow_run_id)


@pytest.fixture(scope="session")
def done(pattern: Pattern, tmp_path_factory: pytest.TempPathFactory) -> Done:
    place = copy_run(pattern.classification, pattern.database, tmp_path_factory.mktemp("published"))
    place.run.update(flow_run_id="f-1", git_commit="abc+")
    published = place.publish(tags={"team": "north"}, rows="full", register_as="members")
    return Done(place, open_store(place.uri, place.workspace), published)


@pytest.fixture(scope="session")
def done_regression(pattern: Pattern, tmp_path_factory: pytest.TempPathFactory) -> Done:
    place = copy_run(pattern.regression, pattern.database, tmp_path_factory.mktemp("regression"))
    published = place.publish()
    return Done(place, open_store(place.uri, place.workspace), published)


class Server:
    """Run a real MLflow server on the loopback, which can be killed and brought back.

    Attributes:
        workspace: The one whose store it serves.
        address: Where it answers.
    """

    def __init__(self, workspace: Path) -> None:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            self._port = listening.getsockname()[1]
        self.workspace = workspace
        self.address = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
        command += ["--port", str(self._port), "--workers", "1"]
        command += ["--backend-store-uri", default_uri(self.workspace)]
        command += ["--artifacts-destination", str(self.workspace / "mlartifacts")]
        with (self.workspace / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.workspace, env=os.environ | SETTINGS
            )
        _wait(self.address, self._process)

    def kill(self) -> None:
        """Kill it with SIGKILL, and the processes that it started."""
        children = psutil.Process(self._process.pid).children(recursive=True)
        for process in [*children, self._process]:
            process.kill()
        self._process.wait()


@pytest.fixture(scope="session")
def mlflow_server(pattern: Pattern, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    workspace = tmp_path_factory.mktemp("served")
    shutil.copyfile(pattern.database, workspace / "mlflow.db")
    server = Server(workspace)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="session")
def server(mlflow_server: Server) -> tuple[str, Path]:
    """Return the address of a real MLflow server, and the workspace that it serves."""
    return mlflow_server.address, mlflow_server.workspace


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2):
                return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.2)
    raise RuntimeError("the MLflow server must start")
