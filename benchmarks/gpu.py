"""What a training step costs on a GPU: ours beside plain PyTorch, Lightning and bare kernels.

    python benchmarks/gpu.py [--rows 100000] [--batch 32] [--epochs 3] [--rounds 3] [--mixed]

All train the network of the documented defaults on the same rows, resident on the device; the
ways run in turn, and medians and ratios to ours are printed. `kernels` is one captured step of
ours replayed on one batch, with nothing around it: no rows moved, no figures. Before anything is
timed, replayed steps are compared with steps taken one by one.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise

import torch
from torch import Tensor, nn

from iovalence.models.architecture import NetworkSpec
from iovalence.models.network import Network
from iovalence.training.objective import Objective
from iovalence.training.parts import PartTensors
from iovalence.training.section import SettledTraining
from iovalence.training.steps import Steps
from iovalence.training.trainer import Trainer

FEATURES, CLASSES = 54, 7


def make_rows(num_rows: int, device: torch.device) -> PartTensors:
    """Return rows whose class is that of the largest of seven mixed features."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(num_rows, FEATURES, generator=generator)
    target = (features @ torch.randn(FEATURES, CLASSES, generator=generator)).argmax(1)
    return PartTensors(features, None, target, None, None).to(device)


def make_trainer(rows: PartTensors, args: argparse.Namespace) -> Trainer:
    """Return the real trainer at its start."""
    section = SettledTraining(batch_size=args.batch, epochs=args.epochs, early_stopping=False)
    spec = NetworkSpec(
        num_features=FEATURES,
        embedding_sizes=(),
        layers=section.layers,
        activation=section.activation,
        num_outputs=CLASSES,
    )
    network = Network(spec, rows.target.device)
    network.initialise(section.seed)
    objective = Objective("classification")
    return Trainer(network, objective, rows, None, section, mixed_precision=args.mixed)


def ours(rows: PartTensors, args: argparse.Namespace) -> float:
    """Return seconds an epoch of the real trainer, captures in the first epoch left out."""
    seconds: list[float] = []
    trainer = make_trainer(rows, args)
    trainer.observe = lambda figures: seconds.append(figures.metrics["epoch_seconds"])
    trainer.fit()
    return statistics.median(seconds[1:] or seconds)


def kernels(rows: PartTensors, args: argparse.Namespace) -> float:
    """Return seconds an epoch of one captured step, replayed as often as an epoch has steps."""
    trainer = make_trainer(rows, args)
    batch = rows.take(torch.arange(args.batch))
    masks = trainer.masks.draw(1, 0, args.batch)
    trainer.steps.run(batch, masks, [1e-3])
    captured = getattr(trainer.steps, "_captured", {}).get(args.batch)
    if captured is None:
        return float("nan")
    return timed(lambda: [captured.replay() for _ in range(trainer.num_steps)])


def plain(rows: PartTensors, args: argparse.Namespace) -> float:
    """Return seconds an epoch of plain PyTorch, its rows on the device, without a DataLoader."""
    model = stack().to(rows.target.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)

    def epoch() -> None:
        order = torch.randperm(rows.num_rows, device=rows.target.device)
        for at in order.split(args.batch):
            with torch.autocast(rows.target.device.type, torch.bfloat16, enabled=args.mixed):
                loss = nn.functional.cross_entropy(model(rows.features[at]), rows.target[at])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return statistics.median(timed(epoch) for _ in range(args.epochs))


def stack() -> nn.Sequential:
    """Return the network of the documented defaults, as torch.nn has it."""
    layers: list[nn.Module] = []
    widths = (FEATURES, 128, 64, 32)
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.ReLU(), nn.Dropout(0.3)]
    return nn.Sequential(*layers, nn.Linear(32, CLASSES))


def lightning(rows: PartTensors, args: argparse.Namespace) -> float:
    """Return seconds an epoch of Lightning with a DataLoader in the process."""
    import lightning as L
    from torch.utils.data import DataLoader, TensorDataset

    class Module(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.stack, self.seconds, self.started = stack(), [], 0.0

        def training_step(self, batch: list[Tensor], _: int) -> Tensor:
            return nn.functional.cross_entropy(self.stack(batch[0]), batch[1])

        def on_train_epoch_start(self) -> None:
            self.started = time.perf_counter()

        def on_train_epoch_end(self) -> None:
            wait()
            self.seconds.append(time.perf_counter() - self.started)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=1e-3, weight_decay=1e-4)

    module = Module()
    data = DataLoader(TensorDataset(rows.features.cpu(), rows.target.cpu()), args.batch, True)
    trainer = L.Trainer(
        max_epochs=args.epochs,
        accelerator=rows.target.device.type,
        devices=1,
        precision="bf16-mixed" if args.mixed else "32-true",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, data)
    return statistics.median(module.seconds[1:] or module.seconds)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of some work, that of the device included."""
    wait()
    started = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - started


def wait() -> None:
    """Wait for the device."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def check(rows: PartTensors, args: argparse.Namespace) -> None:
    """Compare a block of replayed steps with the same steps taken one by one."""
    replayed, single = make_trainer(rows, args), make_trainer(rows, args)
    single.steps.run = Steps.run.__get__(single.steps)  # type: ignore[method-assign]
    few = rows.take(torch.arange(8 * args.batch))
    for trainer in (replayed, single):
        for block in range(3):
            masks = trainer.masks.draw(1, block, few.num_rows)
            trainer.steps.run(few, masks, [1e-3] * 8)
    wait()
    torch.testing.assert_close(replayed.network.flat, single.network.flat)
    equal = torch.equal(replayed.network.flat, single.network.flat)
    print(f"replayed steps equal steps one by one: {'bit for bit' if equal else 'to rounding'}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mixed", action="store_true", help="products in bfloat16")
    parser.add_argument("--device", default="cuda", help="cpu tries the script without a GPU")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("a GPU of NVIDIA's must be there that PyTorch sees, got none")
    rows = make_rows(args.rows, torch.device(args.device))
    check(rows, args)
    ways = {"ours": ours, "kernels": kernels, "plain": plain}
    ways |= {"lightning": lightning} if find_spec("lightning") else {}
    seen: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(args.rounds):
        for name, way in ways.items():
            seen[name].append(way(rows, args))
    best = statistics.median(seen["ours"])
    print(f"{'':12}{'s/epoch':>10}{'to ours':>10}")
    for name, seconds in seen.items():
        middle = statistics.median(seconds)
        print(f"{name:12}{middle:10.4f}{middle / best:10.2f}")


if __name__ == "__main__":
    main()
