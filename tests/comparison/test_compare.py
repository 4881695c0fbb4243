"""Runs compared: the difference on the same rows, and what is said where there are none."""

import pytest

from iovalence.comparison.compare import compare_runs
from iovalence.errors import ConfigError, RunNotFoundError, StorageError
from iovalence.evaluation.result import EvaluationResult


def compare(*runs):
    return compare_runs(runs).pairs[0]


def test_on_the_same_rows_the_figures_are_each_runs_own(first, faster):
    pair = compare(first, faster)
    own, other = (EvaluationResult.load(run.metrics).part("test") for run in (first, faster))
    assert pair.rows.num_rows == own.num_rows == pair.rows.num_first == pair.rows.num_other
    assert len(pair.metrics) == 7
    for one in pair.metrics:
        assert one.first == pytest.approx(own.metrics[one.name].value, abs=1e-6)
        assert one.other == pytest.approx(other.metrics[one.name].value, abs=1e-6)
        assert one.difference == one.other - one.first


def test_a_clear_difference_is_called_better_by_the_metrics_own_direction(first, faster):
    metrics = {one.name: one for one in compare(first, faster).metrics}
    loss = metrics["log_loss"]
    assert loss.low <= loss.difference <= loss.high < 0
    assert loss.verdict == "better"
    back = {one.name: one for one in compare(faster, first).metrics}["log_loss"]
    assert back.verdict == "worse"
    assert back.difference == -loss.difference


def test_the_first_run_is_compared_with_each_of_the_others(trained):
    runs = [trained[name] for name in ("first", "faster", "seed_1")]
    found = compare_runs(runs)
    assert [run.run_id for run in found.runs] == [run.run_id for run in runs]
    assert [pair.run_id for pair in found.pairs] == [run.run_id for run in runs[1:]]
    assert [len(run.history) for run in found.runs] == [2, 2, 2]


def test_one_run_alone_is_refused(first):
    with pytest.raises(ConfigError, match=r"^two runs or more must be named .* got 1: "):
        compare_runs([first])


def test_the_same_run_twice_is_refused(first, faster):
    with pytest.raises(ConfigError, match=f"named once, got {first.run_id} more than once"):
        compare_runs([first, faster, first])


def test_a_run_that_did_not_finish_is_refused(first, altered):
    altered.update(status="KILLED")
    with pytest.raises(RunNotFoundError, match="must have finished to be compared, but its state"):
        compare_runs([first, altered])


def test_runs_of_other_tasks_are_refused(trained):
    with pytest.raises(ConfigError, match="the same task to be compared, got 'classification' and"):
        compare_runs([trained["first"], trained["numbers"]])


def alter(path, *changes):
    text = path.read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text)


def test_runs_of_other_targets_are_refused(first, altered):
    alter(altered.metrics, ('"target": "label"', '"target": "other"'))
    with pytest.raises(ConfigError, match=r"the same target .* got 'label' and 'other'"):
        compare_runs([first, altered])


def test_runs_of_other_classes_are_refused(first, altered):
    result = EvaluationResult.load(altered.metrics)
    result.model_copy(update={"classes": ("maybe", "yes")}).save(altered.metrics)
    with pytest.raises(ConfigError, match=rf"got 'no' in {first.run_id} alone and 'maybe'"):
        compare_runs([first, altered])


@pytest.mark.parametrize(
    "name", ["metrics.json", "config.resolved.yaml", "test_predictions.parquet", "model/model.json"]
)
def test_a_damaged_file_is_named(first, altered, name):
    (altered.root / name).write_bytes(b"\x00\xff{")
    with pytest.raises(StorageError, match=name.split("/")[-1]) as caught:
        compare_runs([first, altered])
    assert len(caught.value.faults) == 1
