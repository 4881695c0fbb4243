"""Runs that were cut off go on, or say why they may not."""

import os
import subprocess
import sys
from datetime import datetime, timedelta

import pytest

from iovalence.config.load import load_config
from iovalence.errors import CheckpointError, ConfigError, StorageError
from iovalence.runs.folder import holding, list_runs
from iovalence.runs.journal import metric_points, read_journal
from iovalence.runs.manifest import Manifest
from iovalence.stages.resumed import NEWEST, find_unfinished
from iovalence.tracking.publish import ending_of
from iovalence.tracking.record import Target, TrackingRecord
from iovalence.training.checkpoint import read_checkpoint
from tests.stages.conftest import run_stages
from tests.stages.test_pipeline import make_table, same_weights

CONFIG = """\
data: {train_file: data.csv}
training: {epochs: 6, early_stopping: false, checkpoint_interval: 2, verbose: false}
"""


class PowerCutError(BaseException):
    """Ends a run as nothing that the program knows does."""


def cut_off(project, epoch, *overrides):
    """Train until an epoch, and be cut off there; return the run."""

    def observe(figures):
        if figures.epoch == epoch:
            raise PowerCutError

    before = list_runs(project.workspace)
    with pytest.raises(PowerCutError):
        project(make_table(), CONFIG, *overrides, observe=observe)
    (run,) = set(list_runs(project.workspace)) - set(before)
    return run


def curve(run):
    timed = ("epoch_seconds", "rows_per_second")
    points = metric_points(read_journal(run.journal)[0])
    return [(p.key, p.epoch, p.step, p.value) for p in points if p.key not in timed]


@pytest.mark.parametrize("epoch", [1, 3, 6])
def test_a_run_that_was_cut_off_ends_as_if_it_had_not_been(project, epoch):
    run = cut_off(project, epoch)
    resumed = project(make_table(), CONFIG, resume=run)
    whole = project(make_table(), CONFIG)
    assert resumed.run.run_id == run.run_id != whole.run.run_id
    assert same_weights(resumed, whole)
    assert resumed.result.flat() == whole.result.flat()
    assert curve(resumed.run) == curve(whole.run)
    assert resumed.run.manifest().status == "FINISHED"
    assert len(resumed.run.manifest().resumed) == 1


def checkpoints(run):
    """Return the epochs of the checkpoints of a run that are whole, and no others are there."""
    found = [read_checkpoint(path).state.position for path in run.checkpoints.iterdir()]
    return sorted(position.epoch for position in found)


EVERY = ("checkpoint_interval=1", "keep_checkpoints=9")


def test_a_full_disk_loses_nothing(project, small_disk):
    settings = (*EVERY, f"run.workspace={small_disk.folder}")
    with pytest.raises(CheckpointError, match=r"a checkpoint must be saved .* 'No space left"):
        project(make_table(), CONFIG, *settings)
    (run,) = list_runs(small_disk.folder)
    assert run.manifest().state() == "FAILED"
    assert "No space left on device" in run.manifest().failure[0]
    assert checkpoints(run) == [1, 2]
    small_disk.resize(10_000)
    resumed = project(make_table(), CONFIG, *settings, resume=run)
    assert same_weights(resumed, project(make_table(), CONFIG))


def test_a_disk_that_is_full_to_the_last_byte_hides_no_fault(project, small_disk):
    def fill(figures):
        rest = small_disk.folder / "rest"
        with pytest.raises(OSError, match="No space left"):
            rest.write_bytes(b"0" * 2**20)

    with pytest.raises(CheckpointError, match="a checkpoint must be saved"):
        project(make_table(), CONFIG, f"run.workspace={small_disk.folder}", *EVERY, observe=fill)


def test_a_folder_that_may_not_be_written_to_loses_nothing(project):
    folders = []

    def forbid(figures):
        if figures.epoch == 3:
            (run,) = list_runs(project.workspace)
            folders.append(run.checkpoints)
            run.checkpoints.chmod(0o500)
            # Who may do everything is asked no permission.
            os.seteuid(65534 if os.getuid() == 0 else os.getuid())

    try:
        with pytest.raises(StorageError, match="'Permission denied'"):
            project(make_table(), CONFIG, *EVERY, observe=forbid)
    finally:
        os.seteuid(os.getuid())
        folders[0].chmod(0o700)
    (run,) = list_runs(project.workspace)
    assert checkpoints(run) == [1, 2]
    resumed = project(make_table(), CONFIG, *EVERY, resume=run)
    assert same_weights(resumed, project(make_table(), CONFIG))


def test_a_run_whose_folder_was_not_yet_whole_is_no_run(project, monkeypatch):
    project.write(make_table(), CONFIG)
    monkeypatch.setattr(Manifest, "save", cut)
    with pytest.raises(PowerCutError):
        run_stages(project.path)
    (folder,) = (project.workspace / "runs").iterdir()
    assert {path.name for path in folder.iterdir()} == {"config.yaml", "config.resolved.yaml"}
    assert list_runs(project.workspace) == ()


def cut(*_):
    raise PowerCutError


def test_checks_and_split_are_not_done_again(project):
    stages = project(make_table(), CONFIG, resume=cut_off(project, 3)).run.manifest().stages
    assert all(stages[name].reused for name in ("table", "checks", "split", "prepared"))


def test_a_finished_run_goes_on_for_more_epochs(project):
    run = project(make_table(), CONFIG).run
    longer = project(make_table(), CONFIG, "epochs=9", resume=run)
    whole = project(make_table(), CONFIG, "epochs=9")
    assert same_weights(longer, whole)
    assert longer.training.num_epochs == 9


def test_a_run_whose_data_or_settings_changed_is_refused_with_the_difference(project):
    run = cut_off(project, 3)
    with pytest.raises(ConfigError, match=r"training\.dropout must be 0\.3 as it was, got 0\.5"):
        project(make_table(), CONFIG, "dropout=0.5", resume=run)
    with pytest.raises(ConfigError, match="the data must be what was read then"):
        project(make_table(seed=1), CONFIG, resume=run)
    assert run.manifest().status == "KILLED"


def test_a_journal_that_was_emptied_is_named(project):
    run = cut_off(project, 3)
    run.journal.write_text("")
    with pytest.raises(
        StorageError, match=r"the journal must hold .*, got nothing .*it was emptied"
    ):
        project(make_table(), CONFIG, resume=run)
    assert run.manifest().status == "KILLED"


def test_a_pause_is_no_time_that_the_run_took(project):
    run = cut_off(project, 3)
    ran = run.manifest().seconds
    before = datetime.fromisoformat(run.manifest().started_at) - timedelta(hours=1)
    ended = (before + timedelta(seconds=ran)).isoformat(timespec="milliseconds")
    run.update(started_at=before.isoformat(timespec="milliseconds"), ended_at=ended)
    assert ran < project(make_table(), CONFIG, resume=run).run.manifest().seconds < ran + 60


def test_keys_that_change_no_result_may_change(project):
    run = cut_off(project, 3)
    project(make_table(), CONFIG, "keep_checkpoints=1", "verbose=true", resume=run)
    assert "keep_checkpoints: 1" in run.config_resolved.read_text()


def test_another_version_is_refused(project):
    run = cut_off(project, 3)
    run.update(versions=run.manifest().versions | {"torch": "1.0"})
    with pytest.raises(ConfigError, match=r"torch must be 1\.0 as it was, got"):
        project(make_table(), CONFIG, resume=run)


def test_more_epochs_are_refused_where_the_schedule_depends_on_them(project):
    run = cut_off(project, 3, "scheduler=cosine_annealing")
    settings = ("scheduler=cosine_annealing", "epochs=9")
    with pytest.raises(ConfigError, match="scheduler cosine_annealing depends on it"):
        project(make_table(), CONFIG, *settings, resume=run)


def send(run):
    """Note that MLflow has all of a run."""
    ending = ending_of(run, run.manifest())
    target = Target(uri="http://127.0.0.1:9", experiment="config")
    TrackingRecord(target=target, end=f"{ending.status} {ending.time_ms}").save(run.tracking)


def find(project, reference=NEWEST, *overrides):
    told = []
    found = find_unfinished(load_config(project.path, overrides), reference, told.append)
    return found, told


def test_the_newest_run_that_did_not_finish_is_found(project):
    run = cut_off(project, 3)
    assert find(project) == (run, [])
    assert find(project, run.run_id[:-2]) == (run, [])


def test_a_run_that_was_cut_off_is_found_behind_one_that_finished_since(project):
    run = cut_off(project, 3)
    send(project(make_table(), CONFIG).run)
    assert find(project) == (run, [])
    assert find(project, NEWEST, "epochs=7") == (run, [])
    assert find(project, NEWEST, "dropout=0.1")[0] is None


def test_what_a_sweep_trained_goes_on_with_the_sweep(project):
    run = cut_off(project, 3)
    run.update(sweep_id="20261122-141500-4f2a")
    assert find(project)[1] == ["there is no run of 'config' to resume: a new one begins"]
    with pytest.raises(ConfigError, match="iovalence sweep` command with --resume"):
        find(project, run.run_id)


def test_with_nothing_to_resume_a_new_run_begins_and_it_is_said(project):
    project.write(make_table(), CONFIG)
    assert find(project)[1] == ["there is no run of 'config' to resume: a new one begins"]
    run = project(make_table(), CONFIG).run
    send(run)
    found, told = find(project)
    assert found is None
    assert told == [f"run {run.run_id} has finished, there is nothing to resume: a new one begins"]
    assert find(project, NEWEST, "epochs=7") == (run, [])


def test_a_run_that_was_killed_on_its_way_to_mlflow_goes_on(project):
    finished = project(make_table(), CONFIG)
    assert find(project) == (finished.run, [])
    again = project(make_table(), CONFIG, resume=finished.run)
    assert same_weights(again, finished)
    send(again.run)
    assert find(project)[0] is None


def test_a_named_run_that_has_finished_or_keeps_no_checkpoints_is_refused(project):
    run = project(make_table(), CONFIG).run
    send(run)
    with pytest.raises(ConfigError, match="must not have finished"):
        find(project, run.run_id)
    cut = cut_off(project, 3, "save_checkpoint=false")
    with pytest.raises(ConfigError, match="must keep checkpoints"):
        find(project, cut.run_id)


def test_one_process_at_a_time_goes_on_with_a_run(project):
    run = cut_off(project, 3)
    other = (
        "import sys; from pathlib import Path; from iovalence.runs.folder import *\n"
        "with holding(RunFolder(Path(sys.argv[1]))): pass"
    )
    with holding(run):
        command = [sys.executable, "-c", other, str(run.root)]
        done = subprocess.run(command, capture_output=True, text=True)
    assert "one process at a time may go on with a run" in done.stderr
    with holding(run):
        pass
