"""Whether saving leaks: memory and open files of a process that saves checkpoint after checkpoint.

    python benchmarks/saves.py [--saves 100000] [--folder /dev/shm]

A tiny network is saved through the same door as in training, within an epoch and after one. Memory
and open files are looked at after a hundredth of the saves, after half of them and at the end. Ends
with status 1 where files are left open or behind, or memory grew in the second half by more than 10
bytes a save; in the first half the tables of the interpreter find their size.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import psutil
import torch

from iovalence.models.architecture import NetworkSpec
from iovalence.models.network import Network
from iovalence.runs.journal import Journal
from iovalence.training.checkpoint import Checkpoints, Position
from iovalence.training.objective import Objective
from iovalence.training.parts import PartTensors
from iovalence.training.section import TrainingSection
from iovalence.training.trainer import Trainer

BYTES_PER_SAVE = 10
KEPT = 3


def build_trainer() -> Trainer:
    """Return a trainer of a tiny network."""
    spec = NetworkSpec(
        num_features=2, embedding_sizes=(), layers=(4,), activation="relu", num_outputs=2
    )
    rows = PartTensors(torch.zeros(4, 2), None, torch.zeros(4, dtype=torch.int64), None, None)
    section = TrainingSection(layers=(4,), batch_size=4)
    network = Network(spec, torch.device("cpu"))
    return Trainer(network, Objective("classification"), rows, None, section)


def save(trainer: Trainer, checkpoints: Checkpoints, first: int, last: int) -> None:
    """Save so many times: one in ten after an epoch, the others within one."""
    for number in range(first, last):
        trainer.position = Position(epoch=number // 10, block=number % 10)
        if number % 10 == 0:
            checkpoints.after_epoch(trainer, is_last=False)
        else:
            checkpoints.after_block(trainer, stops=True)


def look(folder: Path) -> tuple[int, int, int]:
    """Return resident bytes, open files, and the files in the folder."""
    process = psutil.Process()
    return process.memory_info().rss, process.num_fds(), len(list(folder.iterdir()))


def main() -> int:
    """Save, look and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--saves", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to; a disk in memory is soon done")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder, journal = Path(name) / "checkpoints", Journal(Path(name) / "journal.jsonl")
        journal.event("started")
        checkpoints = Checkpoints(folder, keep=KEPT, interval=1, before_saving=journal.sync)
        trainer, saves, started = build_trainer(), asked.saves, time.perf_counter()
        looks, first = [], 0
        for last in (saves // 100, saves // 2, saves):
            save(trainer, checkpoints, first, last)
            looks.append(look(folder))
            first = last
        elapsed_s = time.perf_counter() - started
    memory, descriptors, files = zip(*looks, strict=True)
    print(f"{saves:,} saves, {1e3 * elapsed_s / saves:.2f} ms each")
    print(f"resident memory {', '.join(f'{size / 1e6:.2f}' for size in memory)} MB")
    print(f"open files {descriptors}, files left {files}")
    has_grown = memory[2] - memory[1] > BYTES_PER_SAVE * saves // 2
    return int(has_grown or descriptors[2] > descriptors[0] or files[2] != KEPT + 1)


if __name__ == "__main__":
    sys.exit(main())
