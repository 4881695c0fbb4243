"""A schedule fires on the pinned versions: with SQLAlchemy 2.1 it never does, without an error."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.environment import silent
from flows.server import Server

SERVED = """\
from pathlib import Path
from prefect import flow

@flow
def tick():
    Path(__file__).with_name("ticked").touch()

if __name__ == "__main__":
    tick.serve(name="often", interval=2)
"""
PATIENCE_S = 240


@pytest.fixture
def ticked(own_server: Server, tmp_path: Path) -> Iterator[Path]:
    """Serve a flow on a schedule, and return the file that it makes when it runs."""
    script = tmp_path / "served.py"
    script.write_text(SERVED)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(script)],
            env=os.environ | silent() | {"PREFECT_API_URL": own_server.url},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield tmp_path / "ticked"
        finally:
            # Told to stop, it would wait for the runs that the schedule goes on making.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_flow_with_a_schedule_runs_by_itself(ticked: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not ticked.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert ticked.exists(), ticked.with_name("log").read_text()[-2000:]
