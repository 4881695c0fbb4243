"""Which configurations one process trains together."""

from iovalence.runs.sweep import Workers
from iovalence.sweeps.grouping import group_jobs
from iovalence.sweeps.opened import jobs_of, open_sweep
from tests.sweeps.conftest import ready


def numbers(folder, *vary, workers=1):
    made = ready(folder, *vary)
    sweep = open_sweep(made)
    jobs = jobs_of(made, sweep, sweep.record(), 0)
    groups = group_jobs(made, jobs, Workers(number=workers, reason="asked"))
    return [[job.number for job in group.jobs] for group in groups], groups


def test_configurations_of_one_shape_are_together_on_as_many_threads_as_each_alone(tmp_path):
    found, groups = numbers(tmp_path, "learning_rate=0.1,0.01", "l2_regularization=0,0.1")
    assert found == [[1, 2, 3, 4]]
    assert groups[0].threads == 1


def test_every_process_gets_its_share(tmp_path):
    found, _ = numbers(tmp_path, "learning_rate=0.1,0.01,0.001,0.0001", workers=2)
    assert found == [[1, 3], [2, 4]]


def test_other_shapes_rows_and_dropout_or_none_are_apart(tmp_path):
    found, groups = numbers(tmp_path, "dropout=0,0.1,0.2")
    assert found == [[1], [2, 3]]
    assert groups[0].threads is None
    assert numbers(tmp_path, "batch_size=16,32")[0] == [[1], [2]]
    assert numbers(tmp_path, "seed=1,2")[0] == [[1], [2]]


def test_steps_that_are_too_large_are_taken_apart(tmp_path):
    made = ready(tmp_path, "learning_rate=0.1,0.01", overrides=["batch_size=50000"])
    sweep = open_sweep(made)
    groups = group_jobs(made, jobs_of(made, sweep, sweep.record(), 0), sweep.record().workers)
    assert [len(group.jobs) for group in groups] == [1, 1]
