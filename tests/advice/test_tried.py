"""A change is trained beside its run, on its rows and by its seeds, and judged by what it did."""

import numpy as np
import pytest

from iovalence.advice.outcome import Outcomes
from iovalence.advice.trained import check_advisable, open_bench
from iovalence.advice.tried import balance, try_advice
from iovalence.errors import ConfigError, TrainingError
from iovalence.evaluation.result import EvaluationResult
from iovalence.runs.folder import find_run, list_runs
from iovalence.stages.diagnosed import load_diagnosis
from tests.advice.conftest import train
from tests.diagnosis.tables import write_wine


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """Try what is advised for a rate that is too low, twice."""
    folder = tmp_path_factory.mktemp("slow")
    run = train(folder, "learning_rate: 0.00001")
    said = []
    outcomes, made = try_advice(open_bench(run, said.append), num_rounds=2)
    return run, outcomes, made, said


def test_a_rate_that_was_too_low_is_raised_and_it_helps(tried):
    run, outcomes, _, said = tried
    first = outcomes.rounds[0]
    assert first.verdict == "learning_rate_too_low"
    assert first.change == {"training.learning_rate": 0.0001}
    assert (first.says, first.seeds) == ("helped", (5, 6, 7))
    assert first.difference.high < 0
    assert said[-1].startswith("learning_rate 0.001: helped; validation loss ")
    assert Outcomes.load(run.advice) == outcomes


def test_the_next_round_goes_on_from_what_helped(tried):
    _, outcomes, made, _ = tried
    first, second = outcomes.rounds
    assert second.before == first.after
    assert outcomes.settings == {"training.learning_rate": 0.001}
    assert outcomes.best_run_id == second.after[0]
    # Two more of the run itself, and three for each change.
    assert len(made) == 2 + 3 + 3


def test_the_split_is_the_runs_whatever_the_seed(tried):
    run, _, made, _ = tried
    assert {one.split.read_bytes() for one in made} == {run.split.read_bytes()}
    assert {one.manifest().seed for one in made} == {5, 6, 7}


def test_the_test_part_is_opened_for_none(tried):
    _, _, made, _ = tried
    for one in made:
        parts = EvaluationResult.load(one.metrics).parts
        assert [part.part for part in parts] == ["train", "validation"]
        assert not one.test_predictions.exists()


def test_what_is_tried_takes_nobodys_place(tried):
    run, _, made, _ = tried
    assert find_run(run.root.parents[1], "latest") == run
    assert {one.manifest().advised_for for one in made} == {run.run_id}
    assert len(list_runs(run.root.parents[1])) == 9
    with pytest.raises(ConfigError, match=f"tries an advice for {run.run_id}"):
        check_advisable(made[0])


def test_other_labels_in_the_test_part_change_nothing_of_what_is_chosen(tmp_path):
    found = []
    for label in ("wine 0", "wine 2"):
        folder = tmp_path / label.replace(" ", "")
        folder.mkdir()
        lines = write_wine().splitlines()
        rows = [",".join([*line.split(",")[:-1], label]) for line in lines[1:60:4]]
        run = train(folder, "learning_rate: 0.00001", "\n".join([lines[0], *rows]) + "\n")
        outcomes, _ = try_advice(open_bench(run), num_seeds=2)
        found.append((outcomes.rounds[0].difference, outcomes.settings))
    assert found[0] == found[1]


def test_a_training_that_failed_is_helped_by_one_that_does_not(tmp_path):
    with pytest.raises(TrainingError):
        train(tmp_path, "optimizer: sgd, learning_rate: 100.0")
    run = find_run(tmp_path / ".iovalence", "latest")
    outcomes, _ = try_advice(open_bench(run), num_rounds=2, num_seeds=1)
    first, second = outcomes.rounds
    assert (first.says, first.failure) == ("hurt", "training failed with seed 5")
    assert second.change == {"training.gradient_clip": 1.0}
    assert (second.says, second.failure) == (
        "helped",
        "training no longer fails, as it did with seed 5",
    )


def test_a_healthy_run_has_nothing_to_try(tmp_path):
    run = train(tmp_path, "learning_rate: 0.003", num_epochs=60)
    assert load_diagnosis(run).names == ("healthy",)
    with pytest.raises(ConfigError, match="must advise a setting of training to try"):
        try_advice(open_bench(run))


def test_changed_data_are_refused(tmp_path):
    run = train(tmp_path, "learning_rate: 0.00001")
    (tmp_path / "data.csv").write_text(write_wine(num_rows=100))
    with pytest.raises(ConfigError, match=f"the data must be what run {run.run_id} was trained"):
        open_bench(run)


def test_balanced_weights_give_each_class_the_same_total():
    weight = balance(np.array([0, 0, 0, 1]))
    assert weight[:3].sum() == pytest.approx(weight[3])
    assert weight.sum() == pytest.approx(4)
