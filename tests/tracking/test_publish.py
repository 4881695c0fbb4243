"""A run in MLflow: all of it, once, whatever was cut off in between."""

import json
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from iovalence.errors import TrackingError
from iovalence.evaluation.result import EvaluationResult
from iovalence.runs.journal import Journal, metric_points, read_journal
from iovalence.runs.manifest import Process
from iovalence.tracking.publish import final_name, to_ms

CURVES = {
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "learning_rate",
    "epoch_seconds",
    "rows_per_second",
}

NUMBERS = {"removed_rows.csv", "split.parquet", "report.html", "quality.html"}
NUMBERS |= {"profile.json", "profile.accepted.json"}
SENSITIVE = NUMBERS | {"test_predictions.parquet"}


def shown(client, published):
    return client.get_run(published.mlflow_run_id)


def histories(client, published):
    """Return step, time and value of every point, by key."""
    run = shown(client, published)
    return {
        key: [
            (p.step, p.timestamp, p.value) for p in client.get_metric_history(run.info.run_id, key)
        ]
        for key in run.data.metrics
    }


def artifacts(client, mlflow_run_id, path=None):
    """Return the paths of all files among the artifacts."""
    found = []
    for item in client.list_artifacts(mlflow_run_id, path):
        found += artifacts(client, mlflow_run_id, item.path) if item.is_dir else [item.path]
    return sorted(found)


def everything(client, published):
    run = shown(client, published)
    return (
        run.data.params,
        {key: value for key, value in run.data.tags.items() if "history" not in key},
        histories(client, published),
        run.info.status,
        artifacts(client, run.info.run_id),
        len(client.search_runs([published.experiment_id])),
        len(run.inputs.dataset_inputs),
        len(client.search_logged_models([published.experiment_id])),
    )


def test_curves_are_shown_by_epoch_at_the_journals_times(done):
    points = metric_points(read_journal(done.place.run.journal)[0])
    found = histories(done.client, done.published)
    for key in CURVES:
        expected = [(p.epoch, p.time_ms, p.value) for p in points if p.key == key]
        assert found[key] == expected
        assert [step for step, _, _ in found[key]] == [1, 2, 3, 4, 5, 6]


def test_final_figures_are_those_of_the_run(done):
    metrics = done.shown.data.metrics
    flat = EvaluationResult.load(done.place.run.metrics).flat()
    assert metrics["test_accuracy"] == flat["test_accuracy"]
    assert metrics["val_roc_auc"] == flat["val_roc_auc"]
    assert metrics["val_final_accuracy"] == flat["val_accuracy"]
    assert 0 < metrics["baseline_linear_test_accuracy"] <= 1
    assert {final_name(key, CURVES) for key in flat} <= metrics.keys()


def test_a_regression_is_shown_too(done_regression):
    metrics = done_regression.shown.data.metrics
    assert {"train_rmse", "val_r2", "test_mae", "val_final_rmse"} <= metrics.keys()


def test_parameters_are_every_key_of_the_configuration(done):
    params = done.shown.data.params
    assert params["training.epochs"] == "6"
    assert params["training.layers"] == "[128, 64, 32]"
    assert params["training.early_stopping"] == "false"
    assert params["data.target"] == "none"
    assert "comments" not in params


def test_tags_say_what_made_the_run(done):
    manifest = done.place.run.manifest()
    expected = {
        "iovalence.run_id": manifest.run_id,
        "iovalence.config_hash": manifest.config_hash,
        "iovalence.data_hash": manifest.data_hash,
        "iovalence.git_commit": "abc+",
        "mlflow.source.git.commit": "abc",
        "iovalence.flow_run_id": "f-1",
        "team": "north",
    }
    assert expected.items() <= done.shown.data.tags.items()
    assert done.shown.info.run_name == manifest.run_id


def test_the_note_has_the_result_and_the_comments(done):
    note = done.shown.data.tags["mlflow.note.content"]
    accuracy = EvaluationResult.load(done.place.run.metrics).flat()["test_accuracy"]
    assert f"**test_accuracy {accuracy:.4g}** (" in note
    assert "- `training.epochs`: *few* rows" in note


def test_times_and_status_are_those_of_the_run(done):
    info, manifest = done.shown.info, done.place.run.manifest()
    assert info.status == "FINISHED"
    assert info.start_time == to_ms(manifest.started_at)
    assert info.end_time == to_ms(manifest.ended_at)


def test_the_model_stands_beside_the_run_with_the_figures(done):
    (model,) = done.client.search_logged_models([done.published.experiment_id])
    assert model.name == "members-model"
    assert model.source_run_id == done.published.mlflow_run_id
    assert str(model.status) == "READY"
    figures = {metric.key: metric.value for metric in model.metrics}
    assert figures["test_accuracy"] == done.shown.data.metrics["test_accuracy"]


def test_each_part_is_a_dataset(done):
    inputs = done.shown.inputs.dataset_inputs
    assert {tag.value for item in inputs for tag in item.tags} == {"train", "validation", "test"}
    train = inputs[0].dataset
    assert train.name == "members.csv"
    assert len(train.digest) <= 36
    assert json.loads(train.source)["uri"].endswith("members.csv")
    columns = json.loads(train.schema)["mlflow_colspec"]
    assert {"name": "age", "type": "double", "required": False} in columns
    assert json.loads(train.profile) == {"num_rows": 140, "part": "train"}


def test_the_folder_is_found_again_among_the_artifacts(done):
    root, run_id = done.place.run.root, done.published.mlflow_run_id
    found = artifacts(done.client, run_id)
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if path.is_file() and name != "tracking.json" and not name.startswith("."):
            assert name in found
            assert Path(done.client.download_artifacts(run_id, name)).read_bytes() == (
                path.read_bytes()
            )


def test_pictures_are_also_where_a_comparison_of_runs_shows_them(done):
    found = [item.path for item in done.client.list_artifacts(done.published.mlflow_run_id)]
    for name in ("training_curves", "confusion_matrix", "roc_curve", "calibration"):
        assert f"{name}.png" in found


def test_nothing_is_doubled_when_all_is_sent_again(place, client):
    published = place.publish(register_as="members")
    before = everything(client, published)
    assert place.publish(register_as="members") == published
    place.run.tracking.unlink()
    assert place.publish(register_as="members") == published
    assert everything(client, published) == before
    assert len(client.search_model_versions("name = 'members'")) == 1


def test_what_the_journal_has_more_is_sent_while_the_run_goes_on(place, client):
    lines = place.run.journal.read_bytes().splitlines(keepends=True)
    place.restart()
    for count in (20, 35, len(lines)):
        place.run.journal.write_bytes(b"".join(lines[:count]))
        published = place.publish(final=False)
        assert shown(client, published).info.status == "RUNNING"
        sent = sum(len(points) for points in histories(client, published).values())
        assert sent == len(metric_points(read_journal(place.run.journal)[0]))
    place.run.close("FINISHED")
    assert place.publish().mlflow_run_id == published.mlflow_run_id
    assert len(histories(client, published)["train_loss"]) == 6
    assert shown(client, published).info.status == "FINISHED"


def test_a_model_that_was_cut_off_on_its_way_is_sent_whole(place, client, monkeypatch):
    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("iovalence.tracking.model.wrap_model", cut)
        with pytest.raises(KeyboardInterrupt):
            place.publish()
    published = place.publish()
    (model,) = client.search_logged_models([published.experiment_id])
    assert str(model.status) == "READY"
    assert client.get_run(published.mlflow_run_id).info.status == "FINISHED"


def test_an_epoch_done_again_after_a_kill_is_one_point_at_its_first_time(place, client):
    place.restart()
    before = histories(client, place.publish(final=False))["epoch_seconds"]
    last = metric_points(read_journal(place.run.journal)[0])[-1]
    Journal(place.run.journal).metrics({"epoch_seconds": 99.0}, epoch=last.epoch, step=last.step)
    assert histories(client, place.publish(final=False))["epoch_seconds"] == before


def test_a_resumed_run_goes_on_as_the_same_run(place, client):
    published = place.publish()
    place.restart()
    text = place.run.config_resolved.read_text()
    place.run.config_resolved.write_text(text.replace("epochs: 6", "epochs: 7"))
    again = place.publish(final=False)
    run = shown(client, again)
    assert again.mlflow_run_id == published.mlflow_run_id
    assert run.info.status == "RUNNING"
    assert run.data.params["training.epochs"] == "6"
    assert run.data.tags["iovalence.changed.training.epochs"] == "7"


def test_a_run_whose_process_died_was_killed(place, client):
    dead = Process(host=Process.this().host, pid=2**22 - 1, started=0)
    place.run.update(status="RUNNING", ended_at=None, process=dead)
    info = shown(client, place.publish()).info
    assert info.status == "KILLED"
    assert info.end_time == read_journal(place.run.journal)[0][-1]["time_ms"]


def test_a_failed_run_says_why(place, client):
    place.run.close("FAILED", ("the loss must be finite, got nan at step 3 (train row 7)",))
    run = shown(client, place.publish())
    assert run.info.status == "FAILED"
    assert "the loss must be finite, got nan at step 3" in run.data.tags["mlflow.note.content"]


def test_a_run_that_goes_on_has_no_end_to_send(place):
    place.restart()
    with pytest.raises(ValueError, match="the run must have ended"):
        place.publish()


def test_a_long_value_goes_whole_into_an_artifact(place, client):
    names = [f"column_{number}" for number in range(1000)]
    text = place.run.config_resolved.read_text()
    place.run.config_resolved.write_text(
        text.replace("exclude: []", f"exclude: {json.dumps(names)}")
    )
    published = place.publish()
    value = shown(client, published).data.params["data.exclude"]
    assert value.endswith("characters: see artifact parameters/data.exclude.txt")
    path = client.download_artifacts(published.mlflow_run_id, "parameters/data.exclude.txt")
    assert json.loads(Path(path).read_text()) == names


def test_a_long_note_is_cut_and_kept_whole(place, client):
    place.run.update(comments="word " * 3000)
    published = place.publish()
    note = shown(client, published).data.tags["mlflow.note.content"]
    assert note.endswith("(shortened: the whole is in the artifact tags/mlflow.note.content.txt)")
    path = client.download_artifacts(published.mlflow_run_id, "tags/mlflow.note.content.txt")
    assert Path(path).read_text().count("word") == 3000


def test_a_name_that_the_registry_refuses_keeps_nothing_else_back(place, client):
    with pytest.raises(TrackingError, match="Invalid model name 'a/b'"):
        place.publish(register_as="a/b")
    (run,) = client.search_runs([client.get_experiment_by_name("members").experiment_id])
    assert run.info.status == "FINISHED"
    assert "test_accuracy" in run.data.metrics


def test_row_numbers_leave_without_the_values(place, client):
    published = place.publish(rows="numbers")
    assert ',"high"' in place.run.removed_rows.read_text()
    sent = Path(client.download_artifacts(published.mlflow_run_id, "removed_rows.csv"))
    assert sent.read_text().splitlines() == ["source,row,reason", "train,201,duplicates.exact"]
    assert not SENSITIVE & set(artifacts(client, published.mlflow_run_id)) - NUMBERS


def test_profiles_leave_without_the_values(place, client):
    assert '"Graz"' in place.run.profile.read_text()
    shutil.copy(place.run.profile, place.run.accepted_profile)
    published = place.publish(rows="numbers")
    for name in ("profile.json", "profile.accepted.json"):
        sent = json.loads(
            Path(client.download_artifacts(published.mlflow_run_id, name)).read_text()
        )
        columns = {column["name"]: column for column in sent["columns"]}
        assert columns["city"]["num_missing"] > 0
        assert "Graz" not in json.dumps(sent)
        assert {"numbers", "knots", "counts", "period"}.isdisjoint(
            {*columns["age"], *columns["age"]["sketch"], *columns["city"]["categories"]}
        )


def test_no_row_is_named_when_none_may_leave(place, client):
    place.run.update(failure=("train row 7 is wrong",))
    published = place.publish(rows="none")
    quality = Path(client.download_artifacts(published.mlflow_run_id, "quality.json")).read_text()
    manifest = Path(client.download_artifacts(published.mlflow_run_id, "manifest.json")).read_text()
    assert '"rows"' in place.run.quality.read_text()
    assert '"rows"' not in quality
    assert '"message"' not in quality
    assert "row 7" not in manifest
    assert "row 7" not in shown(client, published).data.tags["mlflow.note.content"]
    assert not SENSITIVE & set(artifacts(client, published.mlflow_run_id))


def test_copies_of_the_data_never_leave(place, client):
    copy = place.run.data / "train" / "members.csv"
    copy.parent.mkdir(parents=True)
    copy.write_text("secret")
    found = artifacts(client, place.publish(rows="full").mlflow_run_id)
    assert not [name for name in found if name.startswith("data/")]


def test_nothing_lands_in_the_working_directory(place, tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    place.publish(register_as="members")
    assert list(empty.iterdir()) == []
    assert sorted(path.name for path in place.workspace.iterdir()) == [
        "mlartifacts",
        "mlflow.db",
        "runs",
    ]


def test_a_store_that_was_made_anew_gets_all_of_it(place, client, pattern):
    first = place.publish()
    shutil.copyfile(pattern.database, place.workspace / "mlflow.db")
    again = place.publish(final=False)
    assert again.mlflow_run_id != first.mlflow_run_id
    assert len(histories(client, again)["train_loss"]) == 6


def test_a_deleted_experiment_is_named(place, client):
    client.delete_experiment(client.create_experiment("members"))
    with pytest.raises(TrackingError, match="experiment 'members' must not be deleted") as caught:
        place.publish()
    assert "mlflow experiments restore --experiment-id 1" in str(caught.value)
    assert len(caught.value.faults) == 1


def test_a_deleted_run_is_named(place, client):
    client.delete_run(place.publish(final=False).mlflow_run_id)
    with pytest.raises(TrackingError, match="the run must not be deleted in MLflow"):
        place.publish()


def test_a_damaged_record_is_made_anew_and_nothing_is_there_twice(place, client):
    first = place.publish()
    place.run.tracking.write_text("{")
    again = place.publish()
    assert again.mlflow_run_id == first.mlflow_run_id
    for key in ("train_loss", "test_accuracy"):
        steps = [point.step for point in client.get_metric_history(first.mlflow_run_id, key)]
        assert len(steps) == len(set(steps)) > 0


def test_two_processes_publish_one_run_once(place, client):
    code = "import sys; from pathlib import Path; from iovalence.tracking.publish import publish; "
    code += "publish(Path(sys.argv[1]), uri=sys.argv[2], experiment='members', final=True)"
    command = [sys.executable, "-c", code, str(place.run.root), place.uri]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(120) for process in processes] == [0, 0]
    assert len(client.search_runs([client.get_experiment_by_name("members").experiment_id])) == 1


def test_a_slow_server_gets_the_rest_another_time(place, client):
    with pytest.raises(TrackingError, match=r"must take the run within 0 s.*sync` sends the rest"):
        place.publish(limit_s=0)
    published = place.publish()
    assert shown(client, published).info.status == "FINISHED"
    assert "report.html" in artifacts(client, published.mlflow_run_id)


def test_times_are_milliseconds_since_1970():
    assert to_ms("1970-01-01T00:00:01.500+00:00") == 1500
    assert to_ms(datetime.fromtimestamp(0).astimezone().isoformat()) == 0
