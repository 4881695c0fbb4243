"""What the tracking server missed is sent later, by one command for a whole workspace."""

import os
import pickle
import shutil

import pytest

from iovalence.errors import TrackingError
from iovalence.runs.folder import RunFolder
from iovalence.runs.journal import metric_points, read_journal
from iovalence.tracking.record import Target, TrackingRecord
from iovalence.tracking.store import UnreachableError, open_store
from iovalence.tracking.sync import sync_workspace, target_of

DEAD = "http://127.0.0.1:9"


def test_a_run_that_was_never_sent_goes_where_its_configuration_says(place, client):
    synced = sync_workspace(place.workspace)
    assert synced.sent == [place.run.run_id]
    experiment = client.get_experiment_by_name("members")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.tags["iovalence.run_id"] == place.run.run_id


def test_what_is_whole_is_left_alone(place):
    place.publish()
    before = place.run.tracking.read_bytes()
    synced = sync_workspace(place.workspace)
    assert (synced.sent, synced.failures, synced.num_whole) == ([], {}, 1)
    assert place.run.tracking.read_bytes() == before


def test_a_run_that_goes_on_is_left_to_its_own_process(place):
    place.restart()
    synced = sync_workspace(place.workspace)
    assert (synced.sent, synced.num_running) == ([], 1)


def test_a_dead_server_is_asked_once(place):
    other = place.run.root.with_name("20200101-000000-0000")
    shutil.copytree(place.run.root, other)
    RunFolder(other).update(run_id=other.name)
    for run in (place.run, RunFolder(other)):
        TrackingRecord(target=Target(uri=DEAD, experiment="members")).save(run.tracking)
    failures = sync_workspace(place.workspace).failures
    assert list(failures) == [other.name, place.run.run_id]
    assert all("got no server there" in failure for failure in failures.values())


def test_one_run_that_cannot_be_sent_does_not_hold_up_another(place, client):
    broken = place.run.root.with_name("20200101-000000-0000")
    shutil.copytree(place.run.root, broken)
    (broken / "journal.jsonl").write_text("{\n")
    synced = sync_workspace(place.workspace)
    assert synced.sent == [place.run.run_id]
    assert list(synced.failures) == [broken.name]


def test_what_a_dead_server_missed_reaches_it_when_it_is_back(place, server, capsys):
    address, workspace = server
    with pytest.raises(TrackingError, match="got no server there"):
        place.publish(uri=DEAD, experiment="missed", register_as="missed")
    noted = place.run.tracking.read_text()
    place.run.tracking.write_text(noted.replace(DEAD, address))
    assert sync_workspace(place.workspace).sent == [place.run.run_id]
    assert capsys.readouterr() == ("", "")
    client = open_store(address, workspace)
    experiment = client.get_experiment_by_name("missed")
    (run,) = client.search_runs([experiment.experiment_id])
    assert len(client.get_metric_history(run.info.run_id, "train_loss")) == 6
    assert client.search_model_versions("name = 'missed'")[0].run_id == run.info.run_id
    assert "model/weights.safetensors" in [
        item.path for item in client.list_artifacts(run.info.run_id, "model")
    ]


def test_a_server_that_was_killed_while_a_run_went_on_has_each_point_once_after_sync(
    place, mlflow_server
):
    run, uri = place.run, mlflow_server.address
    lines = run.journal.read_bytes().splitlines(keepends=True)
    place.restart()
    run.journal.write_bytes(b"".join(lines[:20]))
    published = place.publish(uri=uri, experiment="killed", final=False)
    mlflow_server.kill()
    try:
        run.journal.write_bytes(b"".join(lines[:35]))
        with pytest.raises(UnreachableError, match="`iovalence sync` sends it later"):
            place.publish(uri=uri, experiment="killed", final=False)
    finally:
        mlflow_server.start()
    run.journal.write_bytes(b"".join(lines))
    run.close("FINISHED")
    assert sync_workspace(place.workspace).sent == [run.run_id]
    client = open_store(uri, place.workspace)
    assert client.get_run(published.mlflow_run_id).info.status == "FINISHED"
    for key in {point.key for point in metric_points(read_journal(run.journal)[0])}:
        points = [p for p in metric_points(read_journal(run.journal)[0]) if p.key == key]
        sent = client.get_metric_history(published.mlflow_run_id, key)
        assert [(p.step, p.timestamp, p.value) for p in sent] == [
            (p.epoch, p.time_ms, p.value) for p in points
        ]


def test_a_pickle_in_place_of_any_file_is_never_read_and_named_where_that_file_is(
    place, tmp_path, capsys
):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "marker"),)

    named = set()
    for path in [path for path in place.run.root.iterdir() if path.is_file()]:
        content = path.read_bytes()
        path.write_bytes(pickle.dumps(Bomb()))
        named |= {path.name for line in sync_workspace(place.workspace).failures.values()}
        path.write_bytes(content)
        place.run.tracking.unlink(missing_ok=True)
    assert not (tmp_path / "marker").exists()
    assert named == {
        "config.resolved.yaml",
        "diagnosis.json",
        "label_review.csv",
        "manifest.json",
        "metrics.json",
        "mistakes.json",
        "quality.html",
        "quality.json",
        "profile.accepted.json",
        "profile.json",
        "removed_rows.csv",
        "report.html",
    }
    assert capsys.readouterr() == ("", "")


def test_a_run_that_did_not_reach_what_was_required_is_not_registered(place):
    text = place.run.config_resolved.read_text()
    place.run.config_resolved.write_text(text.replace("register_as: null", "register_as: good"))
    assert target_of(place.run).register_as == "good"
    metrics = place.run.metrics.read_text()
    place.run.metrics.write_text(metrics.replace('"unmet": []', '"unmet": ["too low"]'))
    assert target_of(place.run).register_as is None
