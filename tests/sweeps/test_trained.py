"""Configurations are runs as any other, chosen by the validation part alone."""

import json

import numpy as np
import pytest

from iovalence.config.load import read_resolved
from iovalence.data.prepared import load_prepared
from iovalence.errors import ConfigError, TrainingError
from iovalence.evaluation.result import EvaluationResult
from iovalence.runs.folder import list_runs
from iovalence.runs.manifest import Process
from iovalence.stages.evaluated import evaluate_stage
from iovalence.sweeps.candidate import train_candidate
from iovalence.sweeps.opened import find_earlier, open_sweep, reopen_sweep
from iovalence.sweeps.trained import choose_best, train_with
from tests.stages.conftest import run_stages
from tests.stages.test_pipeline import same_weights
from tests.stages.test_sequences import make_sequences
from tests.sweeps.conftest import Here, ready, runs_by_number, states, train_here


def test_each_configuration_is_a_run_with_the_user_s_file_and_its_own_values(grid):
    made, sweep = grid
    runs = runs_by_number(sweep)
    assert len({run.root for run in runs.values()}) == 3
    for number, run in runs.items():
        assert run.config.read_bytes() == made.space.base.text
        rate = read_resolved(run.config_resolved).training.learning_rate
        assert rate == (0.01, 1e30, 0.001)[number - 1]
        assert run.manifest().sweep_id == sweep.sweep_id
        assert run.manifest().run_name.startswith("learning_rate=")


def test_a_configuration_that_fails_is_recorded_and_last(grid):
    record = grid[1].record()
    assert states(record) == ["FINISHED", "FAILED", "FINISHED"]
    assert record.ranking[-1] == 2
    failed = record.configuration(2)
    assert "the loss must be finite" in failed.failure[0]
    assert failed.failure_status == 5
    assert runs_by_number(grid[1])[2].manifest().status == "FAILED"


def test_the_ranking_is_that_of_the_validation_loss(grid):
    record = grid[1].record()
    first, second = (record.configuration(number) for number in record.ranking[:2])
    assert first.metrics["val_loss"] < second.metrics["val_loss"]
    measured = EvaluationResult.load(runs_by_number(grid[1])[first.number].metrics)
    assert first.metrics["val_loss"] == measured.flat()["val_loss"]


def test_nothing_of_the_test_part_is_measured_before_one_is_chosen(grid):
    _, sweep = grid
    assert "test_" not in sweep.record_path.read_text()
    for run in runs_by_number(sweep).values():
        assert not run.test_predictions.exists()
        if run.metrics.exists():
            assert {part.part for part in EvaluationResult.load(run.metrics).parts} == {
                "train",
                "validation",
            }


def test_other_labels_in_the_test_part_change_no_ranking(tmp_path):
    made = ready(tmp_path, "learning_rate=0.1,0.01,0.001")
    first = train_here(made).record()
    prepared = made.stages[1].prepared.folder
    rows = load_prepared(prepared)
    target = np.array(rows.target)
    target[np.asarray(rows.part) == 2] = 1 - target[np.asarray(rows.part) == 2]
    changed = [path for path in prepared.iterdir() if path.name.startswith("target")]
    assert changed
    np.save(changed[0], target)
    again = train_here(made).record()
    assert again.ranking == first.ranking
    assert [one.metrics for one in again.configurations] == [
        one.metrics for one in first.configurations
    ]


def test_a_configuration_has_the_weights_of_a_training_by_itself(grid):
    made, sweep = grid
    alone = run_stages(made.space.base.path, ("optimizer=sgd", "learning_rate=0.001"))
    same = type(alone)(alone.loaded, runs_by_number(sweep)[3], alone.training, alone.result)
    assert same_weights(alone, same)


def test_the_best_is_measured_on_the_test_part_alone(tmp_path):
    made = ready(tmp_path, "learning_rate=0.01,0.001")
    sweep = train_here(made)
    run = choose_best(sweep)
    best = sweep.record().best
    stages = made.stages[best]
    loaded = made.space.candidates[best - 1].loaded
    before = EvaluationResult.load(run.metrics).flat()
    result = evaluate_stage(loaded, run, stages)
    assert best == sweep.record().ranking[0]
    assert run.manifest().is_chosen
    assert run.test_predictions.exists()
    assert result.flat().items() >= before.items()


def test_a_sweep_where_none_finishes_fails_and_says_why(tmp_path):
    sweep = train_here(ready(tmp_path, "learning_rate=1e30,1e31", overrides=["optimizer=sgd"]))
    with pytest.raises(TrainingError, match="must have a configuration that finishes") as caught:
        choose_best(sweep)
    assert "the loss must be finite" in caught.value.faults[1]


class Cut(Here):
    """Be interrupted after an epoch of the second configuration."""

    def run(self, groups):
        yield from super().run(groups[:1])
        said = []

        def tell(event):
            said.append(event)
            if event.kind == "epoch" and event.epoch == 6:
                raise KeyboardInterrupt

        try:
            train_candidate(groups[1].jobs[0], tell)
        except KeyboardInterrupt:
            yield from said
            raise


def test_a_sweep_that_was_cut_off_goes_on_and_trains_nothing_twice(tmp_path):
    made = ready(tmp_path, "learning_rate=0.01,0.003,0.001", overrides=["checkpoint_interval=2"])
    whole = train_here(made)
    sweep = train_cut(made)
    before = runs_by_number(sweep)
    record = reopen_sweep(made, sweep).record()
    assert find_earlier(made).root == sweep.root
    assert states(record) == ["FINISHED", "WAITING", "WAITING"]
    train_here(made, sweep)
    after = runs_by_number(sweep)
    assert states(sweep.record()) == ["FINISHED"] * 3
    assert after[1].manifest().resumed == ()
    assert len(after[2].manifest().resumed) == 1
    assert after[2].root == before[2].root
    assert figures(sweep) == figures(whole)


def test_a_run_that_the_sweep_was_not_told_of_is_gone_on_with(tmp_path):
    made = ready(tmp_path, "learning_rate=0.01,0.003,0.001", overrides=["checkpoint_interval=2"])
    sweep = train_cut(made)
    untold = sweep.record().configuration(2).run_id
    sweep.record().changed(2, state="WAITING", run_id=None).save(sweep.record_path)
    record = reopen_sweep(made, sweep).record()
    assert record.configuration(2).run_id == untold
    train_here(made, sweep)
    assert len(list_runs(sweep.workspace)) == 3


def train_cut(made):
    sweep = open_sweep(made)
    with pytest.raises(KeyboardInterrupt):
        train_with(Cut(), made, sweep, lambda *_: None, lambda *_: None)
    sweep.close("KILLED")
    return sweep


def figures(sweep):
    return [one.metrics for one in sweep.record().configurations]


def test_what_would_fail_again_is_not_tried_again(tmp_path):
    made = ready(tmp_path, "learning_rate=0.01,1e30", overrides=["optimizer=sgd"])
    sweep = train_here(made)
    sweep.update(status="KILLED")
    assert states(reopen_sweep(made, sweep).record()) == ["FINISHED", "FAILED"]


def test_once_one_was_chosen_none_is_trained_any_more(tmp_path):
    made = ready(tmp_path, "learning_rate=0.01,0.001")
    sweep = train_here(made)
    outside = sweep.record().changed(2, state="FAILED", failure_status=3)
    outside.model_copy(update={"status": "KILLED"}).save(sweep.record_path)
    assert states(reopen_sweep(made, sweep).record()) == ["FINISHED", "WAITING"]
    outside.model_copy(update={"status": "KILLED", "best": 1}).save(sweep.record_path)
    assert states(reopen_sweep(made, sweep).record()) == ["FINISHED", "FAILED"]


def test_a_sweep_that_runs_is_not_taken_over(tmp_path):
    made = ready(tmp_path, "learning_rate=0.01,0.001")
    sweep = train_here(made)
    assert sweep.record().process == Process.this()
    with pytest.raises(ConfigError, match="must have ended to be resumed"):
        reopen_sweep(made, sweep)


def test_halving_trains_the_best_of_a_rung_on_and_as_if_never_stopped(tmp_path):
    vary = "learning_rate=0.1,0.03,0.01,0.003,0.001,0.0003,0.0001,0.00003,0.00001"
    made = ready(tmp_path, vary, halving=True)
    record = train_here(made).record()
    epochs = sorted(one.num_epochs for one in record.configurations)
    assert epochs == [1, 1, 1, 1, 1, 1, 3, 3, 9]
    best = record.configuration(record.ranking[0])
    assert best.num_epochs == 9
    assert len(best.rungs) == 3
    (rate,) = best.values.values()
    alone = run_stages(made.space.base.path, (f"learning_rate={rate}",))
    assert best.metrics["val_loss"] == alone.result.flat()["val_loss"]
    lines = (made.space.base.workspace / "runs" / best.run_id / "journal.jsonl").read_text()
    steps = [json.loads(line)["epoch"] for line in lines.splitlines() if "train_loss" in line]
    assert steps == list(range(1, 10))


def test_kinds_of_models_are_compared_in_one_sweep(tmp_path):
    (tmp_path / "data.csv").write_text(make_sequences())
    columns = "target: label, group: who, time: at, split: group"
    training = "layers: [8], epochs: 2, verbose: false"
    text = f"data: {{train_file: data.csv, {columns}}}\ntraining: {{{training}}}\n"
    (tmp_path / "config.yaml").write_text(text)
    made = ready(tmp_path, "model_type=linear,rnn")
    assert "different rows" in made.warnings()[0]
    assert states(train_here(made).record()) == ["FINISHED", "FINISHED"]
