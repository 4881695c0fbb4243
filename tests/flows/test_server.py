import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from flows import server_process
from flows.environment import environment
from flows.server import OwnServer, answers, configured_url, prefect_server, start_own
from iovalence.errors import TrackingError

PROFILES = """
active = "office"

[profiles.office]
PREFECT_API_URL = "http://prefect.office:4200/api"

[profiles.home]
PREFECT_API_KEY = "x"
"""

STARTS_A_SERVER = """
import time
from flows.server import start_own
server = start_own()
print(server.process.pid, server.home, flush=True)
time.sleep(60)
"""


def has_ended(pid: int, within_s: float = 10) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_two_commands_at_once_have_a_server_each_and_leave_nothing(tmp_path: Path) -> None:
    unset = environment({"PREFECT_API_URL": ""})
    with prefect_server(tmp_path) as first, unset, prefect_server(tmp_path) as second:
        assert isinstance(first, OwnServer)
        assert isinstance(second, OwnServer)
        assert first.url != second.url
        assert first.home != second.home
    for server in (first, second):
        assert not server.home.exists()
        assert server.process.poll() is not None
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_has_ended_answers_no_more() -> None:
    server = start_own()
    server.stop()
    assert not answers(server.url, timeout=1)


def test_a_killed_command_leaves_no_server_and_no_files(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS_A_SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, home = parent.stdout.readline().split()
        assert psutil.pid_exists(int(pid))
        parent.send_signal(signal.SIGKILL)
    assert has_ended(int(pid))
    assert not Path(home).exists()


def test_a_server_that_ends_at_once_is_named_with_its_last_word(tmp_path: Path) -> None:
    (tmp_path / "server.log").write_text("starting\nValueError: no such table\n\n")
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    process.wait()
    server = OwnServer("http://127.0.0.1:9/api", process, tmp_path)
    with pytest.raises(TrackingError, match="its last word: ValueError: no such table; `iovalence"):
        server.wait()


def test_a_configured_server_that_is_away_is_one_line(tmp_path: Path) -> None:
    url = "http://127.0.0.1:9/api"
    message = r"must answer, got no answer \(http://127.0.0.1:9/api\); start it, or unset PREFECT"
    with (
        environment({"PREFECT_API_URL": url}),
        pytest.raises(TrackingError, match=message),
        prefect_server(tmp_path),
    ):
        pass


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "http://prefect.office:4200/api"),
        ({"PREFECT_API_URL": "http://mine/api"}, "http://mine/api"),
        ({"PREFECT_PROFILE": "home"}, None),
        ({"PREFECT_PROFILE": "unheard-of"}, None),
    ],
)
def test_the_configured_server_is_found_as_prefect_finds_it(
    tmp_path: Path, environ: dict[str, str], expected: str | None
) -> None:
    (tmp_path / "profiles.toml").write_text(PROFILES)
    assert configured_url({"PREFECT_HOME": str(tmp_path), **environ}) == expected


@pytest.mark.parametrize("content", [None, "", "active = ", "profiles = 3\nactive = 'a'"])
def test_without_readable_profiles_no_server_is_configured(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "profiles.toml").write_text(content)
    assert configured_url({"PREFECT_HOME": str(tmp_path)}) is None


def test_the_environment_is_as_before_after_a_block() -> None:
    os.environ.pop("IOVALENCE_TEST", None)
    with environment({"IOVALENCE_TEST": "1", "PATH": "/nowhere"}):
        assert os.environ["IOVALENCE_TEST"] == "1"
    assert "IOVALENCE_TEST" not in os.environ
    assert os.environ["PATH"] != "/nowhere"


def test_a_template_that_others_could_write_to_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_process.tempfile, "tempdir", str(tmp_path))
    path = server_process.template_path()
    assert path is not None
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.parent.chmod(0o770)
    assert server_process.template_path() is None


def test_a_database_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "prefect.db").write_text("mine")
    server_process.prepare_database(tmp_path)
    assert (tmp_path / "prefect.db").read_text() == "mine"
