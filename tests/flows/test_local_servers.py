import os
import platform
import socket
import subprocess
from pathlib import Path

import httpx
import psutil
import pytest

from flows.local_servers import (
    LocalServer,
    LocalServers,
    end_process,
    find_running,
    list_running,
    log_file,
    servers_file,
    start_servers,
    stop_servers,
)
from iovalence.runs.manifest import Process

# The servers that tests share go on when the object that started them is gone.
pytestmark = pytest.mark.filterwarnings("ignore:.*Popen.__del__")


def note_server(workspace: Path, process: Process) -> None:
    server = LocalServer(name="mlflow", port=5999, process=process)
    LocalServers(servers=(server,)).save(servers_file(workspace))


def test_both_servers_answer_on_this_machine_alone(
    kept_servers: tuple[LocalServer, ...], kept_workspace: Path
) -> None:
    assert [server.name for server in kept_servers] == ["prefect", "mlflow"]
    for server in kept_servers:
        assert server.is_healthy()
        assert log_file(kept_workspace, server.name).is_file()
        family = [
            psutil.Process(server.process.pid),
            *psutil.Process(server.process.pid).children(recursive=True),
        ]
        listening = {
            connection.laddr.ip
            for process in family
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}


def test_starting_twice_starts_nothing_more(
    kept_servers: tuple[LocalServer, ...], kept_workspace: Path
) -> None:
    assert start_servers(kept_workspace) == kept_servers
    assert find_running(kept_workspace, "mlflow") == kept_servers[1]


def test_the_mlflow_server_shows_the_store_that_training_writes_to(
    kept_servers: tuple[LocalServer, ...], kept_workspace: Path
) -> None:
    from iovalence.tracking.environment import default_uri
    from iovalence.tracking.store import find_experiment, open_store

    uri = default_uri(kept_workspace)
    find_experiment(open_store(uri, kept_workspace), "adult", uri, kept_workspace)
    found = httpx.get(
        f"{kept_servers[1].url}/api/2.0/mlflow/experiments/get-by-name",
        params={"experiment_name": "adult"},
    )
    assert found.json()["experiment"]["artifact_location"].startswith(kept_workspace.as_uri())


def test_ending_what_does_not_run_is_fine(tmp_path: Path) -> None:
    assert stop_servers(tmp_path) == ()
    assert stop_servers(tmp_path) == ()


def test_a_number_that_another_process_has_by_now_is_never_ended(tmp_path: Path) -> None:
    note_server(tmp_path, Process(host=platform.node(), pid=os.getppid(), started=1.0))
    assert list_running(tmp_path) == ()
    assert stop_servers(tmp_path) == ()
    assert psutil.pid_exists(os.getppid())


def test_a_server_of_another_machine_is_not_taken_for_one_of_this(tmp_path: Path) -> None:
    this = Process.this()
    note_server(tmp_path, this.model_copy(update={"host": "another"}))
    assert list_running(tmp_path) == ()


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"servers": [{"pid": 1}]}'])
def test_notes_that_cannot_be_read_name_no_server(tmp_path: Path, content: str) -> None:
    servers_file(tmp_path).write_text(content)
    assert list_running(tmp_path) == ()


def test_a_process_is_ended_with_its_children() -> None:
    script = "sleep 60 & sleep 60"
    with subprocess.Popen(["sh", "-c", script], start_new_session=True) as child:
        parent = psutil.Process(child.pid)
        while len(family := [parent, *parent.children(recursive=True)]) < 2:
            pass
        end_process(child.pid)
    assert not any(process.is_running() for process in family)


def test_a_taken_port_is_passed_over() -> None:
    from flows.local_servers import _listen

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with _listen(port) as found:
            assert found.getsockname()[1] != port
