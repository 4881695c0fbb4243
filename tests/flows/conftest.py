"""Real servers that several tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.environment import QUIET, environment, silent
from flows.local_servers import LocalServer, start_servers, stop_servers
from flows.server import Server, start_own


@pytest.fixture(scope="session", autouse=True)
def no_configured_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    # A server of the one who runs the tests is not ours to write to.
    nowhere = tmp_path_factory.mktemp("no-profiles") / "profiles.toml"
    settings = {"PREFECT_API_URL": "", "PREFECT_PROFILES_PATH": str(nowhere)}
    with environment(silent() | QUIET | settings):
        yield


@pytest.fixture(scope="session")
def own_server() -> Iterator[Server]:
    server = start_own()
    try:
        server.wait()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def kept_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / ".iovalence"


@pytest.fixture(scope="session")
def kept_servers(kept_workspace: Path) -> Iterator[tuple[LocalServer, ...]]:
    try:
        yield start_servers(kept_workspace)
    finally:
        stop_servers(kept_workspace)
