import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml

from flows.environment import silent
from flows.server import Server

ROOT = Path(__file__).parents[2]
PREFECT = [sys.executable, "-m", "prefect", "--no-prompt"]


def call_prefect(url: str, *arguments: str) -> None:
    subprocess.run(
        [*PREFECT, *arguments],
        cwd=ROOT,
        env=os.environ | silent() | {"PREFECT_API_URL": url},
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="module")
def deployed(own_server: Server) -> dict[str, object]:
    """Follow the words at the head of prefect.yaml, and return what the server has then."""
    call_prefect(own_server.url, "work-pool", "create", "iovalence", "--type", "process")
    call_prefect(own_server.url, "deploy", "--all", "--prefect-file", "deployments/prefect.yaml")
    (found,) = httpx.post(f"{own_server.url}/deployments/filter", json={}).json()
    return dict(found)


def test_prefect_takes_the_deployment_as_it_is_declared(deployed: dict[str, object]) -> None:
    declared = yaml.safe_load((ROOT / "deployments/prefect.yaml").read_text())["deployments"][0]
    assert deployed["entrypoint"] == declared["entrypoint"]
    assert deployed["work_pool_name"] == "iovalence"
    assert deployed["parameters"] == declared["parameters"]
    assert deployed["schedules"] == []


def test_the_server_knows_what_a_training_takes(deployed: dict[str, object]) -> None:
    schema = deployed["parameter_openapi_schema"]
    assert isinstance(schema, dict)
    assert set(schema["properties"]) == {"config", "overrides", "resume", "run_name"}
    assert schema["required"] == ["config"]
