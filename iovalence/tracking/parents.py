"""Own the run that stands in MLflow for a whole sweep, as the parent of its runs."""

from typing import TYPE_CHECKING

from iovalence.runs.manifest import to_ms
from iovalence.runs.sweep import SweepFolder
from iovalence.tracking.record import Target, TrackingRecord, alone, load_record
from iovalence.tracking.store import find_experiment

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT_TAG = "mlflow.parentRunId"
SWEEP_ID_TAG = "iovalence.sweep_id"
KIND_TAG = "iovalence.kind"


def parent_run_id(client: "MlflowClient", sweep: SweepFolder, target: Target) -> str:
    """Return MLflow's id of a sweep's own run, which is made when it is not there.

    Args:
        client: Of the tracking store.
        sweep: The sweep.
        target: Where its runs are shown.
    """
    with alone(sweep):
        record = load_record(sweep, target)
        if record.mlflow_run_id is None or not _is_there(client, record.mlflow_run_id):
            record = _create(client, sweep, target)
            record.save(sweep.tracking)
        return str(record.mlflow_run_id)


def _is_there(client: "MlflowClient", mlflow_run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        client.get_run(mlflow_run_id)
    except MlflowException as err:
        if err.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    return True


def _create(client: "MlflowClient", sweep: SweepFolder, target: Target) -> TrackingRecord:
    """Return the record of the sweep's run, found by its tags or made anew."""
    name, workspace, sweep_id = target.experiment, sweep.workspace, sweep.sweep_id
    experiment_id = find_experiment(client, name, target.uri, workspace)
    known = client.search_runs(
        [experiment_id],
        f"tags.`{SWEEP_ID_TAG}` = '{sweep_id}' and tags.`{KIND_TAG}` = 'sweep'",
    )
    found = (
        known[0]
        if known
        else client.create_run(
            experiment_id,
            start_time=to_ms(sweep.record().started_at),
            tags={SWEEP_ID_TAG: sweep_id, KIND_TAG: "sweep"},
            run_name=f"sweep {sweep_id}",
        )
    )
    return TrackingRecord(
        target=target, experiment_id=experiment_id, mlflow_run_id=found.info.run_id
    )
