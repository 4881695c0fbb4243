"""Own which Prefect server a command uses: the user's, the workspace's, or one of its own.

Nothing here imports prefect: a server has to boot while that import runs.
"""

import http.client
import os
import shutil
import subprocess
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.environment import environment
from flows.local_servers import find_running, last_line
from iovalence.errors import TrackingError

BOOT_SECONDS = 120
ANSWER_SECONDS = 10
LOG_NAME = "server.log"


@dataclass(frozen=True)
class Server:
    """Name a Prefect server that others started.

    Attributes:
        url: Where its API is.
    """

    url: str
    is_own = False
    # Prefect's own five take a minute where the server has gone.
    max_retries = 3

    def settings(self) -> dict[str, str]:
        """Return the environment with which Prefect uses it."""
        return {"PREFECT_API_URL": self.url}

    def wait(self) -> None:
        """Return at once: it has answered already."""

    def stop(self) -> None:
        """Leave it alone."""


@dataclass(frozen=True)
class OwnServer(Server):
    """Hold a Prefect server that serves this command alone.

    Attributes:
        process: Ends with this command, also when that is killed.
        home: Its files; removed with it.
    """

    process: subprocess.Popen[bytes]
    home: Path
    is_own = True

    def settings(self) -> dict[str, str]:
        """Return the environment with which Prefect uses it; nobody will read its log."""
        return super().settings() | {
            "PREFECT_HOME": str(self.home),
            "PREFECT_LOGGING_TO_API_ENABLED": "false",
        }

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            TrackingError: It ended, or did not answer within two minutes.
        """
        deadline = time.monotonic() + BOOT_SECONDS
        while not answers(self.url, timeout=deadline - time.monotonic()):
            if self.process.poll() is not None:
                raise TrackingError(
                    "the Prefect server of this command must start, but it ended; its last word: "
                    f"{last_line(self.home / LOG_NAME)}; `iovalence doctor` may name the cause"
                )
            if time.monotonic() > deadline:
                raise TrackingError(
                    f"the Prefect server must answer within {BOOT_SECONDS} s ({self.url})"
                )
            time.sleep(0.05)

    def stop(self) -> None:
        """End it and remove its files."""
        # It holds nothing that anyone wants to keep: a clean end takes a quarter of a second.
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        shutil.rmtree(self.home, ignore_errors=True)


@contextmanager
def prefect_server(workspace: Path) -> Iterator[Server]:
    """Name the server to use, with the environment set for it, and end it if it is our own.

    The one in the environment or in the active Prefect profile comes first, then the one that
    `iovalence up` keeps for this workspace, then one of our own, which is still booting here:
    import what is needed, then `wait`.

    Raises:
        TrackingError: A server that the user has configured does not answer.
    """
    server = _choose(workspace)
    try:
        with environment(server.settings()):
            yield server
    finally:
        server.stop()


def _choose(workspace: Path) -> Server:
    configured = configured_url(os.environ)
    if configured is not None:
        if not answers(configured, timeout=ANSWER_SECONDS):
            raise TrackingError(
                f"the Prefect server that is configured must answer, got no answer ({configured}); "
                "start it, or unset PREFECT_API_URL and the active Prefect profile"
            )
        return Server(configured)
    running = find_running(workspace, "prefect")
    if running is not None and answers(f"{running.url}/api", timeout=ANSWER_SECONDS):
        return Server(f"{running.url}/api")
    return start_own()


def configured_url(environ: Mapping[str, str]) -> str | None:
    """Return the API's address that the user has configured, or None.

    Args:
        environ: The environment: PREFECT_API_URL, or the profile that it or Prefect's own file
            of profiles names.
    """
    if environ.get("PREFECT_API_URL"):
        return environ["PREFECT_API_URL"]
    home = Path(environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    path = Path(environ.get("PREFECT_PROFILES_PATH", home / "profiles.toml")).expanduser()
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        active = environ.get("PREFECT_PROFILE", found.get("active"))
        return str(found["profiles"][active]["PREFECT_API_URL"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def answers(url: str, *, timeout: float) -> bool:
    """Say whether a Prefect API answers; one that asks for a password does."""
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=max(timeout, 0.1)):
            return True
    except urllib.error.HTTPError as err:
        return err.code in {401, 403, 404}
    except (OSError, http.client.HTTPException, ValueError):
        return False


def start_own() -> OwnServer:
    """Start a server for this command alone, and return at once; its files are temporary."""
    from flows.server_launch import launch, listen

    home = Path(tempfile.mkdtemp(prefix="iovalence-server-"))
    with listen(0) as listening:
        port = listening.getsockname()[1]
        process = launch(listening, home, home / LOG_NAME, watch=True)
    return OwnServer(f"http://127.0.0.1:{port}/api", process, home)
