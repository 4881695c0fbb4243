"""Own what quick models say of rows that they were not trained on: out-of-fold probabilities.

The network is always the same one, so that what is found depends on the data and the seed, and not
on the network that the run trains: a sweep asks once, and a person's answers stay valid.
Shapes: N rows, K classes.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from iovalence.data.prepared import Prepared
from iovalence.models.build import AnyNetwork
from iovalence.training.fit import Machine, arithmetic, fit
from iovalence.training.parts import load_part
from iovalence.training.randomness import derived_seed
from iovalence.training.section import SettledTraining
from iovalence.training.trainer import compute_outputs
from iovalence.trials.folds import NUM_FOLDS

# More rows make a fold's model hardly better, and every million of them would cost seconds.
MAX_TRAIN_ROWS = 1 << 16
# Short trainings at a high rate that falls to nothing: longer ones learn the wrong labels by
# heart, and then find fewer of them (benchmarks/planted_labels.py).
LEARNING_RATE = 0.005
DROPOUT = 0.3
MIN_BATCH, MAX_BATCH = 32, 256
NUM_STEPS = 200
MIN_EPOCHS, MAX_EPOCHS = 3, 40
_CPU = torch.device("cpu")
# One thread gives the same bits on every machine, and is the fastest for steps of this size.
_MACHINE = Machine("cpu", threads=1)
_TRAIN, _NEITHER = 0, -1


def predict_out_of_fold(
    prepared: Prepared, fold: NDArray[np.int8], seed: int
) -> NDArray[np.float32]:
    """Return each row's probabilities by a model trained on the other folds, float32 (N, K).

    Args:
        prepared: N rows with their classes, encoded.
        fold: Fold of each row, int8 (N,), from 0.
        seed: Decides the first weights, the order of rows and dropout.
    """
    probs = np.empty((len(fold), len(prepared.preprocessing.classes or ())), np.float32)
    with arithmetic(_MACHINE):
        for held_out in range(NUM_FOLDS):
            network = _train(prepared, fold != held_out, derived_seed(seed, "fold", held_out))
            rows = np.flatnonzero(fold == held_out)
            # Each row is needed once: reading it then costs no memory.
            tensors = load_part(prepared, rows, None, _CPU, resident_bytes=0)
            probs[rows] = torch.softmax(compute_outputs(network, tensors), dim=1).numpy()
    return probs


def _train(prepared: Prepared, is_ours: NDArray[np.bool_], seed: int) -> AnyNetwork:
    part = np.full(len(is_ours), _NEITHER, np.int8)
    part[_sample(np.flatnonzero(is_ours), seed)] = _TRAIN
    section = _settings(int((part == _TRAIN).sum()), seed)
    return fit(replace(prepared, part=part), section, _MACHINE, class_weights="none").network


def _sample(rows: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    if len(rows) <= MAX_TRAIN_ROWS:
        return rows
    generator = np.random.default_rng(derived_seed(seed, "sample"))
    return generator.choice(rows, MAX_TRAIN_ROWS, replace=False)


def _settings(num_rows: int, seed: int) -> SettledTraining:
    """Return a training of some hundred steps, whatever the number of rows."""
    batch_size = int(np.clip(2 ** round(np.log2(num_rows / 20)), MIN_BATCH, MAX_BATCH))
    num_epochs = round(NUM_STEPS * batch_size / num_rows)
    return SettledTraining(
        layers=(128, 64, 32),
        dropout=DROPOUT,
        batch_size=batch_size,
        epochs=int(np.clip(num_epochs, MIN_EPOCHS, MAX_EPOCHS)),
        learning_rate=LEARNING_RATE,
        scheduler="one_cycle",
        early_stopping=False,
        keep="last",
        seed=seed,
    )
