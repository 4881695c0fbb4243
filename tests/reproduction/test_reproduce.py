"""A run made again: equal, or the first thing that differs is named."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from iovalence.errors import RunNotFoundError
from iovalence.runs.folder import RunFolder
from iovalence.runs.manifest import hash_file
from tests.stages.conftest import Project, run_stages
from tests.stages.test_effects import CONFIG as UNEVEN_CONFIG
from tests.stages.test_effects import make_uneven
from tests.stages.test_pipeline import make_table
from tests.stages.test_resumed import CONFIG as CUT_OFF
from tests.stages.test_resumed import cut_off
from tests.stages.test_sequences import make_sequences


def causes(found):
    return [line.cause for line in found.differences]


def alter_weights(run):
    path = run.model / "weights.safetensors"
    tensors = load_file(path)
    next(iter(tensors.values())).view(-1)[0] += 1
    save_file(tensors, path)


def note_hash(run, *names):
    """Have the manifest say that the files were always as they are now."""
    hashes = {name: hash_file(run.root / name) for name in names}
    run.update(files=run.manifest().files | hashes)


def test_a_run_made_again_is_equal_in_all_that_came_of_it(recorded, again):
    found = again(recorded)
    assert found.equal
    assert (found.differences, found.notes) == ((), ())
    assert found.compared["split.parquet"] == "188 rows"
    assert found.compared["journal.jsonl"].endswith("of 4 epochs")
    assert {"preprocessing.json", "training.json", "metrics.json"} <= set(found.compared)
    assert found.compared["model/weights.safetensors"].endswith("bit for bit")


def test_a_run_made_again_leaves_the_workspace_as_it_was(recorded, again):
    workspace = recorded.root.parents[1]
    before = {path: path.stat().st_mtime_ns for path in sorted(workspace.rglob("*"))}
    again(recorded)
    after = {path: path.stat().st_mtime_ns for path in sorted(workspace.rglob("*"))}
    assert after == before


def test_every_stage_is_done_again_though_the_store_has_it(recorded, again):
    store = recorded.root.parents[1] / "store"
    for path in store.glob("prepared/*/target.npy"):
        path.write_bytes(bytes(path.stat().st_size))
    assert again(recorded).equal


def test_epochs_that_were_done_again_after_a_kill_count_once(recorded, again):
    lines = recorded.journal.read_text().splitlines()
    twice = [line for line in lines if '"epoch": 2' in line]
    recorded.journal.write_text("\n".join([*lines, *twice]) + "\n")
    note_hash(recorded, "journal.jsonl")
    assert again(recorded).equal


def test_a_run_that_was_cut_off_and_resumed_is_one_uninterrupted_run(tmp_path, again):
    project = Project(tmp_path)
    run = cut_off(project, 3)
    found = again(project(make_table(), CUT_OFF, resume=run).run)
    assert len(run.manifest().resumed) == 1
    assert found.equal


def compared(folder):
    """Train twice, on other rows the second time; return both runs."""
    (folder / "config.yaml").write_text("data: {train_file: data.csv}\ntraining: {epochs: 1}\n")
    runs = []
    for seed in (0, 1):
        (folder / "data.csv").write_text(make_table(60, seed=seed))
        runs.append(run_stages(folder / "config.yaml").run)
    return runs


def test_a_run_made_again_is_compared_with_the_same_run_though_that_is_gone(tmp_path, again):
    first, second = compared(tmp_path)
    assert second.manifest().compared_with == first.run_id
    shutil.rmtree(first.root)
    found = again(second)
    assert found.equal
    assert {"profile.json", "quality.json"} <= set(found.compared)


def test_what_a_run_was_compared_with_may_be_lost_and_all_else_is_proved_equal(tmp_path, again):
    first, second = compared(tmp_path)
    second.accepted_profile.write_text("{")
    found = again(second)
    assert causes(found) == ["record"]
    assert found.notes == ("profile.accepted.json made again is as it was when the run ended",)
    shutil.rmtree(first.root)
    found = again(second)
    assert [(line.cause, line.what) for line in found.differences] == [
        ("record", "profile.accepted.json")
    ]
    assert found.has_equal_result


def test_overrides_are_part_of_the_record(tmp_path, again):
    (tmp_path / "data.csv").write_text(make_table(60))
    (tmp_path / "config.yaml").write_text("data: {train_file: data.csv}\n")
    asked = ("training.epochs=2", "evaluation.require={test_accuracy: '>= 1.01'}")
    run = run_stages(tmp_path / "config.yaml", asked).run
    run.close("FAILED", tuple(json.loads(run.metrics.read_text())["unmet"]))
    found = again(run)
    assert found.equal
    assert found.compared["journal.jsonl"].endswith("of 2 epochs")


def test_what_a_fix_changed_is_worked_out_again_and_is_equal(tmp_path, again):
    (tmp_path / "data.csv").write_text(make_uneven(300))
    (tmp_path / "config.yaml").write_text(UNEVEN_CONFIG)
    run = run_stages(tmp_path / "config.yaml", ("quality.balance=fix",)).run
    found = again(run)
    assert found.equal
    assert int(found.compared["effects.json"].split()[0]) > 20


def test_a_changed_byte_of_the_data_is_the_first_difference(recorded, data, again):
    shutil.rmtree(recorded.data)
    then = hash_file(data)
    data.write_text(data.read_text().replace("0.", "1.", 1))
    found = again(recorded)
    assert found.first.what == f"data.train_file {data}"
    assert (found.first.then, found.first.now) == (then, hash_file(data))
    assert found.has_equal_result is False
    assert found.notes == ("a copy of the data was not kept (run.keep_data: copy keeps one)",)


def test_data_that_are_gone_are_named_before_anything_is_done(recorded, data, again, told):
    shutil.rmtree(recorded.data)
    data.unlink()
    found = again(recorded)
    assert (found.first.cause, found.first.now, found.has_equal_result) == ("data", "gone", None)
    assert told == []


@pytest.mark.parametrize("change", ["gone", "another than it was"])
def test_the_runs_own_copy_stands_in_for_a_file_that_moved_on(recorded, data, again, change):
    data.unlink()
    if change != "gone":
        data.write_text(make_table(seed=1))
    found = again(recorded)
    assert found.equal
    (note,) = found.notes
    assert note == f"data.train_file {data} is {change}; the run's own copy of it was read"


def test_a_copy_that_was_altered_is_no_copy(recorded, data, again):
    data.unlink()
    (copy,) = recorded.data.rglob("*.csv")
    copy.write_text(make_table(seed=1))
    found = again(recorded)
    assert found.first.now == "gone"
    assert found.notes == ("a copy of the data was altered too",)


def test_data_that_cannot_be_trained_on_any_more_end_in_a_difference(recorded, data, again):
    shutil.rmtree(recorded.data)
    data.write_text("size,colour,label\n1,red,yes\n2,red,no\n")
    found = again(recorded)
    assert causes(found) == ["data", "result"]
    assert found.differences[1].now.startswith("failed: ")


def test_a_project_that_was_moved_whole_is_found_where_it_is(recorded, tmp_path, again):
    folder = recorded.root.parents[2].rename(tmp_path / "elsewhere")
    moved = RunFolder(folder / ".iovalence" / "runs" / recorded.run_id)
    shutil.rmtree(moved.data)
    assert again(moved).equal


def test_an_altered_key_of_the_configuration_is_named(recorded, again):
    text = recorded.config_resolved.read_text()
    recorded.config_resolved.write_text(text.replace("epochs: 4", "epochs: 3", 1))
    found = again(recorded)
    assert found.first.model_dump() == {
        "cause": "config",
        "what": "training.epochs",
        "then": "4",
        "now": "3",
    }
    assert found.has_equal_result is False


def test_a_configuration_that_is_not_accepted_is_named_with_its_fault(recorded, again, told):
    text = recorded.config_resolved.read_text()
    recorded.config_resolved.write_text(text.replace("epochs: 4", "epoks: 4", 1))
    found = again(recorded)
    assert (found.first.cause, found.has_equal_result) == ("config", None)
    assert "training.epoks is not a key" in found.first.now
    assert told == []


def test_another_version_is_named_and_the_run_made_again_all_the_same(recorded, again):
    versions = recorded.manifest().versions
    recorded.update(versions=versions | {"torch": "1.0", "mlflow": "1.0"})
    found = again(recorded)
    named = [(line.cause, line.what, line.then) for line in found.differences]
    assert named == [("versions", "torch", "1.0")]
    assert (found.equal, found.has_equal_result) == (False, True)


def test_other_hardware_is_named_but_not_another_release_of_the_system(recorded, again):
    hardware = recorded.manifest().hardware
    system = hardware["system"].partition(" ")[0]
    recorded.update(hardware=hardware | {"processor": "abacus", "system": f"{system} 0.1"})
    found = again(recorded)
    assert [(line.cause, line.what) for line in found.differences] == [("hardware", "processor")]


def test_other_threads_are_named_and_used(recorded, again):
    recorded.update(threads=3)
    found = again(recorded)
    assert (found.first.cause, found.first.then, found.first.now) == ("threads", "3", "1")
    assert found.notes[0].startswith("it was made again with the number of threads recorded, 3;")


def test_a_device_that_is_not_there_is_named_and_the_cpu_taken(recorded, again):
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    recorded.update(device="cuda", mixed_precision=True)
    found = again(recorded)
    named = [(line.what, line.then, line.now) for line in found.differences]
    assert named == [("device", "cuda", "cpu"), ("mixed_precision", "True", "False")]
    assert found.has_equal_result


@pytest.mark.parametrize("damage", [alter_weights, lambda run: shutil.rmtree(run.model)])
def test_a_file_altered_since_is_told_from_a_result_that_differs(recorded, again, damage):
    damage(recorded)
    found = again(recorded)
    assert found.first.cause == "record"
    assert found.first.what == "model/weights.safetensors"
    assert found.has_equal_result
    assert "model/weights.safetensors made again is as it was when the run ended" in found.notes


def test_with_all_causes_equal_the_first_artefact_and_epoch_that_part_are_named(recorded, again):
    lines = [json.loads(line) for line in recorded.journal.read_text().splitlines()]
    for line in lines:
        if line.get("key") == "val_loss" and line["epoch"] >= 3:
            line["value"] += 1e-9
    recorded.journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    alter_weights(recorded)
    note_hash(recorded, "journal.jsonl", "model/weights.safetensors")
    found = again(recorded)
    assert causes(found) == ["result", "result"]
    assert found.first.what.startswith("journal.jsonl: epoch 3 (step ")
    assert found.differences[1].what.startswith("model/weights.safetensors: layers.0.")


def test_a_run_that_did_not_finish_is_refused(recorded, again):
    recorded.update(status="KILLED")
    with pytest.raises(RunNotFoundError, match=r"must have finished to be made again, .* KILLED"):
        again(recorded)


@pytest.mark.parametrize("model_type", ["linear", "rnn"])
def test_a_run_of_another_kind_of_model_is_made_again_too(tmp_path, again, model_type):
    (tmp_path / "data.csv").write_text(make_sequences())
    columns = "target: label, group: who, time: at"
    training = f"model_type: {model_type}, layers: [8], epochs: 2"
    text = f"data: {{train_file: data.csv, {columns}}}\ntraining: {{{training}}}\n"
    (tmp_path / "config.yaml").write_text(text)
    assert again(run_stages(tmp_path / "config.yaml").run).has_equal_result


def test_of_a_copied_project_both_places_are_named_where_their_data_differ(recorded, data, again):
    shutil.rmtree(recorded.data)
    project = data.parent
    copy = project.with_name("copy")
    shutil.copytree(project, copy, dirs_exist_ok=True)
    run = RunFolder(copy / recorded.root.relative_to(project))
    assert again(run).notes == ()
    (copy / data.name).write_text(make_table(seed=5))
    found = again(run)
    assert found.equal
    assert found.notes == (f"the data are those of {project}; in {copy} they are others",)
    shutil.rmtree(copy)
