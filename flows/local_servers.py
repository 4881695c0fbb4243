"""Own the servers that `iovalence up` keeps for a workspace: Prefect's and MLflow's.

What runs is noted in `servers.json` with the process's start: a number alone may long belong to
another process, and that one is never touched.
"""

import contextlib
import os
import platform
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Literal

from iovalence.atomic import explain_os_error
from iovalence.errors import StorageError, TrackingError
from iovalence.record import Record
from iovalence.runs.manifest import Process

Name = Literal["prefect", "mlflow"]
NAMES: tuple[Name, ...] = ("prefect", "mlflow")
PORTS: dict[Name, int] = {"prefect": 4200, "mlflow": 5000}
HEALTH: dict[Name, str] = {"prefect": "/api/health", "mlflow": "/health"}
START_SECONDS = 120
STOP_SECONDS = 10


class LocalServer(Record):
    """Name one server of a workspace.

    Attributes:
        name: Which of the two.
        port: On this machine alone.
        process: The first of its processes.
    """

    name: Name
    port: int
    process: Process

    @property
    def url(self) -> str:
        """Return where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    def is_running(self) -> bool:
        """Say whether its process is there, on this machine, and has not ended."""
        import psutil

        if self.process.host != platform.node() or self.process.is_dead():
            return False
        try:
            return bool(psutil.Process(self.process.pid).status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def is_healthy(self, timeout: float = 2) -> bool:
        """Say whether it answers within so many seconds."""
        try:
            with urllib.request.urlopen(self.url + HEALTH[self.name], timeout=timeout):
                return True
        except (urllib.error.URLError, OSError, HTTPException):
            return False


class LocalServers(Record):
    """Hold what was started for a workspace, as kept in servers.json."""

    servers: tuple[LocalServer, ...] = ()


def servers_file(workspace: Path) -> Path:
    """Return where the servers of a workspace are noted."""
    return workspace / "servers.json"


def log_file(workspace: Path, name: Name) -> Path:
    """Return where a server of a workspace writes its log."""
    return workspace / "logs" / f"{name}.log"


def list_running(workspace: Path) -> tuple[LocalServer, ...]:
    """Return the servers of a workspace whose processes are there."""
    path = servers_file(workspace)
    if not path.is_file():
        return ()
    try:
        noted = LocalServers.load(path)
    except StorageError:
        # Written by another version, or by hand: nothing in it may be ended.
        return ()
    return tuple(server for server in noted.servers if server.is_running())


def find_running(workspace: Path, name: Name) -> LocalServer | None:
    """Return a server of a workspace whose process is there, or None."""
    return next((server for server in list_running(workspace) if server.name == name), None)


def start_servers(workspace: Path) -> tuple[LocalServer, ...]:
    """Start what does not run yet, wait until both answer, and return them.

    Raises:
        TrackingError: A server ended, or did not answer in two minutes.
        StorageError: The workspace cannot be written to.
    """
    from filelock import FileLock

    try:
        (workspace / "logs").mkdir(parents=True, exist_ok=True)
        with FileLock(workspace / ".servers.lock"):
            running = {server.name: server for server in list_running(workspace)}
            for name in NAMES:
                if name not in running:
                    running[name] = _START[name](workspace)
            servers = tuple(running[name] for name in NAMES)
            LocalServers(servers=servers).save(servers_file(workspace))
    except StorageError:
        raise
    except OSError as err:
        raise explain_os_error(err, workspace, "writing") from err
    for server in servers:
        _wait(server, workspace)
    return servers


def _wait(server: LocalServer, workspace: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    log = log_file(workspace, server.name)
    while not server.is_healthy():
        if not server.is_running():
            raise TrackingError(
                f"the {server.name} server must start, but it ended; its last word: "
                f"{last_line(log)} ({log})"
            )
        if time.monotonic() > deadline:
            raise TrackingError(
                f"the {server.name} server must answer within {START_SECONDS} s; see {log}"
            )
        time.sleep(0.1)


def last_line(log: Path) -> str:
    """Return the last line of a log that says something."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    return next((line.strip() for line in reversed(lines) if line.strip()), "none")


def _start_prefect(workspace: Path) -> LocalServer:
    from flows.server_launch import launch

    home = workspace / "prefect"
    home.mkdir(exist_ok=True)
    with _listen(PORTS["prefect"]) as listening:
        port = listening.getsockname()[1]
        process = launch(listening, home, log_file(workspace, "prefect"), watch=False)
    return _note("prefect", port, process)


def _start_mlflow(workspace: Path) -> LocalServer:
    from iovalence.tracking.environment import SETTINGS, artifacts_folder, default_uri

    with _listen(PORTS["mlflow"]) as listening:
        port = listening.getsockname()[1]
    # MLflow binds its port itself, so that between these lines another process may take it.
    command = [sys.executable, "-P", "-m", "mlflow", "server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", default_uri(workspace)]
    command += ["--default-artifact-root", str(artifacts_folder(workspace))]
    with log_file(workspace, "mlflow").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | SETTINGS,
            cwd=workspace,
            start_new_session=True,
        )
    return _note("mlflow", port, process)


_START: dict[Name, Callable[[Path], LocalServer]] = {
    "prefect": _start_prefect,
    "mlflow": _start_mlflow,
}


def _note(name: Name, port: int, process: subprocess.Popen[bytes]) -> LocalServer:
    import psutil

    started = psutil.Process(process.pid).create_time()
    noted = Process(host=platform.node(), pid=process.pid, started=started)
    return LocalServer(name=name, port=port, process=noted)


def _listen(port: int) -> socket.socket:
    """Return a socket on this port, the next free one of a hundred, or any free one."""
    from flows.server_launch import listen

    for candidate in [*range(port, port + 100), 0]:
        try:
            return listen(candidate)
        except OSError as err:
            taken = err
    raise taken


def stop_servers(workspace: Path) -> tuple[LocalServer, ...]:
    """End the servers of a workspace with all their processes, and return those that ran."""
    from filelock import FileLock

    if not servers_file(workspace).is_file():
        return ()
    with FileLock(workspace / ".servers.lock"):
        running = list_running(workspace)
        for server in running:
            end_process(server.process.pid)
        servers_file(workspace).unlink(missing_ok=True)
    return running


def end_process(pid: int) -> None:
    """End a process and all that it started; what does not end in ten seconds is killed."""
    import psutil

    try:
        first = psutil.Process(pid)
        family = [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in family:
        _signal(process.terminate)
    _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
    for process in alive:
        _signal(process.kill)
    psutil.wait_procs(alive, timeout=STOP_SECONDS)


def _signal(send: Callable[[], None]) -> None:
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        send()
