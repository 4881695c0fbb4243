"""A sweep as MLflow's own client sees it: a parent, and each configuration under it."""

import shutil

import pytest

from iovalence.runs.folder import ending
from iovalence.runs.sweep import SweepFolder
from iovalence.stages.evaluated import evaluate_stage
from iovalence.sweeps.trained import choose_best
from iovalence.tracking.environment import default_uri
from iovalence.tracking.record import Target
from iovalence.tracking.store import open_store
from iovalence.tracking.sweeps import SweepPublisher, publish_all, sweep_target, sync_sweeps
from iovalence.tracking.sync import sync_workspace, target_of
from tests.sweeps.conftest import ready, runs_by_number, train_here

DEAD = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """Train a sweep of three, of which one fails, and choose; it is in no store yet."""
    folder = tmp_path_factory.mktemp("swept")
    overrides = ["optimizer=sgd", "tracking.register_as=chosen", "tracking.tags={team: north}"]
    made = ready(folder, "learning_rate=0.01,1e30,0.1", overrides=overrides)
    sweep = train_here(made)
    run = choose_best(sweep)
    number = sweep.record().best
    with ending(run):
        stages, loaded = made.stages[number], made.space.candidates[number - 1].loaded
        evaluate_stage(loaded, run, stages)
        run.close("FINISHED")
    sweep.close("FINISHED")
    return sweep


def copy_sweep(swept, pattern, folder):
    """Copy the sweep into a workspace of its own, with an empty store."""
    workspace = folder / "work space"
    for name in ("sweeps", "runs"):
        shutil.copytree(swept.workspace / name, workspace / name)
    shutil.copyfile(pattern.database, workspace / "mlflow.db")
    return SweepFolder(workspace / "sweeps" / swept.sweep_id)


@pytest.fixture
def place(swept, pattern, tmp_path):
    return copy_sweep(swept, pattern, tmp_path)


@pytest.fixture(scope="module")
def published(swept, pattern, tmp_path_factory):
    """Publish a copy of the sweep, for tests that only look."""
    sweep = copy_sweep(swept, pattern, tmp_path_factory.mktemp("published"))
    publish_all(sweep)
    return sweep


def shown(sweep):
    client = open_store(default_uri(sweep.workspace), sweep.workspace)
    experiment = client.get_experiment_by_name("config")
    return client, client.search_runs([experiment.experiment_id])


def split_family(runs):
    (parent,) = [run for run in runs if run.data.tags.get("iovalence.kind") == "sweep"]
    return parent, [run for run in runs if run is not parent]


def test_each_configuration_is_a_run_under_one_parent(published):
    parent, children = split_family(shown(published)[1])
    assert len(children) == 3
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    states = {run.info.run_name: run.info.status for run in children}
    assert states == {
        "learning_rate=0.01": "FINISHED",
        "learning_rate=1e30": "FAILED",
        "learning_rate=0.1": "FINISHED",
    }


def test_the_parent_carries_the_space_and_the_best(published):
    parent, _ = split_family(shown(published)[1])
    record = published.record()
    best = runs_by_number(published)[record.best]
    assert parent.data.params["training.learning_rate"] == "0.01,1e30,0.1"
    assert parent.data.params["sweep.num"] == "3"
    assert parent.data.tags["iovalence.best_run_id"] == best.run_id
    assert parent.data.tags["team"] == "north"
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["val_loss"] == record.configuration(record.best).metrics["val_loss"]
    assert "test_loss" in parent.data.metrics
    assert best.run_id in parent.data.tags["mlflow.note.content"]


def test_figures_of_the_test_part_are_those_of_the_best_alone(published):
    _, children = split_family(shown(published)[1])
    with_test = [
        run for run in children if any(key.startswith("test_") for key in run.data.metrics)
    ]
    best = runs_by_number(published)[published.record().best].run_id
    assert [run.data.tags["iovalence.run_id"] for run in with_test] == [best]


def test_the_best_alone_is_registered(place):
    runs = runs_by_number(place)
    best = place.record().best
    assert {number for number, run in runs.items() if target_of(run).register_as} == {best}


def test_what_was_sent_is_not_sent_again(place):
    publish_all(place)
    _, before = shown(place)
    publish_all(place)
    client, after = shown(place)
    assert {run.info.run_id for run in before} == {run.info.run_id for run in after}
    for run in after:
        for key in run.data.metrics:
            points = client.get_metric_history(run.info.run_id, key)
            assert len({point.step for point in points}) == len(points)


def test_one_shown_before_it_was_chosen_has_each_figure_once(place):
    best = runs_by_number(place)[place.record().best]
    manifest = best.manifest()
    best.update(is_chosen=False, ended_at="2026-01-01T00:00:00.000+00:00")
    publish_all(place)
    best.update(is_chosen=True, ended_at=manifest.ended_at)
    publish_all(place)
    client, runs = shown(place)
    (run,) = [run for run in runs if run.data.tags.get("iovalence.run_id") == best.run_id]
    assert len(client.get_metric_history(run.info.run_id, "val_log_loss")) == 1


def test_a_sweep_that_mlflow_missed_is_sent_by_sync(place):
    synced = sync_workspace(place.workspace)
    sync_sweeps(place.workspace, synced)
    assert place.sweep_id in synced.sent
    parent, children = split_family(shown(place)[1])
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    again = sync_workspace(place.workspace)
    sync_sweeps(place.workspace, again)
    assert again.sent == []


def test_a_parent_whose_record_was_lost_is_found_again(place):
    publish_all(place)
    parent, _ = split_family(shown(place)[1])
    place.tracking.unlink()
    publish_all(place)
    assert split_family(shown(place)[1])[0].info.run_id == parent.info.run_id


def test_runs_are_shown_while_others_train(place):
    record = place.record()
    publisher = SweepPublisher(place, sweep_target(place))
    publisher.start()
    publisher.put(record.configuration(2).run_id)
    assert publisher.stop() is None
    _, children = split_family(shown(place)[1])
    assert [run.info.run_name for run in children] == ["learning_rate=1e30"]


def test_a_server_that_is_away_is_kept_as_a_line(place):
    target = Target(uri=DEAD, experiment="config")
    publisher = SweepPublisher(place, target)
    publisher.start()
    publisher.put(place.record().configuration(1).run_id)
    assert "got no server there" in publisher.stop()
