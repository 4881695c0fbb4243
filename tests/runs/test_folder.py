import json
import re

import psutil
import pytest

from iovalence.errors import GateError, RunNotFoundError, StorageError
from iovalence.runs.folder import create_folder, ending, find_run, list_runs
from iovalence.runs.manifest import Manifest, Process, hash_file, now, to_ms


def make_run(workspace, **changes):
    run = create_folder(workspace)
    values = {
        "run_id": run.run_id,
        "run_name": None,
        "experiment": "e",
        "started_at": now(),
        "process": Process.this(),
        "iovalence_version": "0",
        "versions": {},
        "git_commit": None,
        "hardware": {},
        "seed": 1,
        "config_hash": "c",
        "data_hash": "d",
    }
    Manifest(**(values | changes)).save(run.manifest_path)
    return run


def test_a_run_id_is_a_time_and_sorts_by_it(tmp_path):
    run = create_folder(tmp_path)
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", run.run_id)


def test_runs_that_begin_one_after_the_other_sort_so(tmp_path):
    runs = [create_folder(tmp_path).run_id for _ in range(20)]
    assert runs == sorted(runs)


def test_a_workspace_that_cannot_be_written_is_named(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StorageError, match=r"the workspace must be .*file"):
        create_folder(blocked)


def test_a_run_is_found_by_id_beginning_name_and_latest(tmp_path):
    first = make_run(tmp_path, run_name="first try")
    second = make_run(tmp_path)
    assert find_run(tmp_path, first.run_id) == first
    assert find_run(tmp_path, "first try") == first
    unique = next(
        second.run_id[:n] for n in range(1, 21) if not first.run_id.startswith(second.run_id[:n])
    )
    assert find_run(tmp_path, unique) == second
    assert find_run(tmp_path, "latest") == list_runs(tmp_path)[0]


def test_the_latest_of_a_sweep_is_the_run_that_it_chose(tmp_path):
    before = make_run(tmp_path)
    chosen, other = (make_run(tmp_path, sweep_id="s") for _ in range(2))
    assert find_run(tmp_path, "latest") == before
    chosen.update(is_chosen=True)
    assert find_run(tmp_path, "latest") == chosen
    assert list_runs(tmp_path)[0] == other


def test_a_run_is_found_by_the_id_that_mlflow_gave(tmp_path):
    run = make_run(tmp_path)
    run.tracking.write_text('{"mlflow_run_id": "abc123"}')
    assert find_run(tmp_path, "abc123") == run


def test_a_name_that_fits_no_run_or_several_is_refused(tmp_path):
    with pytest.raises(RunNotFoundError, match="it has no runs yet"):
        find_run(tmp_path, "latest")
    first = make_run(tmp_path)
    make_run(tmp_path)
    with pytest.raises(RunNotFoundError, match="none fits; the newest is"):
        find_run(tmp_path, "nothing")
    with pytest.raises(RunNotFoundError, match="must name one run, got 2"):
        find_run(tmp_path, first.run_id[:4])


def test_a_closed_run_lists_the_hash_of_every_file(tmp_path):
    run = make_run(tmp_path)
    run.config.write_text("a: 1\n")
    manifest = run.close("FINISHED")
    assert manifest.files == {"config.yaml": hash_file(run.config)}
    assert manifest.state() == "FINISHED"
    assert manifest.ended_at is not None


def test_a_run_that_fails_says_why(tmp_path):
    run = make_run(tmp_path)
    with pytest.raises(GateError), ending(run):
        raise GateError(["one", "two"])
    assert (run.manifest().status, run.manifest().failure) == ("FAILED", ("one", "two"))


def test_a_run_that_is_interrupted_is_killed(tmp_path):
    run = make_run(tmp_path)
    with pytest.raises(KeyboardInterrupt), ending(run):
        raise KeyboardInterrupt
    assert run.manifest().status == "KILLED"


def test_a_run_whose_process_ended_is_shown_as_died(tmp_path):
    this = Process.this()
    free = max(psutil.pids()) + 100000
    dead = make_run(tmp_path, process=this.model_copy(update={"pid": free}))
    reused = make_run(tmp_path, process=this.model_copy(update={"started": this.started - 60}))
    elsewhere = make_run(tmp_path, process=this.model_copy(update={"host": "far", "pid": free}))
    alive = make_run(tmp_path)
    states = [run.manifest().state() for run in (dead, reused, elsewhere, alive)]
    assert states == ["DIED", "DIED", "RUNNING", "RUNNING"]


def test_a_run_that_died_ran_until_the_last_line_of_its_journal(tmp_path):
    began = "2026-01-01T10:00:00.000+00:00"
    run = make_run(tmp_path, started_at=began)
    line = {"type": "event", "event": "started", "time_ms": to_ms(began) + 4000}
    run.journal.write_text(json.dumps(line) + "\n")
    assert run.reopen(files={}).seconds_before == 4
    assert 4 <= run.close("FINISHED").seconds < 60


@pytest.mark.parametrize(("key", "value"), [("device", "tpu"), ("threads", 10**9), ("threads", 0)])
def test_a_manifest_with_what_no_machine_has_is_damaged(key, value, tmp_path):
    run = make_run(tmp_path)
    found = json.loads(run.manifest_path.read_text()) | {key: value}
    run.manifest_path.write_text(json.dumps(found))
    with pytest.raises(StorageError, match=rf"manifest\.json must hold .* at '{key}'") as caught:
        run.manifest()
    assert len(caught.value.faults) == 1


def test_a_record_of_mlflow_that_is_no_text_hides_no_run(tmp_path):
    run = make_run(tmp_path)
    make_run(tmp_path).tracking.write_bytes(b"\xff\xfe")
    run.tracking.write_bytes('{"mlflow_run_id": "abc", "tags": "Größe"}'.encode())
    assert find_run(tmp_path, "abc") == run
