import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from iovalence.training.fit import Machine, fitting
from iovalence.training.rate_finder import (
    DEFAULT_RATE,
    RateSweep,
    count_steps,
    find_rate,
    read_sweep,
    round_rate,
    sample_rows,
)
from iovalence.training.section import SettledTraining
from iovalence.training.trainer import take_alone
from tests.training.test_linear import make_prepared

CPU = Machine("cpu", 1)


def sweep(prepared, class_weights=None, **settings):
    section = SettledTraining(**({"layers": (16,)} | settings))
    return find_rate(prepared, section, CPU, class_weights)


def read(losses, weights=None):
    """Read a curve with a step for each loss, rates from 0.00001 to 1."""
    losses = np.array(losses)
    weights = np.ones(len(losses)) if weights is None else np.array(weights)
    return read_sweep(np.geomspace(1e-5, 1, len(losses)), losses * weights, weights)


def valley(lowest_at, num_steps=201):
    """Make losses that fall along a parabola over two decades to 0.5, and rise again."""
    away = np.abs(np.linspace(-5, 0, num_steps) - math.log10(lowest_at))
    return np.minimum(1.0, 0.5 + 0.125 * away**2)


@pytest.mark.parametrize("lowest_at", [0.003, 0.01, 0.05])
def test_the_rate_is_a_third_of_that_of_the_lowest_loss_or_less(lowest_at):
    found = read(valley(lowest_at))
    assert found.is_found
    assert lowest_at / 10 < found.chosen <= lowest_at / 3 * 1.05
    assert found.chosen == round_rate(found.chosen)


def test_noise_hardly_moves_the_rate():
    random = np.random.default_rng(0)
    noisy = [read(valley(0.01) + random.normal(0, 0.1, 201)).chosen for _ in range(20)]
    assert np.std(np.log10(noisy)) < 0.15
    assert np.mean(np.log10(noisy)) == pytest.approx(math.log10(read(valley(0.01)).chosen), abs=0.1)


def test_a_plateau_after_the_fall_does_not_raise_the_rate():
    falls = np.interp(np.linspace(-5, 0, 201), [-4, -3], [1.0, 0.2])
    assert read(falls - np.linspace(0, 0.01, 201)).chosen < 0.002


def test_a_sweep_that_breaks_off_is_read_up_to_there():
    losses = valley(0.01)
    broken = losses.copy()
    broken[150:] = math.nan
    broken[160:] = 0.0
    assert read(broken).chosen == pytest.approx(read(losses).chosen, rel=0.25)


@pytest.mark.parametrize(
    ("losses", "why"),
    [
        (np.ones(100), "the loss falls by "),
        (np.linspace(1, 2, 100), "within its noise"),
        (np.random.default_rng(1).normal(1, 0.2, 100), "within its noise"),
        (np.full(100, math.inf), "the loss is not finite from the start"),
        (np.full(100, math.nan), "the loss is not finite from the start"),
    ],
)
def test_where_nothing_can_be_read_the_default_is_taken(losses, why):
    found = read(losses)
    assert not found.is_found
    assert found.chosen == DEFAULT_RATE == 0.001
    assert found.reason.startswith("the default, since the sweep shows no rate: ")
    assert why in found.reason


def test_batches_that_weigh_nothing_teach_nothing():
    weights = np.tile([1.0, 0.0, 1.0, 0.0], 50)
    losses = np.where(weights > 0, valley(0.01, 200), 77.0)
    found = read(losses, weights)
    assert found.chosen == pytest.approx(read(valley(0.01, 200)).chosen, rel=0.1)
    assert math.isnan(found.losses[1])


def test_a_rate_has_two_digits():
    assert round_rate(0.0031622) == 0.0032
    assert round_rate(2.345) == 2.3


def test_a_sweep_takes_an_epoch_within_bounds():
    assert count_steps(8_000, 32, epochs=30) == 250
    assert count_steps(10**7, 32, epochs=30) == 300
    assert count_steps(1_000, 32, epochs=30) == 200


def test_a_sweep_takes_at_most_half_the_steps_of_the_training():
    assert count_steps(240, 32, epochs=30) == 120
    assert count_steps(20, 32, epochs=1) == 30


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw", "rmsprop"])
def test_a_rate_is_found_for_every_optimizer_that_learns(optimizer):
    prepared = make_prepared("classification")
    found = sweep(prepared, optimizer=optimizer)
    assert found.is_found
    settings = {"optimizer": optimizer, "layers": (16,), "epochs": 5}
    losses = []
    take_alone(
        fitting(
            prepared,
            SettledTraining(learning_rate=found.chosen, **settings),
            CPU,
            class_weights="none",
            observe=lambda figures: losses.append(figures.metrics["train_loss"]),
        )
    )
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize(
    ("task", "num_rows", "settings"),
    [
        ("classification", 300, {}),
        ("regression", 300, {}),
        ("classification", 20, {}),
        ("regression", 300, {"batch_size": 300}),
        ("classification", 300, {"model_type": "linear"}),
        ("classification", 300, {"scheduler": "one_cycle", "gradient_clip": 1.0}),
        ("classification", 300, {"warmup_epochs": 2}),
    ],
    ids=["classes", "values", "tiny", "one batch", "linear", "one cycle", "warm-up"],
)
def test_any_training_has_a_sweep(task, num_rows, settings):
    found = sweep(make_prepared(task, num_rows), **settings)
    assert found.is_found
    assert 1e-5 < found.chosen < 1
    assert len(found.rates) == len(found.losses) == len(found.smoothed)
    assert all(a < b for a, b in zip(found.rates, found.rates[1:], strict=False))


def test_the_same_seed_finds_the_same_rate_and_curve():
    prepared = make_prepared("classification")
    assert sweep(prepared, seed=3) == sweep(prepared, seed=3)
    assert sweep(prepared, seed=3).losses != sweep(prepared, seed=4).losses


def test_the_first_loss_is_that_of_the_first_weights():
    found = sweep(make_prepared("classification", 32), dropout=0.0)
    assert found.losses[0] == pytest.approx(math.log(3), abs=0.25)


def test_a_curve_is_read_back_as_it_was_written(tmp_path):
    found = sweep(make_prepared("classification"))
    found.save(tmp_path / "rate_finder.json")
    assert RateSweep.load(tmp_path / "rate_finder.json") == found


def test_rows_of_other_parts_are_never_looked_at():
    prepared = make_prepared("classification")
    part = np.arange(300) % 3
    features = prepared.features.copy()
    features[part > 0] = np.nan
    split = replace(prepared, part=part.astype(np.int8))
    assert sweep(replace(split, features=features)) == sweep(split)


def test_a_large_table_is_sampled_from_its_train_part():
    prepared = make_prepared("classification")
    split = replace(prepared, part=(np.arange(300) % 2).astype(np.int8))
    sample = np.flatnonzero(sample_rows(split, 100, seed=1).part == 0)
    assert len(sample) == 100
    assert (sample % 2 == 0).all()
    assert len(np.flatnonzero(sample_rows(split, 1000, seed=1).part == 0)) == 150


def test_class_and_row_weights_count():
    prepared = make_prepared("classification")
    weighted = replace(prepared, weight=np.linspace(0, 2, 300, dtype=np.float32))
    plain = sweep(prepared)
    assert sweep(weighted).losses != plain.losses
    assert sweep(prepared, torch.tensor([1.0, 5.0, 1.0])).losses != plain.losses


def test_rows_that_weigh_nothing_are_left_out():
    weight = np.zeros(300, np.float32)
    weight[:10] = 1.0
    found = sweep(replace(make_prepared("regression"), weight=weight), batch_size=4)
    assert any(map(math.isnan, found.losses))
    assert all(map(math.isfinite, found.smoothed))
