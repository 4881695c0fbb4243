"""Own Prefect's side of showing a run in MLflow: tried again, and never what fails a run."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from iovalence.config.load import LoadedConfig
from iovalence.runs.folder import RunFolder
from iovalence.tracking.publish import Published, publish_to
from iovalence.tracking.sync import target_of
from tasks.progress import say, working


@task(name="publish", cache_policy=NO_CACHE, persist_result=False, retries=1, retry_delay_seconds=1)
def publish_run(loaded: LoadedConfig, run: RunFolder) -> Published:
    """Send to MLflow what it does not have yet of a run that has ended."""
    with working(loaded, "showing the run in MLflow"):
        published = publish_to(run, target_of(run), final=True)
    say(loaded, f"showed the run in MLflow ({published.uri})")
    return published
