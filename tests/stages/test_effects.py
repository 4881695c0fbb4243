"""The effects as they stand in a run's folder."""

import json
import random
from html import unescape

import pytest

from iovalence.stages.effects import load_effects

CONFIG = "data: {train_file: data.csv}\ntraining: {epochs: 6, verbose: false}\n"


def make_uneven(num_rows=800, seed=1):
    rng = random.Random(seed)
    lines = ["size,label"]
    for _ in range(num_rows):
        rare = rng.random() < 0.06
        lines.append(f"{rng.gauss(1.2 * rare, 1):.6f},{'yes' if rare else 'no'}")
    return "\n".join(lines) + "\n"


def recalls(finished):
    return {one.name: one.recall for one in finished.result.part("validation").per_class}


def test_balance_fix_says_what_the_same_run_without_weights_would_have_found(project):
    table = make_uneven()
    fixed = project(table, CONFIG, "quality.balance=fix", "training.learning_rate=auto")
    rate = fixed.run.manifest().choices["training.learning_rate"].value
    plain = project(table, CONFIG, f"training.learning_rate={rate}")
    (effect,) = load_effects(fixed.run).effects
    assert effect.finding.check == "balance.effect"
    assert {one.name: one.model for one in effect.recalls} == recalls(fixed)
    assert {one.name: one.other for one in effect.recalls} == recalls(plain)
    assert not plain.run.effects.exists()
    assert "effects" in fixed.run.manifest().stages
    assert "effects.json" in fixed.run.manifest().files
    page = unescape(fixed.run.report.read_text())
    assert effect.finding.message in page


def test_with_effects_off_nothing_more_is_trained(project):
    run = project(make_uneven(), CONFIG, "quality.balance=fix", "evaluation.effects=false").run
    assert not run.effects.exists()
    assert "effects" not in run.manifest().stages


def write_files(project, shared):
    """Write three files; the train file shares its last rows with the one named `shared`."""
    lines = make_uneven().splitlines()
    head, files = lines[0], {"train": lines[1:401], "val": lines[401:601], "test": lines[601:]}
    files["train"] += files[shared][:150]
    for name, rows in files.items():
        (project.folder / f"{name}.csv").write_text("\n".join([head, *rows]) + "\n")
    given = "validation_file: val.csv, test_file: test.csv"
    return f"data: {{train_file: train.csv, {given}}}\ntraining: {{epochs: 3, verbose: false}}\n"


@pytest.mark.parametrize("resident_bytes", [1 << 30, 0])
def test_rows_shared_with_the_validation_file_are_trained_on_to_say_what_they_would_change(
    project, monkeypatch, resident_bytes
):
    monkeypatch.setattr("iovalence.training.parts.RESIDENT_BYTES", resident_bytes)
    finished = project("", write_files(project, "val"))
    (effect,) = load_effects(finished.run).effects
    assert (effect.finding.check, effect.finding.count) == ("leakage.effect", 150)
    measured = finished.result.part("validation").metrics["accuracy"].value
    assert effect.metric("accuracy").model == measured
    assert effect.metric("accuracy").other != 0
    assert not list(finished.loaded.workspace.glob(".effects*"))


def test_rows_shared_with_the_test_file_alone_are_not_trained_on(project):
    (effect,) = load_effects(project("", write_files(project, "test")).run).effects
    assert "copies of test rows alone" in effect.finding.message
    assert json.loads(effect.model_dump_json())["metrics"] == []
