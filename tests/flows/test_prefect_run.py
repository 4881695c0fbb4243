import os
import signal
import time
from pathlib import Path

import pytest
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.prefect_run import run_flow
from flows.server import OwnServer, Server, prefect_server, start_own
from iovalence.errors import DataError, TrackingError

# The servers that tests share go on when the object that started them is gone.
pytestmark = pytest.mark.filterwarnings("ignore:.*Popen.__del__")


@task(cache_policy=NO_CACHE, persist_result=False)
def double(number: int) -> int:
    return 2 * number


@task(cache_policy=NO_CACHE, persist_result=False)
def refuse() -> None:
    raise DataError("the table must have rows, got none (adult.csv)")


@flow(persist_result=False)
def doubling(number: int) -> int:
    return double(double(number))


@flow(persist_result=False)
def refusing() -> None:
    refuse()


def test_a_flow_returns_its_result(own_server: Server) -> None:
    assert run_flow(doubling, own_server, number=3) == 12


def test_a_fault_arrives_as_it_was_raised(own_server: Server) -> None:
    with pytest.raises(DataError, match=r"the table must have rows, got none \(adult.csv\)"):
        run_flow(refusing, own_server)


def test_sigterm_interrupts_the_work_as_ctrl_c_does(own_server: Server) -> None:
    seen: list[str] = []

    @flow(persist_result=False)
    def interrupted() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            seen.append("closed")
            raise

    with pytest.raises(KeyboardInterrupt):
        run_flow(interrupted, own_server)
    assert seen == ["closed"]


@pytest.mark.parametrize("fails", [False, True])
def test_work_ends_as_it_does_by_itself_when_the_server_is_killed_in_its_middle(
    fails: bool,
) -> None:
    server = start_own()

    @task(cache_policy=NO_CACHE, persist_result=False)
    def kill_the_server() -> None:
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()

    @flow(persist_result=False)
    def robbed() -> int:
        kill_the_server()
        if fails:
            refuse()
        return double(21)

    try:
        if fails:
            with pytest.raises(DataError, match="the table must have rows"):
                run_flow(robbed, server)
        else:
            assert run_flow(robbed, server) == 42
    finally:
        server.stop()


def test_a_server_that_goes_before_the_flow_begins_is_one_line() -> None:
    gone = Server("http://127.0.0.1:9/api")
    with pytest.raises(
        TrackingError, match=r"the Prefect server must take a flow, got .*127.0.0.1"
    ):
        run_flow(doubling, gone, number=1)


def test_a_kept_server_is_found_and_shows_what_ran(
    kept_workspace: Path, kept_servers: object
) -> None:
    import httpx

    with prefect_server(kept_workspace) as server:
        assert not isinstance(server, OwnServer)
        assert run_flow(doubling, server, number=2) == 8
        deadline = time.monotonic() + 20
        states: list[str] = []
        # The server writes down what tasks did a moment after it was told.
        while states != ["COMPLETED", "COMPLETED"] and time.monotonic() < deadline:
            found = httpx.post(f"{server.url}/task_runs/filter", json={}).json()
            states = [run["state_type"] for run in found]
    assert states == ["COMPLETED", "COMPLETED"]
