"""A model of sequences as MLflow loads it: a frame of rows in, a row for each group out."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest

from iovalence.stages.used import predict_table
from iovalence.tracking.model import wrap_model
from tests.stages.conftest import run_stages
from tests.stages.test_sequences import CONFIG, make_sequences

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sequences")
    (folder / "data.csv").write_text(make_sequences())
    (folder / "config.yaml").write_text(CONFIG)
    run = run_stages(folder / "config.yaml").run
    wrap_model(run, folder / "model", "m-1", "1")
    predict_table(run, "data.csv", folder).to_pandas().to_csv(folder / "said.csv", index=False)
    return folder


def test_it_predicts_for_each_group_as_the_run_does(folder):
    model = mlflow.pyfunc.load_model(str(folder / "model"))
    found = model.predict(pd.read_csv(folder / "data.csv").drop(columns="label"))
    said = pd.read_csv(folder / "said.csv")
    assert list(found.columns) == list(said.columns)
    assert found.who.tolist() == said.who.tolist()
    np.testing.assert_allclose(found.prob_up, said.prob_up)


def test_its_example_is_a_made_up_sequence_that_it_predicts(folder):
    example = json.loads((folder / "model" / "input_example.json").read_text())
    assert example["columns"] == ["who", "at", "size", "kind"]
    model = mlflow.pyfunc.load_model(str(folder / "model"))
    frame = pd.DataFrame(example["data"], columns=example["columns"])
    assert model.predict(frame)["num_rows"].tolist() == [2]
