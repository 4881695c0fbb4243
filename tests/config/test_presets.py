"""The named scenarios, and the files that write them out."""

from pathlib import Path

import pytest

from iovalence.config.load import config_hash, load_config
from iovalence.config.presets import PRESETS
from iovalence.config.yaml_source import read_mapping
from tests.config.conftest import Faults, Load

CONFIGS = Path(__file__).parents[2] / "configs"
DATA = "data: {train_file: train.csv}\n"


@pytest.mark.parametrize("name", PRESETS)
def test_the_file_of_a_preset_writes_out_what_the_library_sets(name: str) -> None:
    root, faults = read_mapping((CONFIGS / f"{name}.yaml").read_bytes(), name)
    assert faults == []
    written = root.unwrap()
    assert written["training"] == PRESETS[name]
    assert written.keys() == {"data", "training", "comments"}
    assert set(written["comments"]) <= set(PRESETS[name])


@pytest.mark.parametrize("name", PRESETS)
def test_the_file_of_a_preset_means_the_same_as_its_name(load: Load, name: str) -> None:
    by_name = load(DATA + f"preset: {name}\n")
    assert config_hash(load_config(CONFIGS / f"{name}.yaml").config) == config_hash(by_name)


def test_a_preset_sets_what_the_page_names(load: Load) -> None:
    training = load(DATA + "preset: production\n").training
    assert (training.epochs, training.batch_size, training.scheduler) == (
        100,
        16,
        "cosine_annealing",
    )
    assert (training.patience, training.l2_regularization) == (10, 0.0001)


def test_what_the_file_says_wins_over_the_preset(load: Load) -> None:
    training = load(DATA + "preset: limited_data\nepochs: 9\ntraining: {dropout: 0.1}\n").training
    assert (training.epochs, training.dropout, training.batch_size) == (9, 0.1, 16)


def test_a_conflict_with_a_preset_is_told_at_what_was_written(faults: Faults) -> None:
    assert faults(DATA + "preset: quick_prototype\nwarmup_epochs: 6\n") == (
        "training.warmup_epochs must be < epochs (5), got 6 (config.yaml:3)",
    )
