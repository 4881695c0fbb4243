"""Own how several networks of one shape take their steps together.

Products are taken network by network, just as each alone would take them; what is done element
by element is done for all at once. So each ends with the weights it would have had alone, bit for
bit, and the small operations, which cost more than their arithmetic, are paid once for all.
Shapes: M networks, N rows of a block, B of a batch, H outputs of a layer, K of the network.
"""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from iovalence.models.network import cut
from iovalence.training.backprop import Backprop, Room, build_layer
from iovalence.training.steps import Block, clip_norm
from iovalence.training.trainer import Trainer, Work, Working

T = TypeVar("T")
# Above so many multiplications a step, the products leave nothing to save.
JOINT_STEP = 2_000_000
MOST_TOGETHER = 16


def pays(trainer_parameters: int, batch_size: int, device: str) -> bool:
    """Say whether it is faster to take the steps of several networks together.

    Args:
        trainer_parameters: Parameters of one network, about the multiplications for a row.
        batch_size: Rows of one step.
        device: A GPU replays whole blocks: there is nothing left to share.
    """
    return device == "cpu" and trainer_parameters * batch_size <= JOINT_STEP


def shape_of(work: Work) -> Hashable:
    """Return what has to be the same for steps to be taken together."""
    trainer, rows = work.trainer, work.rows
    return (
        trainer.network.spec,
        trainer.objective.task,
        trainer.section.batch_size,
        rows.num_rows,
        len(work.rates),
        len(work.masks),
    )


@dataclass(frozen=True)
class JointBatch:
    """Hold a batch of M networks: what they share, and the views of each.

    Attributes:
        goal: As `Objective.goal` gives it, with M before.
        outputs: float32 (M, K, B).
        masks: For each hidden layer (M, B, H).
        each: The batch of each network.
    """

    goal: tuple[Tensor, ...]
    outputs: Tensor
    masks: tuple[Tensor, ...]
    each: tuple[Block, ...]


class JointBackprop:
    """Go forwards and backwards through M networks with batches of B rows.

    Args:
        members: The trainers of the networks.
        rows: B.
    """

    def __init__(self, members: Sequence[Trainer], rows: int) -> None:
        first = members[0].network
        spec = first.spec
        rooms = [Room.like(first.flat, len(members), rows, width) for width in spec.layers]
        self.slope = first.flat.new_empty(len(members), spec.num_outputs, rows)
        self._layers = [build_layer(room, spec.activation) for room in rooms]
        self._each = [
            Backprop(
                spec,
                cut(trainer.network.flat, spec),
                cut(trainer.network.grad, spec),
                trainer.masks.scale,
                [room.of(member) for room in rooms],
                self.slope[member],
            )
            for member, trainer in enumerate(members)
        ]

    def forward(self, batch: JointBatch) -> None:
        """Write the outputs of every network for its batch."""
        for one, block in zip(self._each, batch.each, strict=True):
            one.begin(block.inputs, block.codes)
        for i, layer in enumerate(self._layers):
            for one in self._each:
                one.multiply(i)
            layer.activate(batch.masks[i] if batch.masks else None)
        for one, block in zip(self._each, batch.each, strict=True):
            one.finish(block.outputs)

    def backward(self, batch: JointBatch) -> None:
        """Write the gradients of every network, once `slope` is written."""
        for i in reversed(range(len(self._layers))):
            for one in self._each:
                one.pass_back(i)
            self._layers[i].slope(batch.masks[i] if batch.masks else None)
        for one, block in zip(self._each, batch.each, strict=True):
            one.end(block.codes)


class JointSteps:
    """Take the steps of M networks together.

    Args:
        members: Their trainers, whose work has one shape (see `shape_of`).
    """

    def __init__(self, members: Sequence[Trainer]) -> None:
        self._members = list(members)
        self._objective = members[0].objective
        self._batch_size = members[0].section.batch_size
        self._passes: dict[int, JointBackprop] = {}
        self._batches: dict[int, list[JointBatch]] = {}
        self._blocks: dict[int, Block] = {}

    @torch.inference_mode()
    def run(self, works: Sequence[Work]) -> list[Tensor]:
        """Take a step for each batch of the blocks; return the outputs of each network, (N, K)."""
        num_rows = works[0].rows.num_rows
        if num_rows not in self._blocks:
            self._blocks[num_rows] = self._make_room(works)
            self._batches[num_rows] = list(self._cut(self._blocks[num_rows]))
        self._load(self._blocks[num_rows], works)
        rates = zip(*(work.rates for work in works), strict=True)
        for batch, each_rate in zip(self._batches[num_rows], rates, strict=True):
            self._step(batch, each_rate)
        return [outputs.t() for outputs in self._blocks[num_rows].outputs]

    def _step(self, batch: JointBatch, rates: Sequence[float]) -> None:
        num_rows = batch.outputs.shape[-1]
        if num_rows not in self._passes:
            self._passes[num_rows] = JointBackprop(self._members, num_rows)
        backprop = self._passes[num_rows]
        backprop.forward(batch)
        self._objective.differentiate(batch.outputs, batch.goal, backprop.slope)
        backprop.backward(batch)
        for trainer, rate in zip(self._members, rates, strict=True):
            if trainer.section.gradient_clip is not None:
                clip_norm(trainer.network.grad, trainer.section.gradient_clip)
            trainer.optimizer.step(rate)

    def _make_room(self, works: Sequence[Work]) -> Block:
        """Return room for the blocks of M networks, each part with M before."""
        blocks = [work.trainer.steps.make_room(work.rows, work.masks) for work in works]
        codes = [block.codes for block in blocks if block.codes is not None]
        return Block(
            inputs=torch.stack([block.inputs for block in blocks]),
            goal=tuple(torch.stack(parts) for parts in zip(*(b.goal for b in blocks), strict=True)),
            outputs=torch.stack([block.outputs for block in blocks]),
            codes=torch.stack(codes) if codes else None,
            masks=[torch.stack(masks) for masks in zip(*(b.masks for b in blocks), strict=True)],
        )

    def _load(self, block: Block, works: Sequence[Work]) -> None:
        for member, work in enumerate(works):
            work.trainer.steps.fill(member_of(block, member), work.rows)
            for place, mask in zip(block.masks, work.masks, strict=True):
                place[member].copy_(mask)

    def _cut(self, block: Block) -> Iterator[JointBatch]:
        """Yield the batches of a block of M networks."""
        members = [member_of(block, member) for member in range(len(self._members))]
        cuts = zip(*(one.batches(self._batch_size) for one in members), strict=True)
        for at, each in enumerate(cuts):
            rows = slice(at * self._batch_size, (at + 1) * self._batch_size)
            yield JointBatch(
                goal=tuple(part[..., rows] for part in block.goal),
                outputs=block.outputs[..., rows],
                masks=tuple(mask[:, rows] for mask in block.masks),
                each=each,
            )


def member_of(block: Block, member: int) -> Block:
    """Return the block of one of M networks, as views."""
    return Block(
        inputs=block.inputs[member],
        goal=tuple(part[member] for part in block.goal),
        outputs=block.outputs[member],
        codes=None if block.codes is None else block.codes[member],
        masks=[mask[member] for mask in block.masks],
    )


def take_together(workings: Sequence[Working[T]]) -> list[T]:
    """Drive several trainings at once, and return what each came to.

    Whose work has one shape takes its steps together. A stop or a fault in one of them is raised
    when all the others have come to their next block; they are closed there.

    Args:
        workings: As `Trainer.working` gives them, or what is built around that.
    """
    results: dict[int, T] = {}
    sent: dict[int, Tensor | None] = dict.fromkeys(range(len(workings)))
    joint: dict[tuple[int, ...], JointSteps] = {}
    try:
        while sent:
            works = _advance(workings, sent, results)
            sent = dict(_take(works, joint))
    except BaseException as err:
        for at in set(range(len(workings))) - set(results):
            with suppress(StopIteration, type(err)):
                workings[at].throw(err)
        raise
    return [results[at] for at in range(len(workings))]


def _advance(
    workings: Sequence[Working[T]], sent: dict[int, Tensor | None], results: dict[int, T]
) -> dict[int, Work]:
    """Give each training its outputs; return what those that go on have to do next."""
    works: dict[int, Work] = {}
    stopped: KeyboardInterrupt | None = None
    for at, outputs in sent.items():
        try:
            works[at] = next(workings[at]) if outputs is None else workings[at].send(outputs)
        except StopIteration as done:
            results[at] = done.value
        except KeyboardInterrupt as err:
            stopped = err
    if stopped is None:
        return works
    # Those that went on before it was asked: at their next block they stop too.
    for at, work in works.items():
        with suppress(KeyboardInterrupt):
            try:
                workings[at].send(work.take())
            except StopIteration as done:
                results[at] = done.value
    raise stopped


def _take(
    works: dict[int, Work], joint: dict[tuple[int, ...], JointSteps]
) -> Iterator[tuple[int, Tensor]]:
    """Take the steps of each, together where they fit; yield the outputs of each."""
    alike: dict[Hashable, list[int]] = {}
    for at, work in works.items():
        alike.setdefault(shape_of(work), []).append(at)
    for members in alike.values():
        some = [works[at] for at in members]
        if len(some) == 1:
            yield members[0], some[0].take()
            continue
        key = tuple(id(work.trainer) for work in some)
        if key not in joint:
            joint[key] = JointSteps([work.trainer for work in some])
        yield from zip(members, joint[key].run(some), strict=True)
