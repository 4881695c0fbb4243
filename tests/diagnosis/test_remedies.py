"""What is advised is the page's, without what is set already, and can be set as it stands."""

import pytest

from iovalence.config.load import load_config
from iovalence.diagnosis.remedies import (
    against_not_learning,
    against_overfitting,
    against_underfitting,
    look_at_columns,
    lower_rate,
    raise_rate,
    speed_up,
    train_longer,
    weigh_classes,
    widen_validation,
)
from iovalence.training.section import TrainingSection

DEFAULT = TrainingSection()
ALL = {
    "overfitting": against_overfitting(DEFAULT),
    "underfitting": against_underfitting(DEFAULT),
    "not learning": against_not_learning(DEFAULT, has_signal=True),
    "too high": lower_rate(DEFAULT, is_infinite=True),
    "too low": raise_rate(DEFAULT),
    "stopped": train_longer(DEFAULT),
    "slow": speed_up(DEFAULT, "cpu"),
    "imbalance": weigh_classes(),
    "noisy": widen_validation(0.15),
    "leakage": look_at_columns(("paid, late", "no")),
}


def test_against_overfitting_stand_the_steps_of_the_page():
    changes = [advice.change for advice in ALL["overfitting"]]
    assert changes == [
        {"training.dropout": 0.5},
        {"training.l2_regularization": 0.001},
        {},
        {"training.layers": [32, 16]},
        {"training.early_stopping": True, "training.patience": 3},
    ]


def test_what_is_set_already_is_left_out():
    settings = {"dropout": 0.5, "l2_regularization": 0.01, "layers": [8], "patience": 3}
    section = TrainingSection.model_validate(settings)
    assert [advice.change for advice in against_overfitting(section)] == [{}]


def test_not_learning_asks_for_a_higher_rate_a_larger_model_and_a_look_at_the_labels():
    changes = [advice.change for advice in ALL["not learning"]]
    assert changes == [
        {"training.learning_rate": 0.01},
        {"training.layers": [256, 128, 64]},
        {},
    ]
    labels_first = against_not_learning(DEFAULT, has_signal=False)
    assert "labelled correctly" in labels_first[0].text


def test_a_rate_is_moved_by_ten():
    section = TrainingSection.model_validate({"learning_rate": 0.0003})
    assert raise_rate(section)[0].change == {"training.learning_rate": 0.003}
    assert lower_rate(section, is_infinite=False)[0].change == {"training.learning_rate": 0.00003}


@pytest.mark.parametrize("name", ALL)
def test_every_change_is_taken_by_set(tmp_path, name):
    path = tmp_path / "config.yaml"
    path.write_text("data: {train_file: data.csv}\n")
    for advice in ALL[name]:
        config = load_config(path, advice.overrides).config.model_dump(mode="json")
        for key, value in advice.change.items():
            section, _, name = key.partition(".")
            assert config[section][name] == value
