"""What was tried stands in MLflow under the run that was advised."""

import shutil

from iovalence.advice.trained import open_bench
from iovalence.advice.tried import try_advice
from iovalence.tracking.publish import publish_to
from iovalence.tracking.store import open_store
from iovalence.tracking.sync import target_of
from tests.advice.conftest import train


def test_a_trial_stands_under_the_run_that_was_advised(pattern, tmp_path):
    run = train(tmp_path, "learning_rate: 0.00001")
    workspace = run.root.parents[1]
    shutil.copyfile(pattern.database, workspace / "mlflow.db")
    published = publish_to(run, target_of(run), final=True)
    _, made = try_advice(open_bench(run), num_seeds=1)
    trial = publish_to(made[0], target_of(made[0]), final=True)
    client = open_store(published.uri, workspace)
    advised, tried = (client.get_run(one.mlflow_run_id).data for one in (published, trial))
    assert advised.tags["iovalence.diagnosis"] == "learning_rate_too_low"
    assert tried.tags["mlflow.parentRunId"] == published.mlflow_run_id
    assert tried.tags["iovalence.advised_for"] == run.run_id
    assert tried.params["training.learning_rate"] == "0.0001"
    assert not [name for name in tried.metrics if name.startswith("test_")]
    names = [file.path for file in client.list_artifacts(published.mlflow_run_id)]
    assert "diagnosis.json" in names
