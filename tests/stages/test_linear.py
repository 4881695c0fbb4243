"""The linear model is a model as any other: trained, resumed, used, compared."""

import numpy as np
import pytest

from iovalence.models.predictor import Predictor
from iovalence.runs.folder import list_runs
from iovalence.stages.trained import advise_settings
from iovalence.stages.used import evaluate_other, predict_table
from iovalence.training.section import TrainingSection
from tests.stages.test_pipeline import make_table, same_weights, tensors

CONFIG = """data: {train_file: data.csv}
training: {model_type: linear, epochs: 12, learning_rate: 0.05, verbose: false}
"""


class _KilledError(Exception):
    """Stands for a process that is killed."""


def test_it_is_one_layer_and_learns_what_is_linear(project):
    finished = project(make_table(600), CONFIG)
    names = {name: tuple(value.shape) for name, value in tensors(finished).items()}
    assert set(names) == {"layers.0.weight", "layers.0.bias"}
    figures = finished.result.parts[-1]
    assert figures.metrics["accuracy"].value > 0.9
    assert figures.metrics["log_loss"].value == pytest.approx(
        figures.baselines["linear"]["log_loss"], abs=0.15
    )


def test_its_predictions_and_figures_on_other_rows_are_those_of_its_weights(project):
    run = project(make_table(), CONFIG).run
    predicted = predict_table(run, "data.csv", project.folder)
    assert predicted.column_names == ["row", "prediction", "prob_no", "prob_yes", "unlike"]
    network = Predictor.load(run.model).network
    assert len(network.flat) == sum(value.numel() for value in network.parameters.values())
    right = np.array([line.rsplit(",", 1)[1] for line in make_table().split()[1:]])
    accuracy = (predicted["prediction"].to_numpy(zero_copy_only=False) == right).mean()
    result = evaluate_other(run, "data.csv", project.folder)
    assert result.metrics["accuracy"].value == pytest.approx(accuracy)


def test_a_linear_run_that_was_killed_goes_on_to_the_same_weights(project):
    whole = project(make_table(), CONFIG)

    def interrupt(figures):
        if figures.epoch == 7:
            raise _KilledError

    with pytest.raises(_KilledError):
        project(make_table(), CONFIG, observe=interrupt)
    (cut_off,) = [run for run in list_runs(project.workspace) if run.root != whole.run.root]
    resumed = project(make_table(), CONFIG, resume=cut_off)
    assert resumed.training.num_epochs == 12
    assert same_weights(whole, resumed)


def test_keys_that_change_nothing_are_named():
    section = TrainingSection(model_type="linear", layers=(64,), dropout=0.5)
    assert [*advise_settings(section)] == [
        "model_type: linear has no hidden layers: training.dropout, training.layers change nothing"
    ]
    assert not [*advise_settings(TrainingSection(model_type="linear", epochs=3))]
    (line,) = advise_settings(TrainingSection(cell="lstm"))
    assert line == "model_type: neural_network takes no sequences: training.cell change nothing"


def test_the_optimizer_for_sequences_is_recommended_where_none_is_given():
    (line,) = advise_settings(TrainingSection(model_type="rnn"))
    assert "trained with adam, the default; training.optimizer: rmsprop is recommended" in line
    assert not [*advise_settings(TrainingSection(model_type="rnn", optimizer="adam"))]
