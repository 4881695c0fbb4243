"""What an epoch costs: the trainer as a run uses it, with journal and checkpoints.

    python benchmarks/epoch.py [--rows 100000] [--batch 32] [--epochs 3] [--threads 1] [--seed 42]

Prints one JSON line. `s_epoch` is the median of whole epochs but the first, in seconds: order,
steps, figures, journal and checkpoint, as often as a run with default settings saves one. Only
validation is taken off, which is what passes between the first row that it asks for and the last.
`mean_s_epoch` shows what comes every few epochs. With BENCH_CLOCK=cpu seconds are those of the
process on the CPU, so that a busy machine disturbs them little; waiting for the disk is not in
them. `--rows 0` is breast_cancer (569 x 30); `--threads 0` lets the library choose.
"""

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

STARTED = time.perf_counter()
CLOCK = time.process_time if os.environ.get("BENCH_CLOCK") == "cpu" else time.perf_counter

import numpy as np  # noqa: E402
import torch  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from iovalence.models.architecture import NetworkSpec  # noqa: E402
from iovalence.models.network import Network  # noqa: E402
from iovalence.runs.journal import Journal  # noqa: E402
from iovalence.training.checkpoint import Checkpoints, Trains  # noqa: E402
from iovalence.training.device import choose_threads  # noqa: E402
from iovalence.training.fit import Machine, arithmetic  # noqa: E402
from iovalence.training.objective import Objective  # noqa: E402
from iovalence.training.parts import PartTensors  # noqa: E402
from iovalence.training.randomness import derived_seed  # noqa: E402
from iovalence.training.section import TrainingSection  # noqa: E402
from iovalence.training.trainer import EpochFigures, Trainer  # noqa: E402

Arrays = tuple[NDArray[np.float32], NDArray[np.int64]]


def make_data(rows: int) -> tuple[Arrays, Arrays]:
    """Return features (N, F) and classes (N,) to train on, and 20 % to validate on."""
    from sklearn.datasets import load_breast_cancer, make_classification

    if rows == 0:
        features, classes = load_breast_cancer(return_X_y=True)
    else:
        features, classes = make_classification(
            n_samples=rows,
            n_features=54,
            n_informative=30,
            n_redundant=10,
            n_classes=7,
            n_clusters_per_class=3,
            class_sep=1.0,
            random_state=0,
        )
    order = np.random.RandomState(0).permutation(len(classes))
    features, classes = features[order], classes[order].astype(np.int64)
    cut = int(0.8 * len(classes))
    mean, deviation = features[:cut].mean(0), features[:cut].std(0) + 1e-9
    features = ((features - mean) / deviation).astype(np.float32)
    return (features[:cut], classes[:cut]), (features[cut:], classes[cut:])


@dataclass(frozen=True)
class TimedPart(PartTensors):
    """Hold rows, and note the seconds that passed while they were gone through in turn."""

    seconds: list[float] = field(default_factory=list)

    def in_turn(self, size: int) -> Iterator[PartTensors]:
        """Yield views of all rows, `size` at a time."""
        started = CLOCK()
        yield from super().in_turn(size)
        self.seconds.append(CLOCK() - started)


@dataclass
class TimedCheckpoints(Checkpoints):
    """Keep checkpoints, and note the time after every epoch's."""

    times: list[float] = field(default_factory=list)

    def after_epoch(self, trainer: Trains, *, is_last: bool) -> None:
        """Save what is due when an epoch has ended."""
        super().after_epoch(trainer, is_last=is_last)
        self.times.append(CLOCK())


def note_in(journal: Journal) -> Callable[[EpochFigures], None]:
    """Return what writes an epoch's figures into the journal."""
    return lambda figures: journal.metrics(figures.metrics, epoch=figures.epoch, step=figures.step)


def build_trainer(asked: argparse.Namespace, folder: Path) -> tuple[Trainer, TimedCheckpoints]:
    """Return a trainer of the documented defaults at its start, and its checkpoints."""
    (features, classes), (val_features, val_classes) = make_data(asked.rows)
    section = TrainingSection(
        epochs=asked.epochs, batch_size=asked.batch, early_stopping=False, seed=asked.seed
    )
    num_classes = int(classes.max()) + 1
    spec = NetworkSpec(
        num_features=features.shape[1],
        embedding_sizes=(),
        layers=section.layers,
        activation=section.activation,
        num_outputs=num_classes,
    )
    network = Network(spec, torch.device("cpu"))
    network.initialise(derived_seed(section.seed, "weights"))
    journal = Journal(folder / "journal.jsonl")
    checkpoints = TimedCheckpoints(
        folder / "checkpoints",
        keep=section.keep_checkpoints,
        interval=section.checkpoint_interval,
        before_saving=journal.sync,
    )
    checkpoints.folder.mkdir()
    from_numpy = torch.from_numpy
    trainer = Trainer(
        network=network,
        objective=Objective("classification"),
        train=PartTensors(from_numpy(features), None, from_numpy(classes), None, None),
        validation=TimedPart(from_numpy(val_features), None, from_numpy(val_classes), None, None),
        section=section,
        observe=note_in(journal),
        checkpoints=checkpoints,
    )
    return trainer, checkpoints


def last_metric(journal: Path, key: str) -> float:
    """Return the newest value of a metric in a journal."""
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    return [float(line["value"]) for line in lines if line.get("key") == key][-1]


def measure(asked: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Train, and return the figures of the JSON line."""
    trainer, checkpoints = build_trainer(asked, folder)
    auto = choose_threads("auto", trainer.network.spec.num_parameters, asked.batch)
    with arithmetic(Machine("cpu", asked.threads or auto)):
        started = CLOCK()
        trainer.fit()
    ends = np.array([started, *checkpoints.times])
    seconds = (np.diff(ends) - trainer.validation.seconds).tolist()
    counted = seconds[1:] or seconds
    return {
        "peer": "iovalence",
        **vars(asked),
        "clock": os.environ.get("BENCH_CLOCK", "wall"),
        "s_epoch": round(statistics.median(counted), 5),
        "mean_s_epoch": round(statistics.mean(counted), 5),
        "first_epoch_s": round(seconds[0], 5),
        "fit_train_s": round(sum(seconds), 3),
        "wall_s": round(time.perf_counter() - STARTED, 2),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "val_acc": round(last_metric(folder / "journal.jsonl", "val_accuracy"), 4),
        "train_loss": round(last_metric(folder / "journal.jsonl", "train_loss"), 4),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=42)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(parser.parse_args(), Path(folder))), flush=True)


if __name__ == "__main__":
    main()
