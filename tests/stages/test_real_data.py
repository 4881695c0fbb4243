"""The pipeline on public data sets, with the defaults."""

import json

import pytest

from tests.stages.conftest import run_stages

ADULT = (
    "age, workclass, fnlwgt, education, education_num, marital_status, occupation, relationship, "
    "race, sex, capital_gain, capital_loss, hours_per_week, native_country, income"
)
WINE = (
    "fixed_acidity, volatile_acidity, citric_acid, residual_sugar, chlorides, "
    "free_sulfur_dioxide, total_sulfur_dioxide, density, pH, sulphates, alcohol, quality"
)

pytestmark = pytest.mark.shared_data


@pytest.fixture
def run_on(shared_data, tmp_path):
    def run(data: str):
        path = tmp_path / "config.yaml"
        path.write_text(f"data: {{{data.replace('@', str(shared_data))}}}\n")
        return run_stages(path)

    return run


def found(finished):
    findings = json.loads(finished.run.quality.read_text())["findings"]
    return {(finding["check"], finding["count"]) for finding in findings}


def test_adult_reaches_its_marks_on_the_official_test_file(run_on):
    finished = run_on(
        "train_file: @/adult-train.csv, test_file: @/adult-test.csv, target: income, "
        f"column_names: [{ADULT}]"
    )
    flat = finished.result.flat()
    assert flat["test_accuracy"] > 0.85
    assert flat["test_roc_auc"] > 0.90
    assert finished.result.part("test").num_rows == 16281
    assert finished.result.classes == ("<=50K", ">50K")
    assert {
        ("labels.spelling", 16281),
        ("duplicates.exact", 24),
        ("leakage.copies", 23),
    } <= found(finished)


def test_california_housing_is_predicted_to_within_its_mark(run_on):
    finished = run_on("train_file: @/california_housing.csv, target: median_house_value")
    assert finished.result.task == "regression"
    assert finished.result.flat()["test_rmse"] < 56_000


def test_penguins_run_with_nothing_but_file_and_target(run_on):
    finished = run_on("train_file: @/penguins.csv, target: species")
    assert finished.result.flat()["test_accuracy"] > 0.9


@pytest.mark.parametrize(("colour", "copies"), [("red", 240), ("white", 937)])
def test_wine_runs_with_nothing_but_file_target_and_names(run_on, colour, copies):
    data = f"train_file: @/winequality-{colour}.csv, target: quality, column_names: [{WINE}]"
    finished = run_on(data)
    assert ("duplicates.exact", copies) in found(finished)
    assert finished.result.task == "classification"
