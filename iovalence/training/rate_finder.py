"""Own the search for a learning rate: a sweep of rising rates on the train part, and its reading.

It starts from first weights of its own and leaves nothing behind: training afterwards is what it
would be with the found rate written in the file. Validation and test rows never reach it.
Shapes: S steps of the sweep, B rows of a batch, K outputs, M prepared rows.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iovalence.data.prepared import Prepared
from iovalence.record import Record
from iovalence.training.fit import TRAIN, Machine, arithmetic, build_trainer
from iovalence.training.order import Order, blocks
from iovalence.training.parts import Taken
from iovalence.training.randomness import order_of_epoch, slices
from iovalence.training.section import Optimizer, SettledTraining, TrainingSection
from iovalence.training.trainer import Trainer

Floats = NDArray[np.float64]

DEFAULT_RATE: float = TrainingSection.model_fields["learning_rate"].default
USUAL_STEPS, MOST_STEPS, FEWEST_STEPS = 200, 300, 30
FALL_DONE = 0.8
BELOW_LOWEST = 3.0
DECADES = 0.3
START_SHARE = 0.05
TOO_HIGH = 4.0
NOISE = 4.0
LEAST_FALL = 0.001
RULE = (
    f"the rate of the lowest loss divided by {BELOW_LOWEST:g}, or the one at which the loss has "
    f"done {100 * FALL_DONE:g} % of its fall, whichever is lower; the loss is smoothed by a "
    f"Gaussian of {DECADES:g} decades"
)
_RANGES: dict[Optimizer, tuple[float, float]] = {"sgd": (1e-4, 10.0)}
_RANGE = (1e-5, 1.0)


class RateSweep(Record):
    """Hold a sweep and what was read off it.

    Attributes:
        rates: Learning rate of each step, rising.
        losses: Loss of each step's batch before its update; not a number where its rows weigh
            nothing.
        smoothed: The curve that the rule reads, of the same length; what is not finite or far
            above the start is drawn in.
        chosen: The rate to train with.
        is_found: False where nothing could be read off and the default was taken.
        rule: How the curve is read.
        reason: Why this rate, in one line.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    chosen: float
    is_found: bool
    rule: str = RULE
    reason: str


def find_rate(
    prepared: Prepared,
    section: SettledTraining,
    machine: Machine,
    class_weights: Tensor | None,
) -> RateSweep:
    """Sweep the learning rate over the train part, and choose one.

    Args:
        prepared: All rows, encoded.
        section: How training will be; its learning rate is not looked at.
        machine: Where.
        class_weights: float32 (K,), or None for equal weights.

    Source: the range test of Smith 2017, section 3.3, with rates that rise exponentially.
    """
    num_rows = int((prepared.part == TRAIN).sum())
    num_steps = count_steps(num_rows, section.batch_size, section.epochs)
    rates = np.geomspace(*_RANGES.get(section.optimizer, _RANGE), num_steps)
    sample = sample_rows(prepared, num_steps * section.batch_size, section.seed)
    with arithmetic(machine):
        trainer = build_trainer(sample, section, machine, class_weights)
        sums = _sweep(trainer, rates.tolist())
    return read_sweep(rates, sums[:, 0], sums[:, 1])


def count_steps(num_rows: int, batch_size: int, epochs: int) -> int:
    """Return the steps of a sweep: those of an epoch, within 200 and 300.

    Half of the training's own are the most: after longer sweeps the found rates are too low for
    short trainings. Fewer than 30 show no curve.
    """
    epoch = -(-num_rows // batch_size)
    wanted = min(max(epoch, USUAL_STEPS), MOST_STEPS)
    return max(FEWEST_STEPS, min(wanted, epoch * epochs // 2))


def sample_rows(prepared: Prepared, num_rows: int, seed: int) -> Prepared:
    """Return the prepared rows with so many of the train part, or all of it; no other part."""
    train = np.flatnonzero(prepared.part == TRAIN)
    if num_rows < len(train):
        train = train[order_of_epoch(seed, 1, len(train)).numpy()[:num_rows]]
    part = np.full(len(prepared.part), -1, dtype=np.int8)
    part[train] = TRAIN
    return replace(prepared, part=part)


def _sweep(trainer: Trainer, rates: Sequence[float]) -> Floats:
    """Take a step with each rate; return loss times weight, and weight, of each batch, (S, 2)."""
    sums: list[Floats] = []
    epoch = 0
    while len(sums) < len(rates):
        epoch += 1
        order = trainer.train.order(trainer.section.seed, epoch)
        for block, rows in enumerate(blocks(order, trainer.block_rows)):
            left = rates[len(sums) :]
            if left:
                sums += _take_block(trainer, epoch, block, rows, left)
    return np.array(sums)


def _take_block(
    trainer: Trainer, epoch: int, block: int, rows: Order, rates: Sequence[float]
) -> list[Floats]:
    """Take the steps of a block, as far as there are rates; return the sums of each batch."""
    size = trainer.section.batch_size
    rows = rows[: len(rates) * size]
    taken = trainer.train.take(rows)
    masks = trainer.masks.draw(epoch, block, len(rows))
    outputs = _take_steps(trainer, taken, masks, rates[: -(-len(rows) // size)])
    batches = zip(slices(outputs, size), taken.in_turn(size), strict=True)
    sums = [
        trainer.objective.sums(some, batch.target, batch.weight, None)[:2]
        for some, batch in batches
    ]
    return list(torch.stack(sums).cpu().double().numpy())


def _take_steps(
    trainer: Trainer, rows: Taken, masks: list[Tensor], rates: Sequence[float]
) -> Tensor:
    """Take a step for each batch; return the outputs (rows, K) as they were before each."""
    return trainer.steps.run(rows, masks, rates)


def read_sweep(rates: Floats, loss_sums: Floats, weights: Floats) -> RateSweep:
    """Choose a learning rate from a sweep; see `RULE`.

    Where the loss does not fall by more than its noise, or is not finite from the start, it is
    the default.

    Args:
        rates: float64 (S,), rising exponentially.
        loss_sums: Loss times weight of each step's batch, float64 (S,).
        weights: Weight of each step's batch, float64 (S,), >= 0.
    """
    with np.errstate(invalid="ignore"):
        losses = np.where(weights > 0, loss_sums / weights.clip(np.finfo(np.float64).tiny), np.nan)
    smoothed = _smooth(rates, _bound(losses, weights), weights)
    curve = {"rates": tuple(rates), "losses": tuple(losses), "smoothed": tuple(smoothed)}
    fault = _find_fault(rates, losses, smoothed)
    if fault:
        reason = f"the default, since the sweep shows no rate: {fault}"
        return RateSweep(**curve, chosen=DEFAULT_RATE, is_found=False, reason=reason)
    lowest, fallen = _read_curve(rates, smoothed)
    chosen = min(lowest / BELOW_LOWEST, fallen)
    read = (
        f"the loss has done {100 * FALL_DONE:g} % of its fall there"
        if fallen <= lowest / BELOW_LOWEST
        else f"the loss is lowest at {lowest:.2g}, which is divided by {BELOW_LOWEST:g}"
    )
    reason = f"found by {len(rates)} steps with rates from {rates[0]:g} to {rates[-1]:g}: {read}"
    return RateSweep(**curve, chosen=round_rate(chosen), is_found=True, reason=reason)


def round_rate(rate: float) -> float:
    """Return a rate with two significant digits."""
    return float(f"{rate:.1e}")


def _bound(losses: Floats, weights: Floats) -> Floats:
    """Return the losses with those of a diverged network bounded, so that a mean can be taken."""
    num_start = max(1, round(START_SHARE * len(losses)))
    limit = TOO_HIGH * losses[weights > 0][:num_start].mean()
    bounded = np.where(losses < limit, losses, limit)
    broken = np.flatnonzero(~np.isfinite(losses) & (weights > 0))
    if len(broken):
        # After this step the weights are no numbers.
        bounded[broken[0] :] = limit
    return bounded


def _smooth(rates: Floats, losses: Floats, weights: Floats) -> Floats:
    """Return the weighted mean of the losses around each rate, float64 (S,)."""
    log = np.log10(rates)
    kernel = np.exp(-0.5 * np.square((log[:, None] - log) / DECADES)) * weights
    smoothed: Floats = kernel @ losses / kernel.sum(axis=1)
    return smoothed


def _find_fault(rates: Floats, losses: Floats, smoothed: Floats) -> str:
    """Return why no rate can be read off, or nothing."""
    if not np.isfinite(smoothed).all():
        return "the loss is not finite from the start"
    at = int(smoothed.argmin())
    fall = smoothed[0] - smoothed[at]
    # About so many steps count in one smoothed value.
    per_decade = len(rates) / np.log10(rates[-1] / rates[0])
    count = max(1.0, DECADES * np.sqrt(4 * np.pi) * per_decade)
    noise = np.nanstd((losses - smoothed)[: at + 1]) / np.sqrt(count)
    if fall <= max(NOISE * noise, LEAST_FALL * smoothed[0]):
        return f"the loss falls by {max(fall, 0):.2g} at most, within its noise"
    return ""


def _read_curve(rates: Floats, smoothed: Floats) -> tuple[float, float]:
    """Return the rate of the lowest loss, and the first at which enough of the fall is done."""
    at = int(smoothed.argmin())
    level = smoothed[0] - FALL_DONE * (smoothed[0] - smoothed[at])
    return float(rates[at]), float(rates[int((smoothed <= level).argmax())])
