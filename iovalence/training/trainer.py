"""Own the loop: epochs of blocks of batches, each batch one step.

It knows rows as tensors and reports figures; it knows no files but the checkpoints it is handed,
no table and no tracking. Shapes: B rows of a batch, K outputs, P parameters.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iovalence.errors import TrainingError
from iovalence.models.network import Network
from iovalence.training.checkpoint import Checkpoints
from iovalence.training.objective import NUM_SUMS, Objective
from iovalence.training.optimizers import FlatOptimizer
from iovalence.training.order import Order, blocks
from iovalence.training.parts import PartTensors, Rows
from iovalence.training.randomness import DropoutMasks, slices
from iovalence.training.schedule import Progress, Watch, rates_of_epoch
from iovalence.training.section import TrainingSection

BLOCK_ROWS = 8192
LARGE_BATCH = 16384


@dataclass(frozen=True)
class EpochFigures:
    """Report one epoch.

    Attributes:
        epoch: Which, from 1.
        step: Steps taken since the start of training.
        metrics: Named as in the journal, such as `train_loss` and `epoch_seconds`.
        is_best: Whether the watched loss is the lowest so far.
    """

    epoch: int
    step: int
    metrics: dict[str, float]
    is_best: bool


@dataclass(frozen=True)
class Trained:
    """Hold what training ended with.

    Attributes:
        flat: Parameters of the kept epoch, float32 (P,), on the CPU.
        kept_epoch: Epoch these are of.
        stopped_early: Whether early stopping ended training.
        num_epochs: Epochs run.
        num_steps: Steps taken.
    """

    flat: Tensor
    kept_epoch: int
    num_epochs: int
    stopped_early: bool
    num_steps: int


@dataclass
class Trainer:
    """Train one network.

    Attributes:
        network: What is trained; holds the newest parameters.
        objective: What is optimised.
        train: Rows to learn from.
        validation: Rows to watch, or None.
        section: How to train.
        observe: Called after every epoch.
        checkpoints: Where to keep checkpoints, or None.
        name_rows: Names rows by their position in the train part, for messages.
    """

    network: Network
    objective: Objective
    train: Rows
    validation: Rows | None
    section: TrainingSection
    observe: Callable[[EpochFigures], None] | None = None
    checkpoints: Checkpoints | None = None
    name_rows: Callable[[NDArray[np.int64]], str] | None = None
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        device = self.network.flat.device
        section = self.section
        self.optimizer = FlatOptimizer(self.network.flat, section)
        widths = self.network.spec.layers
        self.masks = DropoutMasks(section.seed, section.dropout, widths, device)
        self.watch = Watch(section, has_validation=self.validation is not None)
        self.best = self.network.flat.clone()
        # Stays 1 from the first step whose loss is not finite: no later step changes anything.
        self.skip = torch.zeros((), device=device)
        self.good_steps = torch.zeros((), dtype=torch.int32, device=device)

    def fit(self) -> Trained:
        """Train until the last epoch, or until early stopping.

        Raises:
            TrainingError: The loss of a step is not finite; that step changed nothing.
            CheckpointError: A checkpoint could not be saved.
        """
        epoch, stopped_early = 0, False
        while epoch < self.section.epochs and not stopped_early:
            epoch += 1
            figures = self._run_epoch(epoch)
            if self.observe is not None:
                self.observe(figures)
            stopped_early = self.watch.stops(self.progress)
            self._save(epoch, is_last=stopped_early or epoch == self.section.epochs)
        keeps_best = self.section.keep == "best" and self.validation is not None
        return Trained(
            flat=(self.best if keeps_best else self.network.flat).cpu().clone(),
            kept_epoch=self.progress.best_epoch if keeps_best else epoch,
            num_epochs=epoch,
            stopped_early=stopped_early,
            num_steps=epoch * self.num_steps,
        )

    @property
    def num_steps(self) -> int:
        """Return the steps of one epoch."""
        return -(-self.train.num_rows // self.section.batch_size)

    def _run_epoch(self, epoch: int) -> EpochFigures:
        started = time.perf_counter()
        rates = rates_of_epoch(self.section, epoch, self.num_steps, self.progress.drops)
        train = self._train_epoch(epoch, rates)
        trained = time.perf_counter()
        metrics = {f"train_{name}": value for name, value in train.items()}
        watched = train["loss"]
        if self.validation is not None:
            validation = measure(self.network, self.objective, self.validation)
            metrics |= {f"val_{name}": value for name, value in validation.items()}
            watched = validation["loss"]
        self.progress = self.watch.after_epoch(self.progress, epoch, watched)
        is_best = self.progress.best_epoch == epoch
        if is_best:
            self.best.copy_(self.network.flat)
        metrics |= {
            "learning_rate": rates[-1],
            "epoch_seconds": time.perf_counter() - started,
            "rows_per_second": self.train.num_rows / (trained - started),
        }
        return EpochFigures(epoch, epoch * self.num_steps, metrics, is_best)

    def _train_epoch(self, epoch: int, rates: list[float]) -> dict[str, float]:
        """Take every row once, in the epoch's order; return the figures as it trained."""
        order = self.train.order(self.section.seed, epoch)
        sums = torch.zeros(NUM_SUMS, dtype=torch.float64)
        rate = iter(rates)
        for block, rows in enumerate(blocks(order, self._block_rows)):
            taken = self.train.take(rows)
            masks = self.masks.draw(epoch, block, len(rows))
            outputs = self._train_block(taken, masks, rate)
            sums += self.objective.sums(outputs, taken.target, taken.weight, taken.row_weight).cpu()
        self._raise_if_not_finite(epoch, order)
        return self.objective.figures(sums.tolist())

    @property
    def _block_rows(self) -> int:
        """Return the rows that are gathered at once: whole batches, so that blocks do not show."""
        batch_size = self.section.batch_size
        return max(1, BLOCK_ROWS // batch_size) * batch_size

    def _train_block(self, rows: PartTensors, masks: list[Tensor], rate: Iterator[float]) -> Tensor:
        """Take a step for each batch; return the outputs (rows, K) that the losses came from."""
        size = self.section.batch_size
        per_batch = (
            zip(*(slices(mask, size) for mask in masks), strict=True) if masks else repeat(())
        )
        codes = repeat(None) if rows.codes is None else slices(rows.codes, size)
        weight = repeat(None) if rows.weight is None else slices(rows.weight, size)
        batches = zip(
            slices(rows.features, size),
            slices(rows.target, size),
            codes,
            weight,
            per_batch,
            strict=False,
        )
        return torch.cat([self._step(*batch, next(rate)) for batch in batches])

    def _step(
        self,
        features: Tensor,
        target: Tensor,
        codes: Tensor | None,
        weight: Tensor | None,
        masks: tuple[Tensor, ...],
        rate: float,
    ) -> Tensor:
        """Take one step. Nothing in here may wait for the device."""
        network, skip = self.network, self.skip
        network.grad.zero_()
        outputs = network.forward(features, codes, masks)
        loss = self.objective.loss(outputs, target, weight)
        loss.backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            # x - x is 0 for a finite x, else not a number.
            torch.maximum(skip, (loss - loss).ne(0), out=skip)
            if self.section.gradient_clip is not None:
                clip_norm(network.grad, self.section.gradient_clip)
            self.optimizer.step(network.grad, rate, skip)
            self.good_steps += skip.eq(0)
        return outputs.detach()

    def _raise_if_not_finite(self, epoch: int, order: Order) -> None:
        if not self.skip.item():
            return
        step = int(self.good_steps.item()) + 1
        first = (step - 1 - (epoch - 1) * self.num_steps) * self.section.batch_size
        positions = order[first : first + self.section.batch_size].numpy()
        batch = self.name_rows(positions) if self.name_rows else f"{len(positions)} rows"
        raise TrainingError(
            f"the loss must be finite, got inf or nan at step {step} (epoch {epoch}), "
            f"in the batch of {batch}; nothing was updated: try a lower "
            f"training.learning_rate (it is {self.section.learning_rate:g}) or gradient_clip: 1.0"
        )

    def _save(self, epoch: int, *, is_last: bool) -> None:
        if self.checkpoints is None:
            return
        due = epoch % self.section.checkpoint_interval == 0
        if due or is_last:
            self.checkpoints.save(self, epoch, due=due, is_last=is_last)


def clip_norm(grad: Tensor, largest: float) -> None:
    """Scale the gradient, float32 (P,), in place, so that its norm is at most `largest`.

    Source: Pascanu et al. 2013, algorithm 1.
    """
    grad.mul_((largest / (grad.norm() + 1e-6)).clamp_max(1.0))


@torch.no_grad()
def compute_outputs(network: Network, rows: Rows) -> Tensor:
    """Return the outputs, float32 (N, K), without dropout."""
    taken = rows.in_turn(LARGE_BATCH)
    return torch.cat([network.forward(some.features, some.codes) for some in taken])


@torch.no_grad()
def measure(network: Network, objective: Objective, rows: Rows) -> dict[str, float]:
    """Return the figures of a part without dropout; rows of a class unknown are left out."""
    sums = torch.zeros(NUM_SUMS, dtype=torch.float64)
    for some in rows.in_turn(LARGE_BATCH):
        outputs = network.forward(some.features, some.codes)
        if some.target.dtype == torch.int64 and bool((some.target < 0).any()):
            known = (some.target >= 0).nonzero()[:, 0]
            some, outputs = some.take(known), outputs.index_select(0, known)
        sums += objective.sums(outputs, some.target, some.weight, some.row_weight).cpu()
    return objective.figures(sums.tolist())
