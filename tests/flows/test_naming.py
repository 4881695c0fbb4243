"""How Prefect calls a run of a flow."""

import httpx
import pytest
from prefect import flow
from prefect.runtime import flow_run

from flows.prefect_run import run_flow
from flows.server import Server
from tasks.naming import name_flow_run

pytestmark = pytest.mark.filterwarnings("ignore:.*Popen.__del__")


@flow(persist_result=False)
def named() -> str:
    name_flow_run("20261122-141500-4f2a")
    return str(flow_run.get_id())


def test_a_flow_run_has_the_id_of_our_run_as_its_name(own_server: Server) -> None:
    flow_run_id = run_flow(named, own_server)
    found = httpx.get(f"{own_server.url}/flow_runs/{flow_run_id}").json()
    assert found["name"] == "20261122-141500-4f2a"


def test_outside_of_a_flow_nothing_is_named() -> None:
    name_flow_run("20261122-141500-4f2a")
