"""Own how a Prefect server's process is started, for one command or for a workspace."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from flows.environment import SILENT

PROGRAM = Path(__file__).with_name("server_process.py")


def listen(port: int) -> socket.socket:
    """Return a socket that listens on a port of this machine alone; 0 is any free one.

    Raises:
        OSError: The port is taken.
    """
    return socket.create_server(("127.0.0.1", port))


def launch(
    listening: socket.socket, home: Path, log: Path, *, watch: bool
) -> subprocess.Popen[bytes]:
    """Start a server on a listening socket, in a session of its own.

    Args:
        listening: What it serves on; the caller may close its own end.
        home: Folder of its database.
        log: File that takes what it prints.
        watch: End it when this process ends, and remove `home`.
    """
    # -P and its own folder: a folder `flows` or a `prefect.toml` of the user's is not for it.
    command = [sys.executable, "-P", str(PROGRAM), str(listening.fileno()), str(home)]
    with log.open("ab") as output:
        # A session of its own: Ctrl-C goes to us, and the server has to outlive our last words.
        return subprocess.Popen(
            [*command, "--watch"] if watch else command,
            stdin=subprocess.PIPE if watch else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_settings(listening, home),
            cwd=home,
            pass_fds=[listening.fileno()],
            start_new_session=True,
        )


def _settings(listening: socket.socket, home: Path) -> dict[str, str]:
    # The user's PREFECT_ settings mean the user's server: its database is not ours to write to.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    return (
        inherited
        | SILENT
        | {
            "PREFECT_HOME": str(home),
            "PREFECT_SERVER_API_HOST": "127.0.0.1",
            "PREFECT_SERVER_API_PORT": str(listening.getsockname()[1]),
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        }
    )
