"""How well windows mix: the same training under a full shuffle and in windows of chunks.

    python benchmarks/shuffling.py [--rows 200000] [--epochs 3] [--seeds 2]

The table is the worst there is for it: sorted by class, and within a class by a feature. For each
shuffle it prints how uneven the batches are (the standard deviation of a class's share of a batch,
as a multiple of what chance gives), and the validation loss and accuracy of the last epoch,
averaged over the seeds. A window is a share of the train part, in so many chunks.
"""

import argparse
from dataclasses import replace

import numpy as np
import torch

from iovalence.models.architecture import NetworkSpec
from iovalence.models.network import Network
from iovalence.training.objective import Objective
from iovalence.training.order import Order, Shuffle, blocks
from iovalence.training.parts import PartTensors
from iovalence.training.section import TrainingSection
from iovalence.training.trainer import Trainer

NUM_FEATURES, NUM_CLASSES = 20, 4
BATCH_SIZE = 256
# Share of the rows in a window, and its chunks; None shuffles all together.
WINDOWS = (
    None,
    (1 / 4, 200),
    (1 / 4, 2000),
    (1 / 16, 10),
    (1 / 16, 50),
    (1 / 16, 500),
    (1 / 16, 1000),
    (1 / 16, 2000),
    (1 / 64, 500),
    (1 / 64, 2000),
)


def make_rows(num_rows: int, seed: int) -> PartTensors:
    """Make rows of four classes that overlap, in random order."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(7).normal(size=(NUM_CLASSES, NUM_FEATURES)) / 2
    labels = rng.integers(NUM_CLASSES, size=num_rows)
    features = centres[labels] + rng.normal(size=(num_rows, NUM_FEATURES))
    features[:, 0] *= features[:, 1]
    return PartTensors(
        torch.from_numpy(features.astype(np.float32)), None, torch.from_numpy(labels), None, None
    )


def sort_rows(rows: PartTensors) -> PartTensors:
    """Return the rows by class, and within a class by a feature."""
    keys = (rows.features[:, 2].numpy(), rows.target.numpy())
    return rows.take(torch.from_numpy(np.lexsort(keys)))


def unevenness(order: Order, target: torch.Tensor) -> float:
    """Return how much a class's share varies between batches, as a multiple of chance."""
    shares = []
    for batch in blocks(order, BATCH_SIZE):
        rows = batch if isinstance(batch, torch.Tensor) else batch.tensor()
        shares.append(np.bincount(target[rows], minlength=NUM_CLASSES) / len(rows))
    share = np.bincount(target, minlength=NUM_CLASSES) / len(target)
    chance = np.sqrt(share * (1 - share) / BATCH_SIZE)
    return float(np.mean(np.std(shares[:-1], axis=0) / chance))


def train(rows: PartTensors, validation: PartTensors, epochs: int, seed: int) -> dict[str, float]:
    """Return the figures of the last epoch."""
    section = TrainingSection(
        epochs=epochs, batch_size=BATCH_SIZE, seed=seed, early_stopping=False, dropout=0.0
    )
    spec = NetworkSpec(
        num_features=NUM_FEATURES,
        embedding_sizes=(),
        layers=(64, 32),
        activation="relu",
        num_outputs=NUM_CLASSES,
    )
    network = Network(spec, torch.device("cpu"))
    network.initialise(seed)
    seen = []
    Trainer(
        network,
        Objective("classification"),
        rows,
        validation,
        section.model_copy(update={"layers": (64, 32)}),
        observe=lambda figures: seen.append(figures.metrics),
    ).fit()
    return seen[-1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows, validation = sort_rows(make_rows(options.rows, 1)), make_rows(20_000, 2)
    print(f"{'window':>24} {'chunks':>7} {'unevenness':>11} {'val_loss':>9} {'val_accuracy':>13}")
    for window in WINDOWS:
        name, chunks, shuffle = "all rows", 0, None
        if window is not None:
            share, chunks = window
            name = f"{share:.2%} of the rows"
            shuffle = Shuffle(max(1, round(share * options.rows / chunks)), chunks)
        mixed = replace(rows, shuffle=shuffle)
        found = [train(mixed, validation, options.epochs, seed) for seed in range(options.seeds)]
        loss, accuracy = (
            np.mean([figures[f"val_{key}"] for figures in found]) for key in ("loss", "accuracy")
        )
        uneven = unevenness(mixed.order(0, 1), rows.target)
        print(f"{name:>24} {chunks or '-':>7} {uneven:11.2f} {loss:9.4f} {accuracy:13.4f}")


if __name__ == "__main__":
    main()
