"""The model as MLflow loads it: any pandas frame in, predictions in the same order out."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml

from iovalence.data.ingest import read_rows
from iovalence.errors import DataError
from iovalence.models.predictor import Predictor
from tests.tracking.conftest import members

# MLflow itself looks for what it replaces, and says that other columns are ignored.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")


@pytest.fixture(scope="module")
def model(done):
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(done.place.uri)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLFLOW_LOGGING_LEVEL", "ERROR")
            yield mlflow.pyfunc.load_model(done.published.model_uri)
    finally:
        mlflow.set_tracking_uri(before)


def test_it_predicts_as_the_run_itself_does(model, done, tmp_path):
    frame = members()
    frame.to_csv(tmp_path / "members.csv", index=False)
    predictor = Predictor.load(done.place.run.model)
    record = predictor.record
    rows = read_rows("members.csv", tmp_path, record.data, record.table, need_target=False)
    expected = predictor.predict(rows)
    found = model.predict(frame)
    assert list(found.columns) == ["prediction", "prob_high", "prob_low"]
    np.testing.assert_array_equal(found[["prob_high", "prob_low"]], expected.probs)
    assert found.prediction.isin(["high", "low"]).all()


def test_columns_may_stand_in_any_order_with_others_beside_them(model):
    frame = members(20)
    shuffled = frame.assign(other=1)[["other", *frame.columns[::-1]]]
    pd.testing.assert_frame_equal(model.predict(shuffled), model.predict(frame))


def test_rows_keep_their_order_and_their_index(model):
    frame = members(20)
    found = model.predict(frame)
    turned = model.predict(frame.iloc[::-1])
    assert list(turned.index) == list(frame.index[::-1])
    np.testing.assert_allclose(turned.prob_high[::-1], found.prob_high, atol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        {"city": None},
        {"city": "Paris"},
        {"city": np.nan, "income": np.nan, "age": None, "joined": None, "member": None},
        {"age": 40},
        {"age": 40.5},
        {"age": "40"},
        {"income": pd.array([50] * 5, "Int64")},
        {"member": True},
        {"joined": pd.Timestamp("2020-03-01")},
        {"city": pd.Categorical(["Wien"] * 5)},
    ],
    ids=str,
)
def test_values_come_in_many_types_or_are_missing(model, change):
    found = model.predict(members(4).assign(**change))
    assert np.allclose(found.prob_high + found.prob_low, 1)


def test_a_missing_column_is_named(model):
    with pytest.raises(mlflow.MlflowException, match=r"missing inputs \['age', 'city'\]"):
        model.predict(members(4).drop(columns=["age", "city"]))


def test_a_value_that_does_not_fit_is_named(model):
    with pytest.raises(DataError, match=r"column 'age' must be numeric.*'old' \(row 1\)"):
        model.predict(members(4).assign(age="old"))


def test_signature_and_example_fit_each_other(model):
    signature = model.metadata.signature
    assert signature.inputs.input_names() == ["age", "income", "city", "member", "joined"]
    assert signature.outputs.input_names() == ["prediction", "prob_high", "prob_low"]
    assert list(model.input_example.columns) == signature.inputs.input_names()
    assert len(model.predict(model.input_example)) == 1


def test_the_kind_of_each_column_is_noted(model):
    assert model.metadata.metadata["columns"] == {
        "age": "numeric",
        "income": "numeric",
        "city": "categorical",
        "member": "boolean",
        "joined": "datetime",
    }


def test_the_example_is_no_row_of_the_data(model):
    example = model.input_example.iloc[0]
    rows = members()
    assert not ((rows.income == example.income) & (rows.age == example.age)).any()
    assert rows.age.min() < example.age < rows.age.max()


def test_nothing_is_pickled_and_all_requirements_are_named(done):
    folder = done.place.workspace / "mlartifacts" / done.published.mlflow_run_id
    names = {path.name for path in (folder / "artifacts" / "model").rglob("*") if path.is_file()}
    assert names == {
        "MLmodel",
        "conda.yaml",
        "input_example.json",
        "likeness.json",
        "model.json",
        "pyfunc_model.py",
        "python_env.yaml",
        "requirements.txt",
        "serving_input_example.json",
        "weights.safetensors",
    }
    required = (folder / "artifacts" / "model" / "requirements.txt").read_text().splitlines()
    assert {line.partition("==")[0] for line in required} >= {"iovalence", "mlflow", "torch"}
    assert not [line for line in required if "+" in line]
    conda = yaml.safe_load((folder / "artifacts" / "model" / "conda.yaml").read_text())
    assert conda["dependencies"][-1]["pip"] == required


def test_the_registered_version_is_this_model(done):
    version = done.client.get_model_version("members", done.published.model_version)
    assert version.run_id == done.published.mlflow_run_id
    (model,) = done.client.search_logged_models([done.published.experiment_id])
    assert version.source == model.artifact_location


def test_a_regression_gives_values_in_the_targets_own_unit(done_regression):
    folder = done_regression.place.workspace / "mlartifacts"
    path = folder / done_regression.published.mlflow_run_id / "artifacts" / "model"
    found = mlflow.pyfunc.load_model(str(path)).predict(members().drop(columns="income"))
    assert list(found.columns) == ["prediction"]
    assert 20 < found.prediction.mean() < 80


def test_the_example_is_served_as_it_stands(model, done):
    folder = done.place.workspace / "mlartifacts" / done.published.mlflow_run_id
    served = (folder / "artifacts" / "model" / "serving_input_example.json").read_text()
    frame = pd.DataFrame(**json.loads(served)["dataframe_split"])
    pd.testing.assert_frame_equal(model.predict(frame), model.predict(model.input_example))
