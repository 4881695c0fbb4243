"""Own Prefect's side of showing a run in MLflow: tried again, and never what fails a run."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from iovalence.config.load import LoadedConfig
from iovalence.runs.folder import RunFolder
from iovalence.tracking.environment import default_uri
from iovalence.tracking.publish import Published, publish
from tasks.progress import say


@task(name="publish", cache_policy=NO_CACHE, persist_result=False, retries=1, retry_delay_seconds=1)
def publish_run(loaded: LoadedConfig, run: RunFolder) -> Published:
    """Send to MLflow what it does not have yet of a run that has ended."""
    tracking = loaded.config.tracking
    published = publish(
        run.root,
        uri=tracking.uri or default_uri(loaded.workspace),
        experiment=tracking.experiment or loaded.path.stem,
        rows=tracking.rows,
        tags=tracking.tags,
        register_as=tracking.register_as,
        final=True,
    )
    say(loaded, f"showed the run in MLflow ({published.uri})")
    return published
