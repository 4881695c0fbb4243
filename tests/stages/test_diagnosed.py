"""Real trainings that show each pattern, and what is said of them."""

import json
from html import unescape

import pytest

from iovalence.errors import TrainingError
from iovalence.stages.diagnosed import diagnose_failure, diagnose_stage, load_diagnosis
from iovalence.stages.evaluated import CANDIDATE_PARTS, evaluate_stage
from iovalence.stages.opened import open_run
from iovalence.stages.rows import make_ready
from iovalence.stages.stored import ingest_stage
from iovalence.stages.trained import train_stage
from tests.diagnosis.tables import write_diabetes, write_rare, write_wine

CONFIG = """\
data: {train_file: data.csv, target: label, task: TASK}
quality: {labels: {errors: off}}
training: {verbose: false, save_checkpoint: false, batch_size: 16, learning_rate: 0.003}
"""
UNREGULARISED = ("dropout=0", "l2_regularization=0", "early_stopping=false", "epochs=100")


@pytest.fixture
def told(project, monkeypatch):
    """Return a function that trains on a table and returns its diagnosis."""
    from iovalence.config.load import load_config

    def tell(table, *overrides, task="classification", parts=CANDIDATE_PARTS):
        project.write(table, CONFIG.replace("TASK", task))
        loaded = load_config(project.path, overrides)
        ingested = ingest_stage(loaded)
        run = open_run(loaded, ingested)
        stages = make_ready(loaded, ingested, run)
        try:
            train_stage(loaded, run, stages)
        except TrainingError as err:
            diagnose_failure(loaded, run, stages, err)
            return load_diagnosis(run)
        result = evaluate_stage(
            loaded, run, stages, parts, with_pictures=False, with_baselines=True
        )
        assert diagnose_stage(loaded, run, stages, result) == load_diagnosis(run)
        return load_diagnosis(run)

    return tell


def test_a_run_that_went_well_is_healthy(told):
    assert told(write_wine(), "epochs=60").names == ("healthy",)


def test_many_epochs_on_few_rows_without_regularisation_are_overfitting(told):
    verdict = told(write_diabetes(), *UNREGULARISED, task="regression").verdicts[0]
    assert verdict.name == "overfitting"
    assert "while the train loss fell; the model kept is that of epoch" in verdict.message
    assert verdict.first_change.change == {"training.dropout": 0.5}


def test_a_single_unit_is_underfitting(told):
    small = ("layers=[1]", "learning_rate=0.01", "epochs=150")
    verdict = told(write_wine(), *small).verdicts[0]
    assert verdict.name == "underfitting"
    assert verdict.evidence["baseline_train_loss"] < verdict.evidence["train_loss"]
    assert verdict.first_change.change == {"training.layers": [256, 128, 64]}


def test_a_tiny_rate_is_too_low(told):
    verdict = told(write_wine(), "learning_rate=0.00001", "epochs=30").verdicts[0]
    assert verdict.name == "learning_rate_too_low"
    assert verdict.message.startswith("the validation loss fell in a straight line, by ")
    assert verdict.first_change.change == {"training.learning_rate": 0.0001}


def test_a_huge_rate_is_too_high(told):
    verdict = told(write_wine(), "learning_rate=0.3").verdicts[0]
    assert verdict.name == "learning_rate_too_high"
    assert "knowing nothing costs 1.1" in verdict.message
    assert verdict.first_change.change == {"training.learning_rate": 0.03}


def test_a_loss_that_is_not_finite_is_named_with_its_step(told):
    diagnosis = told(write_wine(), "optimizer=sgd", "learning_rate=1e30")
    (verdict,) = diagnosis.verdicts
    assert verdict.severity == "failure"
    assert verdict.evidence["epoch"] == 1
    assert diagnosis.headline == f"Learning rate too high: {verdict.message}."


def test_shuffled_labels_are_not_learned_and_the_labels_are_to_be_looked_at(told):
    verdict = told(write_wine(is_shuffled=True), "epochs=60").verdicts[0]
    assert verdict.name == "not_learning"
    assert verdict.advice[0].text.startswith("check the data: are rows labelled correctly")


def test_a_rare_class_that_is_never_found_is_imbalance_ignored(told):
    diagnosis = told(write_rare(), "epochs=20", "validation_split=0.4")
    (verdict,) = [one for one in diagnosis.verdicts if one.name == "imbalance_ignored"]
    assert verdict.message.startswith("of class 'malignant' 0% are found, of 'benign'")


def test_the_test_part_decides_nothing(told, project):
    tables = [write_wine(num_rows=170), write_wine(num_rows=170)]
    found = []
    for table, labels in zip(tables, ("wine 0", "wine 1"), strict=True):
        rows = write_wine().splitlines()[1:40:3]
        header = table.splitlines()[0]
        bent = [",".join([*row.split(",")[:-1], labels]) for row in rows]
        (project.folder / "test.csv").write_text("\n".join([header, *bent]) + "\n")
        given = ("data.test_file=test.csv", "quality.leakage.copies=off", "epochs=8")
        diagnosis = told(table, *given, parts=("train", "validation", "test"))
        found.append(json.loads(diagnosis.model_dump_json()))
    assert found[0] == found[1]


def test_a_run_without_a_validation_part_is_told_no_more_than_is_known(told):
    diagnosis = told(write_wine(), "validation_split=0", "epochs=30")
    assert diagnosis.names == ("healthy",)


def test_the_report_shows_verdict_numbers_and_change(project):
    config = CONFIG.replace("TASK", "classification")
    run = project(write_wine(), config, "learning_rate=0.00001", "epochs=20").run
    page = unescape(run.report.read_text())
    assert "<h3>Learning rate too low</h3>" in page
    assert "<code>training:\n  learning_rate: 0.0001\n</code>" in page
    assert "learning rate: 1e-05" in page
    assert "diagnosis.json" in run.manifest().files
