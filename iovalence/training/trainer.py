"""Own the loop: epochs of blocks of batches, each batch one step.

It knows rows as tensors and reports figures; it knows no files but the checkpoints it is handed,
no table and no tracking. Shapes: N rows, K outputs, P parameters.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iovalence.errors import TrainingError
from iovalence.models.build import AnyNetwork
from iovalence.training.checkpoint import Checkpoint, Checkpoints, Position
from iovalence.training.objective import NUM_SUMS, Objective
from iovalence.training.optimizers import FlatOptimizer
from iovalence.training.order import Order, blocks
from iovalence.training.parts import Rows, Taken
from iovalence.training.randomness import DropoutMasks
from iovalence.training.replay import build_steps
from iovalence.training.schedule import Watch, rates_of_epoch
from iovalence.training.section import SettledTraining

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


def _never() -> bool:
    return False


@dataclass
class Trainer:
    """Train one network.

    Attributes:
        network: What is trained; holds the newest parameters.
        objective: What is optimised.
        train: Rows to learn from.
        validation: Rows to watch, or None.
        section: How to train.
        mixed_precision: Whether products are taken in bfloat16.
        observe: Called after every epoch, before its checkpoint.
        checkpoints: Where to keep checkpoints, or None.
        name_rows: Names rows by their position in the train part, for messages.
        should_stop: Asked after every block; True saves a checkpoint and interrupts.
        position: How far training has come.
    """

    network: AnyNetwork
    objective: Objective
    train: Rows
    validation: Rows | None
    section: SettledTraining
    mixed_precision: bool = False
    observe: Callable[[EpochFigures], None] | None = None
    checkpoints: Checkpoints | None = None
    name_rows: Callable[[NDArray[np.int64]], str] | None = None
    should_stop: Callable[[], bool] = _never
    position: Position = field(default_factory=Position)

    def __post_init__(self) -> None:
        network, section = self.network, self.section
        self.optimizer = FlatOptimizer(network.flat, network.grad, section)
        self.masks = DropoutMasks(
            section.seed,
            section.dropout,
            network.spec.mask_widths,
            network.flat.device,
            torch.bfloat16 if self.mixed_precision else torch.float32,
        )
        self.steps = build_steps(
            network,
            self.objective,
            self.optimizer,
            section,
            mask_scale=self.masks.scale,
            mixed_precision=self.mixed_precision,
        )
        self.watch = Watch(section, has_validation=self.validation is not None)
        self.best = network.flat.clone()
        self._before = [value.clone() for value in self._changing]

    @property
    def _changing(self) -> list[Tensor]:
        """Return all that a step changes."""
        return [self.network.flat, *self.optimizer.state.values()]

    @property
    def num_steps(self) -> int:
        """Return the steps of one epoch."""
        return -(-self.train.num_rows // self.section.batch_size)

    def tensors(self) -> dict[str, Tensor]:
        """Return what a checkpoint holds besides the position, by name; not copied."""
        optimizer = {f"optimizer.{name}": value for name, value in self.optimizer.state.items()}
        return {"parameters": self.network.flat, "best": self.best, **optimizer}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to where a checkpoint was saved; what follows is what followed then.

        Raises:
            CheckpointError: It is of another network or another optimizer.
        """
        with torch.no_grad():
            for name, value in checkpoint.fitting(self.tensors()).items():
                self.tensors()[name].copy_(value)
        self.position = checkpoint.state.position

    def fit(self) -> Trained:
        """Train until the last epoch, or until early stopping.

        Raises:
            TrainingError: The loss of a step is not finite; that step changed nothing.
            CheckpointError: A checkpoint could not be saved.
            KeyboardInterrupt: `should_stop` said so; a checkpoint was saved.
        """
        while not self._is_done:
            figures = self._run_epoch(self.position.epoch + 1)
            if self.observe is not None:
                self.observe(figures)
            if self.checkpoints is not None:
                self.checkpoints.after_epoch(self, is_last=self._is_done)
        epoch, progress = self.position.epoch, self.position.progress
        keeps_best = self.section.keep == "best" and self.validation is not None
        return Trained(
            flat=(self.best if keeps_best else self.network.flat).cpu().clone(),
            kept_epoch=progress.best_epoch if keeps_best else epoch,
            num_epochs=epoch,
            stopped_early=self.watch.stops(progress),
            num_steps=epoch * self.num_steps,
        )

    @property
    def _is_done(self) -> bool:
        is_last = self.position.epoch >= self.section.epochs
        return is_last or self.watch.stops(self.position.progress)

    def _run_epoch(self, epoch: int) -> EpochFigures:
        started = time.perf_counter()
        progress = self.position.progress
        rates = rates_of_epoch(self.section, epoch, self.num_steps, progress.drops)
        num_rows, train = self._train_epoch(epoch, rates)
        trained = time.perf_counter()
        metrics = {f"train_{name}": value for name, value in train.items()}
        watched = train["loss"]
        if self.validation is not None:
            validation = measure(self.network, self.objective, self.validation)
            metrics |= {f"val_{name}": value for name, value in validation.items()}
            watched = validation["loss"]
        progress = self.watch.after_epoch(progress, epoch, watched)
        self.position = Position(epoch=epoch, progress=progress)
        is_best = progress.best_epoch == epoch
        if is_best:
            self.best.copy_(self.network.flat)
        metrics |= {
            "learning_rate": rates[-1],
            "epoch_seconds": time.perf_counter() - started,
            "rows_per_second": num_rows / (trained - started),
        }
        return EpochFigures(epoch, epoch * self.num_steps, metrics, is_best)

    def _train_epoch(self, epoch: int, rates: list[float]) -> tuple[int, dict[str, float]]:
        """Take the rows that the epoch has left, in its order.

        Returns:
            How many these were, and the figures of the whole epoch as it trained.
        """
        order, size = self.train.order(self.section.seed, epoch), self.block_rows
        first = self.position.block * size
        per_block = size // self.section.batch_size
        for block, rows in enumerate(blocks(order[first:], size), self.position.block):
            at = block * per_block
            sums = self._train_block(epoch, block, rows, rates[at : at + per_block])
            total = [a + b for a, b in zip(self.position.sums, sums, strict=True)]
            self.position = self.position.model_copy(
                update={"block": block + 1, "sums": tuple(total)}
            )
            self._after_block()
        return len(order) - first, self.objective.figures(list(self.position.sums))

    @property
    def block_rows(self) -> int:
        """Return the rows that are gathered at once: whole batches, so that blocks do not show."""
        batch_size = self.section.batch_size
        return max(1, self.train.at_once(BLOCK_ROWS) // batch_size) * batch_size

    def _train_block(
        self, epoch: int, block: int, rows: Order, rates: Sequence[float]
    ) -> list[float]:
        """Take the steps of a block; return its sums."""
        taken = self.train.take(rows)
        masks = self.masks.draw(epoch, block, len(rows))
        for kept, value in zip(self._before, self._changing, strict=True):
            kept.copy_(value)
        outputs = self.steps.run(taken, masks, rates)
        sums = self.objective.sums(outputs, taken.target, taken.weight, taken.row_weight).tolist()
        if not math.isfinite(sums[0]):
            self._undo_and_raise(epoch, block, rows, (taken, masks, rates, outputs))
        return [float(value) for value in sums]

    def _undo_and_raise(
        self,
        epoch: int,
        block: int,
        rows: Order,
        ran: tuple[Taken, list[Tensor], Sequence[float], Tensor],
    ) -> None:
        """Take again the steps before the first whose loss is not finite, and no more.

        So the steps themselves need not look at their losses.
        """
        taken, masks, rates, outputs = ran
        size = self.section.batch_size
        losses = self.objective.row_losses(outputs, taken.target, taken.weight)
        good = int((~losses.isfinite()).nonzero()[0].item()) // size
        with torch.no_grad():
            for kept, value in zip(self._before, self._changing, strict=True):
                value.copy_(kept)
        self.steps.run(taken, masks, rates[:good])
        step = (epoch - 1) * self.num_steps + block * (self.block_rows // size) + good + 1
        positions = rows[good * size : (good + 1) * size].numpy()
        batch = self.name_rows(positions) if self.name_rows else f"{len(positions)} rows"
        failure = TrainingError(
            f"the loss must be finite, got inf or nan at step {step} (epoch {epoch}), "
            f"in the batch of {batch}; nothing was updated: try a lower "
            f"training.learning_rate (it is {self.section.learning_rate:g}) or gradient_clip: 1.0"
        )
        failure.step, failure.epoch = step, epoch
        raise failure

    def _after_block(self) -> None:
        stops = self.should_stop()
        if self.checkpoints is not None:
            self.checkpoints.after_block(self, stops=stops)
        if stops:
            raise KeyboardInterrupt


@torch.no_grad()
def compute_outputs(network: AnyNetwork, rows: Rows) -> Tensor:
    """Return the outputs, float32 (N, K), without dropout."""
    taken = rows.in_turn(rows.at_once(LARGE_BATCH))
    return torch.cat([network.forward(*some.inputs) for some in taken])


@torch.no_grad()
def measure(network: AnyNetwork, objective: Objective, rows: Rows) -> dict[str, float]:
    """Return the figures of a part without dropout; rows of a class unknown are left out."""
    sums = torch.zeros(NUM_SUMS, dtype=torch.float64)
    for some in rows.in_turn(rows.at_once(LARGE_BATCH)):
        outputs = network.forward(*some.inputs)
        if some.target.dtype == torch.int64 and bool((some.target < 0).any()):
            known = (some.target >= 0).nonzero()[:, 0]
            some, outputs = some.take(known), outputs.index_select(0, known)
        sums += objective.sums(outputs, some.target, some.weight, some.row_weight).cpu()
    return objective.figures(sums.tolist())
