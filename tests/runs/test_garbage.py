"""What nobody needs leaves; what anybody may need stays."""

import os
import shutil
import subprocess
import sys
import time

import psutil
import pytest
from filelock import FileLock

from iovalence.runs.garbage import REST_SECONDS, clean_workspace
from iovalence.runs.manifest import Process, StageCost, hash_file, now
from iovalence.runs.store import StageStore, lock_of, store_folder
from iovalence.runs.sweep import SweepRecord, Workers, create_sweep
from tests.runs.test_folder import make_run

DEAD = max(psutil.pids()) + 100_000
INTERVAL = ("epoch-00005.safetensors", "epoch-00010.safetensors")


@pytest.fixture
def make_stage(tmp_path):
    """Return a function that makes a stage whose last use was long ago."""

    def make(seed, stage="split"):
        def write(folder):
            (folder / "part.npy").write_bytes(bytes(100))

        made = StageStore(store_folder(tmp_path)).produce(stage, {"seed": seed}, write)
        long_ago = time.time() - REST_SECONDS - 60
        os.utime(made.folder, (long_ago, long_ago))
        return made

    return make


def refer(tmp_path, made, **changes):
    cost = StageCost(seconds=1.0, key=made.key)
    return make_run(tmp_path, stages={made.stage: cost}, **changes)


def dead_process():
    return Process.this().model_copy(update={"pid": DEAD})


def finished_run(tmp_path, **changes):
    run = make_run(tmp_path)
    run.checkpoints.mkdir()
    for name in (*INTERVAL, "best.safetensors", "last.safetensors"):
        (run.checkpoints / name).write_text(name)
    run.close("FINISHED")
    run.update(**changes)
    return run


def kinds(cleaning):
    return [item.kind for item in cleaning.removed]


def test_a_stage_that_no_run_refers_to_leaves_with_its_lock(tmp_path, make_stage):
    made = make_stage(1)
    cleaning = clean_workspace(tmp_path)
    assert kinds(cleaning) == ["stage", "lock"]
    assert cleaning.num_bytes > 100
    assert list(made.folder.parent.iterdir()) == []


def test_what_a_person_keeps_in_such_folders_stays(tmp_path, make_stage):
    made = make_stage(1)
    kept = [tmp_path / "store/raw/2024/data.csv", tmp_path / "store/web/yarn.lock"]
    for path in kept:
        path.parent.mkdir(parents=True)
        path.write_text("precious")
    elsewhere = tmp_path / "elsewhere"
    shutil.move(made.folder.parent, elsewhere)
    (tmp_path / "store/split").symlink_to(elsewhere)
    assert kinds(clean_workspace(tmp_path)) == []
    assert all(path.read_text() == "precious" for path in kept)


@pytest.mark.parametrize("status", ["RUNNING", "FINISHED", "FAILED", "KILLED"])
def test_a_stage_that_a_run_refers_to_stays_however_the_run_ended(tmp_path, make_stage, status):
    made = make_stage(1)
    refer(tmp_path, made, status=status)
    refer(tmp_path, make_stage(2), process=dead_process())
    assert kinds(clean_workspace(tmp_path)) == []
    assert made.folder.is_dir()


def test_a_key_under_the_name_of_another_stage_is_no_reference(tmp_path, make_stage):
    refer(tmp_path, make_stage(1, "split"))
    other = make_stage(1, "checks")
    cleaning = clean_workspace(tmp_path)
    assert [item.path for item in cleaning.removed if item.kind == "stage"] == [other.folder]


def test_a_stage_that_was_made_or_asked_for_within_the_hour_stays(tmp_path, make_stage):
    made = make_stage(1)
    StageStore(store_folder(tmp_path)).produce("split", {"seed": 1}, lambda folder: None)
    cleaning = clean_workspace(tmp_path)
    assert cleaning.removed == ()
    assert "stages of the last hour stay, 1 here" in cleaning.notes[0]
    assert made.folder.is_dir()


def test_a_stage_whose_lock_is_held_stays(tmp_path, make_stage):
    made = make_stage(1)
    with FileLock(lock_of(made.folder)):
        assert clean_workspace(tmp_path).removed == ()
    assert made.folder.is_dir()


def test_a_manifest_that_cannot_be_read_keeps_all_stages(tmp_path, make_stage):
    made = make_stage(1)
    run = make_run(tmp_path)
    run.manifest_path.write_text("{")
    cleaning = clean_workspace(tmp_path)
    assert cleaning.removed == ()
    assert run.run_id in cleaning.notes[0]
    assert made.folder.is_dir()


def begin_sweep(tmp_path, **changes):
    sweep = create_sweep(tmp_path)
    values = {
        "sweep_id": sweep.sweep_id,
        "key": "k",
        "experiment": "e",
        "config": "c.yaml",
        "space": {},
        "method": "grid",
        "by": "val_loss",
        "workers": Workers(number=1, reason="one"),
        "configurations": (),
        "started_at": now(),
        "process": Process.this(),
    }
    SweepRecord(**(values | changes)).save(sweep.record_path)
    return sweep


def test_a_sweep_that_goes_on_keeps_all_stages_and_its_runs_as_they_are(tmp_path, make_stage):
    made = make_stage(1)
    sweep = begin_sweep(tmp_path)
    finished_run(tmp_path, sweep_id=sweep.sweep_id)
    cleaning = clean_workspace(tmp_path)
    assert cleaning.removed == ()
    assert sweep.sweep_id in cleaning.notes[0]
    sweep.update(process=dead_process())
    assert kinds(clean_workspace(tmp_path)) == ["stage", "checkpoint", "checkpoint", "lock"]
    assert not made.folder.exists()


def test_interval_checkpoints_of_a_finished_run_leave_and_its_manifest_says_so(tmp_path):
    run = finished_run(tmp_path)
    hashes = {f"checkpoints/{name}": hash_file(run.checkpoints / name) for name in INTERVAL}
    assert kinds(clean_workspace(tmp_path)) == ["checkpoint"] * 2
    manifest = run.manifest()
    assert manifest.pruned == hashes
    assert sorted(manifest.files) == [
        "checkpoints/best.safetensors",
        "checkpoints/last.safetensors",
    ]
    assert all(hash_file(run.root / name) == sha for name, sha in manifest.files.items())
    assert clean_workspace(tmp_path).removed == ()
    (run.checkpoints / INTERVAL[0]).write_text("made anew by a run that went on")
    assert list(run.close("FINISHED").pruned) == [f"checkpoints/{INTERVAL[1]}"]


@pytest.mark.parametrize("status", ["RUNNING", "FAILED", "KILLED"])
def test_checkpoints_of_a_run_that_can_go_on_stay(tmp_path, status):
    run = finished_run(tmp_path, status=status, process=dead_process())
    assert clean_workspace(tmp_path).removed == ()
    assert len(list(run.checkpoints.iterdir())) == 4


def test_checkpoints_stay_where_best_or_last_is_missing(tmp_path):
    run = finished_run(tmp_path)
    (run.checkpoints / "last.safetensors").unlink()
    assert clean_workspace(tmp_path).removed == ()


@pytest.mark.parametrize("lock", ["tracking_lock", "lock"])
def test_checkpoints_stay_while_their_run_is_sent_to_mlflow_or_goes_on(tmp_path, lock):
    run = finished_run(tmp_path)
    with FileLock(getattr(run, lock)):
        assert clean_workspace(tmp_path).removed == ()
    assert len(list(run.checkpoints.iterdir())) == 4


def test_files_that_the_run_did_not_record_are_not_touched(tmp_path):
    run = finished_run(tmp_path)
    (run.checkpoints / "epoch-mine.safetensors").write_text("kept by hand")
    clean_workspace(tmp_path)
    assert (run.checkpoints / "epoch-mine.safetensors").exists()


def test_what_a_killed_process_left_half_written_leaves(tmp_path, make_stage):
    run = finished_run(tmp_path)
    clean_workspace(tmp_path)
    made = make_stage(1)
    refer(tmp_path, made)
    left = [
        tmp_path / f".servers.json.{DEAD}.tmp",
        tmp_path / f".reproduce.{DEAD}.abcd1234",
        made.folder.with_name(f".{made.folder.name}.ab_d1234"),
        run.root / f".manifest.json.{DEAD}.tmp",
        run.root / ".model.abcd1234",
        tmp_path / "checks" / "config" / f".quality.json.{DEAD}.tmp",
    ]
    left[-1].parent.mkdir(parents=True)
    for path in left:
        path.write_text("half") if path.suffix == ".tmp" else path.mkdir()
    assert kinds(clean_workspace(tmp_path)) == ["temporary"] * 6
    assert not any(path.exists() for path in left)


def test_half_a_stage_without_a_lock_leaves_when_it_is_old(tmp_path, make_stage):
    made = make_stage(1)
    refer(tmp_path, made)
    half = made.folder.with_name(f".{'0' * 32}.ab_d1234")
    half.mkdir()
    assert kinds(clean_workspace(tmp_path)) == []
    os.utime(half, (0, 0))
    assert kinds(clean_workspace(tmp_path)) == ["temporary"]


def test_what_a_process_is_writing_stays(tmp_path, make_stage):
    made = make_stage(1)
    run = refer(tmp_path, made)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        half = made.folder.with_name(f".{made.folder.name}.ab_d1234")
        alive = [tmp_path / f".a.{child.pid}.tmp", run.root / f".a.{child.pid}.tmp"]
        for path in alive:
            path.write_text("half")
        (run.root / ".model.abcd1234").mkdir()
        half.mkdir()
        with FileLock(lock_of(made.folder)):
            assert clean_workspace(tmp_path).removed == ()
        child.communicate(b"\n")
    assert kinds(clean_workspace(tmp_path)) == ["temporary"] * 3


def test_numbers_of_processes_on_another_machine_say_nothing(tmp_path):
    far = Process.this().model_copy(update={"host": "far"})
    run = make_run(tmp_path, process=far)
    (run.root / f".manifest.json.{DEAD}.tmp").write_text("half")
    assert clean_workspace(tmp_path).removed == ()


def test_locks_of_ended_runs_leave_and_held_ones_stay(tmp_path):
    ended, running = make_run(tmp_path, status="FAILED"), make_run(tmp_path)
    for run in (ended, running):
        run.tracking_lock.touch()
    with FileLock(ended.tracking_lock):
        assert clean_workspace(tmp_path).removed == ()
    assert [item.path for item in clean_workspace(tmp_path).removed] == [ended.tracking_lock]


def test_a_dry_run_says_the_same_and_removes_nothing(tmp_path, make_stage):
    make_stage(1)
    finished_run(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    said = clean_workspace(tmp_path, dry_run=True)
    assert sorted(tmp_path.rglob("*")) == before
    assert said.removed == clean_workspace(tmp_path).removed
    assert said.totals()[0][:2] == ("stage", 1)


def test_what_cannot_be_removed_is_named_and_the_rest_removed(tmp_path, make_stage, monkeypatch):
    first, second = sorted((make_stage(seed).folder for seed in (1, 2)), key=str)
    remove = shutil.rmtree

    def refuse(path, **more):
        if path == first:
            raise PermissionError(13, "Permission denied")
        remove(path, **more)

    monkeypatch.setattr("iovalence.runs.garbage.shutil.rmtree", refuse)
    cleaning = clean_workspace(tmp_path)
    assert cleaning.failures == (f"{first} must be removable, got 'Permission denied'",)
    assert not second.exists()
