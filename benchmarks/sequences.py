"""What an epoch of sequences costs, beside plain PyTorch, in turns on the same data.

    python benchmarks/sequences.py [--rounds 3] [--sequences 2000] [--longest 60] [--seed 42]

Prints one JSON line for each table. `s_epoch` is the median of the rounds' training seconds of an
epoch, without validation; `s_plain` that of what one writes by hand: torch.nn.GRU, a Linear layer,
a DataLoader that shuffles, pads and packs (`pack_padded_sequence`), and torch.optim.RMSprop, on
as many threads; `ratio` is the second divided by the first. `digits` are scikit-learn's images as
8 rows of 8 pixels, `mixed` made-up sequences of 1 to `--longest` rows of 20 features.
With BENCH_CLOCK=cpu seconds are those of the process on the CPU.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader

from iovalence.models.architecture import RecurrentSpec
from iovalence.models.recurrent import RecurrentNetwork
from iovalence.training.fit import Machine, arithmetic
from iovalence.training.objective import Objective
from iovalence.training.section import SettledTraining
from iovalence.training.sequences import ResidentRows, SequenceTensors
from iovalence.training.trainer import Trainer

CLOCK = time.process_time if os.environ.get("BENCH_CLOCK") == "cpu" else time.perf_counter
CPU = torch.device("cpu")
WIDTH, BATCH, RATE = 64, 32, 0.001
Examples = list[tuple[Tensor, Tensor]]


def make_digits() -> Examples:
    """Return scikit-learn's images, each as 8 rows of 8 pixels, with its digit."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = torch.tensor(digits.images / 16, dtype=torch.float32)
    return list(zip(images, torch.tensor(digits.target), strict=True))


def make_mixed(num: int, longest: int) -> Examples:
    """Return sequences of all lengths, with the class of the sign of their first feature's sum."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, longest + 1, (num,), generator=generator).tolist()
    rows = [torch.randn(length, 20, generator=generator) for length in lengths]
    return [(some, (some[:, 0].sum() > 0).long()) for some in rows]


def build_ours(examples: Examples, num_classes: int, rounds: int, seed: int) -> Trainer:
    """Return the trainer as a run builds it."""
    lengths = torch.tensor([len(rows) for rows, _ in examples])
    part = SequenceTensors(
        rows=ResidentRows(torch.cat([rows for rows, _ in examples]), None),
        starts=lengths.cumsum(0) - lengths,
        lengths=lengths,
        target=torch.stack([label for _, label in examples]),
        weight=None,
        row_weight=None,
        batch_size=BATCH,
    )
    section = SettledTraining(
        model_type="rnn",
        layers=(WIDTH,),
        epochs=rounds,
        batch_size=BATCH,
        learning_rate=RATE,
        optimizer="rmsprop",
        dropout=0.0,
        seed=seed,
    )
    spec = RecurrentSpec(
        num_features=examples[0][0].shape[1],
        embedding_sizes=(),
        layers=section.layers,
        activation=section.activation,
        num_outputs=num_classes,
        cell="gru",
        bidirectional=False,
        max_length=None,
    )
    network = RecurrentNetwork(spec, CPU)
    network.initialise(seed)
    return Trainer(network, Objective("classification"), part, None, section)


def build_plain(examples: Examples, num_classes: int, seed: int) -> Callable[[], None]:
    """Return what takes an epoch as one writes it by hand."""
    torch.manual_seed(seed)
    cell = nn.GRU(examples[0][0].shape[1], WIDTH, batch_first=True)
    head = nn.Linear(WIDTH, num_classes)
    parameters = [*cell.parameters(), *head.parameters()]
    optimizer = torch.optim.RMSprop(parameters, lr=RATE, weight_decay=0.0001)
    loader = DataLoader(examples, batch_size=BATCH, shuffle=True, collate_fn=collate)

    def epoch() -> None:
        for padded, lengths, labels in loader:
            packed = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)
            loss = nn.functional.cross_entropy(head(cell(packed)[1][-1]), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


def collate(batch: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor]:
    """Return a batch padded, its lengths and its labels."""
    rows = [some for some, _ in batch]
    lengths = torch.tensor([len(some) for some in rows])
    return pad_sequence(rows, batch_first=True), lengths, torch.stack([label for _, label in batch])


def clock(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    started = CLOCK()
    work()
    return CLOCK() - started


def compare(name: str, examples: Examples, args: argparse.Namespace) -> dict[str, object]:
    """Time both in turns; the first round of each warms up."""
    num_classes = int(max(label for _, label in examples)) + 1
    trainer = build_ours(examples, num_classes, args.rounds + 1, args.seed)
    plain = build_plain(examples, num_classes, args.seed)
    ours, theirs = [], []
    for epoch in range(1, args.rounds + 2):
        ours.append(clock(lambda at=epoch: trainer._run_epoch(at)))
        theirs.append(clock(plain))
    s_epoch, s_plain = statistics.median(ours[1:]), statistics.median(theirs[1:])
    rows = np.array([len(some) for some, _ in examples])
    return {
        "table": name,
        "sequences": len(examples),
        "rows": int(rows.sum()),
        "s_epoch": round(s_epoch, 4),
        "s_plain": round(s_plain, 4),
        "ratio": round(s_plain / s_epoch, 2),
    }


def main() -> None:
    """Compare on both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rounds", 3), ("sequences", 2000), ("longest", 60), ("seed", 42)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    tables = {"digits": make_digits(), "mixed": make_mixed(args.sequences, args.longest)}
    with arithmetic(Machine("cpu", threads=1)):
        for name, examples in tables.items():
            print(json.dumps(compare(name, examples, args)))


if __name__ == "__main__":
    main()
