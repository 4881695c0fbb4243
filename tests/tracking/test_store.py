"""The tracking store: made once, whatever runs beside it, and its failures told on one line."""

import os
import subprocess
import sys

import pytest

from iovalence.errors import ConfigError, TrackingError
from iovalence.tracking.environment import SETTINGS, default_uri, prepare_environment
from iovalence.tracking.store import UnreachableError, open_store, shown, telling

OPEN = """
import sys
from pathlib import Path
from iovalence.tracking.environment import default_uri
from iovalence.tracking.store import open_store
workspace = Path(sys.argv[1])
open_store(default_uri(workspace), workspace).create_experiment(sys.argv[2])
"""


def test_two_processes_at_once_on_a_fresh_store_both_work(tmp_path):
    commands = [[sys.executable, "-c", OPEN, str(tmp_path), name] for name in ("a", "b")]
    processes = [
        subprocess.Popen(command, stderr=subprocess.PIPE, cwd=tmp_path) for command in commands
    ]
    said = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert said == [b"", b""]
    found = open_store(default_uri(tmp_path), tmp_path).search_experiments()
    assert {experiment.name for experiment in found} == {"Default", "a", "b"}
    places = {experiment.artifact_location for experiment in found if experiment.name == "Default"}
    assert places == {str(tmp_path / "mlartifacts" / "0")}
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", ".mlflow.db.lock"}


def test_a_store_that_was_left_half_made_is_made_again(tmp_path):
    (tmp_path / ".mlflow.db.killed").mkdir()
    (tmp_path / ".mlflow.db.killed" / "mlflow.db").write_bytes(b"half")
    client = open_store(default_uri(tmp_path), tmp_path)
    assert client.get_experiment_by_name("Default") is not None


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("http://127.0.0.1:9", r"got no server there \(http://127.0.0.1:9\)"),
        ("http://no-such-host.invalid", "got an unknown host"),
        ("http://anna:secret@127.0.0.1:9", r"got no server there \(http://127.0.0.1:9\)"),
        ("http://127.0.0.1:port", "got 'Invalid url: http://127.0.0.1:port/"),
        ("gopher://x", r"got '.*unsupported URI 'gopher://x'"),
        ("file:///tmp/runs", "got 'The filesystem tracking backend"),
        ("mysql://127.0.0.1/x", "driver of the tracking database must be installed"),
    ],
)
def test_a_store_that_cannot_be_used_is_told_on_one_line(place, uri, message):
    with pytest.raises(TrackingError, match=message) as caught:
        place.publish(uri=uri)
    assert len(caught.value.faults) == 1
    assert "\n" not in caught.value.faults[0]
    assert "secret" not in caught.value.faults[0]
    assert len(caught.value.faults[0]) < 600


def test_a_file_that_is_no_database_is_told_on_one_line(place):
    other = place.workspace / "notes.txt"
    other.write_text("not a database, but long enough to be looked at " * 20)
    with pytest.raises(TrackingError, match="file is not a database"):
        place.publish(uri=f"sqlite:///{other}")


def test_a_server_that_does_not_answer_is_told_apart(place):
    with pytest.raises(UnreachableError, match="`iovalence sync` sends it later"):
        place.publish(uri="http://127.0.0.1:9")


def test_an_error_of_ours_is_left_as_it_is():
    with pytest.raises(TrackingError, match=r"^ours$"), telling("http://x"):
        raise TrackingError("ours")


def test_a_text_is_shown_without_passwords():
    text = "no http://anna:secret@host/x and postgresql://bob:word@db"
    assert shown(text) == "no http://host/x and postgresql://db"


def test_what_the_user_set_in_the_environment_stays(monkeypatch):
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    prepare_environment()
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "30"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    for name in SETTINGS:
        monkeypatch.setenv(name, os.environ[name])


def test_a_store_is_made_in_a_folder_of_any_name_but_one_with_a_question_mark(tmp_path):
    workspace = tmp_path / "a#b%20'c\" ü"
    workspace.mkdir()
    client = open_store(default_uri(workspace), workspace)
    assert client.get_experiment_by_name("Default") is not None
    assert (workspace / "mlflow.db").is_file()
    with pytest.raises(ConfigError, match=r"must have no '\?' in its path.*name another folder"):
        default_uri(tmp_path / "a?b")
