import json

import pytest

from iovalence.quality.comparison import Accepted
from iovalence.quality.profile import build_profile
from iovalence.runs.accepted import find_accepted, recall_accepted, record_accepted
from iovalence.runs.folder import RunFolder, runs_folder
from iovalence.runs.manifest import Manifest, Process, hash_file
from tests.quality.tables import build_table

PROFILE = build_profile(build_table({"x": [1.0, 2.0], "y": ["a", "b"]}))
OTHER = build_profile(build_table({"x": [1.0, 2.0], "z": ["a", "b"]}, target="z"))


def make_run(workspace, run_id, profile=PROFILE, **facts):
    run = RunFolder(runs_folder(workspace) / run_id)
    run.root.mkdir(parents=True)
    known = {
        "run_id": run_id,
        "run_name": None,
        "experiment": "e",
        "status": "FINISHED",
        "started_at": "2026-11-22T14:15:00.000+00:00",
        "process": Process(host="h", pid=1, started=0.0),
        "iovalence_version": "1",
        "versions": {},
        "git_commit": None,
        "hardware": {},
        "seed": 1,
        "config_hash": "",
        "data_hash": "",
    }
    Manifest(**(known | facts)).save(run.manifest_path)
    if profile is not None:
        profile.save(run.profile)
    return run


def find(workspace, profile=PROFILE):
    return find_accepted(workspace, "e", profile)


def test_the_newest_run_of_the_experiment_is_the_accepted_one(tmp_path):
    for run_id in ("r1", "r2"):
        make_run(tmp_path, run_id)
    make_run(tmp_path, "r3", experiment="another")
    assert find(tmp_path) == Accepted(run_id="r2", profile=PROFILE)


@pytest.mark.parametrize(
    "facts",
    [
        {"status": "FAILED"},
        {"status": "RUNNING"},
        {"status": "KILLED"},
        {"sweep_id": "s"},
        {"profile": None},
        {"profile": OTHER},
    ],
)
def test_a_run_that_missed_a_gate_or_was_not_chosen_or_predicts_another_target_is_none(
    tmp_path, facts
):
    make_run(tmp_path, "r1")
    make_run(tmp_path, "r2", **facts)
    assert find(tmp_path).run_id == "r1"


def test_the_chosen_run_of_a_sweep_counts(tmp_path):
    make_run(tmp_path, "r1", sweep_id="s", is_chosen=True)
    assert find(tmp_path).run_id == "r1"


def test_without_runs_there_is_none(tmp_path):
    assert find(tmp_path) == Accepted()


@pytest.mark.parametrize("content", ['{"layout": 2}', "{", "\0", '{"layout": 1}'])
def test_a_damaged_profile_is_passed_over_with_a_note(tmp_path, content):
    make_run(tmp_path, "r1")
    make_run(tmp_path, "r2").profile.write_text(content)
    found = find(tmp_path)
    assert found.run_id == "r1"
    (note,) = found.notes
    assert note.startswith(f"run r2 is compared with no more: {tmp_path}")
    assert "must hold a Profile of this version" in note


def test_a_profile_that_is_gone_is_no_run_that_never_was(tmp_path):
    make_run(tmp_path, "r1", profile=None)
    found = find(tmp_path)
    assert (found.run_id, found.profile) == (None, None)
    assert "run r1 is compared with no more: " in found.notes[0]
    assert "must be readable, got 'No such file or directory'" in found.notes[0]


def test_a_run_whose_manifest_is_damaged_is_none(tmp_path):
    make_run(tmp_path, "r1").manifest_path.write_text("{")
    assert find(tmp_path) == Accepted()


def test_a_run_knows_what_it_was_compared_with(tmp_path):
    run = make_run(tmp_path, "r2")
    assert recall_accepted(run) is None
    for accepted in (Accepted(), Accepted(run_id="r1", profile=PROFILE)):
        record_accepted(run, accepted)
        assert recall_accepted(run) == accepted
    assert run.manifest().compared_with == "r1"


def alter(path):
    content = json.loads(path.read_text())
    content["profile"]["num_rows"] = 7
    path.write_text(json.dumps(content))


DAMAGES = [lambda path: path.unlink(), lambda path: path.write_text("{"), alter]


@pytest.mark.parametrize("damage", DAMAGES)
def test_where_its_own_file_is_lost_the_profile_of_the_other_run_stands_in(tmp_path, damage):
    make_run(tmp_path, "r1")
    run = make_run(tmp_path, "r2")
    record_accepted(run, Accepted(run_id="r1", profile=PROFILE))
    run.update(files={run.accepted_profile.name: hash_file(run.accepted_profile)})
    damage(run.accepted_profile)
    assert recall_accepted(run) == Accepted(run_id="r1", profile=PROFILE)


@pytest.mark.parametrize("damage", DAMAGES)
def test_where_both_are_lost_a_note_says_so(tmp_path, damage):
    run = make_run(tmp_path, "r2")
    record_accepted(run, Accepted(run_id="r1", profile=PROFILE))
    run.update(files={run.accepted_profile.name: hash_file(run.accepted_profile)})
    damage(run.accepted_profile)
    found = recall_accepted(run)
    assert (found.run_id, found.profile) == ("r1", None)
    assert found.notes[0].startswith(
        "profile.accepted.json of run r2 must hold what it was compared with, got a file that is "
        "gone or altered, and of run r1 itself: "
    )


def test_a_run_that_was_compared_with_none_stays_so_though_its_file_is_damaged(tmp_path):
    run = make_run(tmp_path, "r2")
    record_accepted(run, Accepted())
    run.accepted_profile.write_text("{")
    assert recall_accepted(run) == Accepted()
