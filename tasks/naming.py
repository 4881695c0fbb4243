"""Own how Prefect calls a run of a flow: by the run's id, so that it is found from either side."""

from tasks.findings import is_there
from tasks.progress import tell


def name_flow_run(run_id: str) -> None:
    """Give the flow run that this is called in the id of our run as its name.

    A server that has gone fails no run: the run notes the flow run's id itself.
    """
    from uuid import UUID

    import httpx
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectException
    from prefect.runtime import flow_run

    if flow_run.get_id() is None or not is_there():
        return
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(flow_run.get_id()), name=run_id)
    except (httpx.HTTPError, PrefectException) as err:
        tell(f"warning: Prefect calls this run by another name, got '{err}'")
