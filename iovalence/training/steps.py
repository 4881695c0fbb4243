"""Own the steps of a block: for each batch the gradient, and one update.

Nothing in a step waits for a device, allocates, logs or saves.
Shapes: N rows of a block, B of a batch, F features, E embedded columns, K outputs.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

import torch
from torch import Tensor

from iovalence.models.network import Network, cut
from iovalence.training.backprop import Backprop
from iovalence.training.objective import Objective
from iovalence.training.optimizers import FlatOptimizer
from iovalence.training.parts import PartTensors
from iovalence.training.randomness import slices


class Block(NamedTuple):
    """Hold the rows of a block, or of one of its batches, as steps take them.

    Attributes:
        inputs: (N, I+1) as `Backprop.forward` takes them.
        goal: As `Objective.goal` gives it.
        outputs: float32 (K, N), written by the steps.
        codes: int64 (N, E), or None.
        masks: For each hidden layer (N, H); none without dropout.
    """

    inputs: Tensor
    goal: tuple[Tensor, ...]
    outputs: Tensor
    codes: Tensor | None
    masks: Sequence[Tensor]

    def batches(self, size: int) -> "Iterator[Block]":
        """Yield views of the batches, `size` rows each, the last perhaps fewer."""
        codes = repeat(None) if self.codes is None else slices(self.codes, size)
        cut_masks = [slices(mask, size) for mask in self.masks]
        masks = zip(*cut_masks, strict=True) if cut_masks else repeat(())
        goal = zip(*(slices(part, size, 1) for part in self.goal), strict=True)
        inputs, outputs = slices(self.inputs, size), slices(self.outputs, size, 1)
        return (Block(*parts) for parts in zip(inputs, goal, outputs, codes, masks, strict=False))

    def tensors(self) -> list[Tensor]:
        """Return all that is there, in one order."""
        codes = [] if self.codes is None else [self.codes]
        return [self.inputs, *self.goal, self.outputs, *codes, *self.masks]


class Steps:
    """Take the steps of one block after another.

    Args:
        network: What is trained.
        objective: What is optimised.
        optimizer: Updates the network's flat vector.
        batch_size: Rows of one step; the last of a block may have fewer.
        mask_scale: Value of a dropout mask where nothing is dropped; 1 without dropout.
        gradient_clip: Largest norm of the gradient, or None.
        dtype: Of the products: float32, or bfloat16 with parameters and updates in float32.

    """

    def __init__(
        self,
        network: Network,
        objective: Objective,
        optimizer: FlatOptimizer,
        *,
        batch_size: int,
        mask_scale: float = 1.0,
        gradient_clip: float | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._network, self._objective, self._optimizer = network, objective, optimizer
        self._batch_size, self._mask_scale = batch_size, mask_scale
        self._clip = gradient_clip
        self._is_low = dtype != torch.float32
        self._flat = network.flat.to(dtype)
        self._grad = network.grad.to(dtype)
        self._passes: dict[int, Backprop] = {}
        self._blocks: dict[int, tuple[Block, list[Block]]] = {}

    @torch.inference_mode()
    def run(self, rows: PartTensors, masks: Sequence[Tensor], rates: Sequence[float]) -> Tensor:
        """Take a step for each batch of a block.

        Args:
            rows: N rows, in the order in which they are taken.
            masks: For each hidden layer (N, H), of the dtype of the products; none without dropout.
            rates: Learning rate of each step; for fewer steps than batches, the rest is not taken.

        Returns:
            The outputs that the losses came from, float32 (N, K); overwritten by the next block.
        """
        block, batches = self._load(rows, masks)
        self._take(batches, rates)
        return block.outputs.t()

    def _load(self, rows: PartTensors, masks: Sequence[Tensor]) -> tuple[Block, list[Block]]:
        """Return a block as steps take it, and its batches, in memory kept for its size.

        To cut a batch anew would cost as much as one of its products.
        """
        num_rows, goal = rows.num_rows, self._goal(rows)
        kept = self._blocks.get(num_rows)
        if kept is None or kept[0].masks is not masks:
            block = self._room(rows, goal, masks)
            kept = self._blocks[num_rows] = block, list(block.batches(self._batch_size))
        block = kept[0]
        block.inputs[:, : rows.features.shape[1]].copy_(rows.features)
        for place, part in zip(block.goal, goal, strict=True):
            place.copy_(part)
        if block.codes is not None and rows.codes is not None:
            block.codes.copy_(rows.codes)
        return kept

    def _goal(self, rows: PartTensors) -> tuple[Tensor, ...]:
        num_outputs = self._network.spec.num_outputs
        return self._objective.goal(rows.target, rows.weight, self._batch_size, num_outputs)

    def _room(self, rows: PartTensors, goal: tuple[Tensor, ...], masks: Sequence[Tensor]) -> Block:
        spec, num_rows = self._network.spec, rows.num_rows
        return Block(
            inputs=self._flat.new_ones(num_rows, spec.widths[0][0] + 1),
            goal=tuple(torch.empty_like(part) for part in goal),
            outputs=self._network.flat.new_empty(spec.num_outputs, num_rows),
            codes=None if rows.codes is None else torch.empty_like(rows.codes),
            masks=masks,
        )

    def _take(self, batches: Iterable[Block], rates: Sequence[float] | Tensor) -> None:
        for batch, rate in zip(batches, rates, strict=False):
            self._differentiate(batch)
            if self._clip is not None:
                clip_norm(self._network.grad, self._clip)
            self._optimizer.step(rate)

    def _differentiate(self, batch: Block) -> None:
        """Write the outputs and the gradient of a batch."""
        inputs, goal, outputs, codes, masks = batch
        num_rows = len(inputs)
        if num_rows not in self._passes:
            self._passes[num_rows] = self._build(num_rows)
        backprop = self._passes[num_rows]
        if self._is_low:
            self._differentiate_low(batch, backprop)
            return
        backprop.forward(inputs, codes, masks, outputs)
        self._objective.differentiate(outputs, goal, backprop.slope)
        backprop.backward(codes, masks)

    def _differentiate_low(self, batch: Block, backprop: Backprop) -> None:
        """Do the same with products in bfloat16; the loss is float32 all the same."""
        self._flat.copy_(self._network.flat)
        outputs = batch.outputs.to(self._flat.dtype)
        backprop.forward(batch.inputs, batch.codes, batch.masks, outputs)
        batch.outputs.copy_(outputs)
        slope = torch.empty_like(batch.outputs)
        self._objective.differentiate(batch.outputs, batch.goal, slope)
        backprop.slope.copy_(slope)
        backprop.backward(batch.codes, batch.masks)
        self._network.grad.copy_(self._grad)

    def _build(self, num_rows: int) -> Backprop:
        spec = self._network.spec
        flat = self._flat if self._is_low else self._network.flat
        grad = self._grad if self._is_low else self._network.grad
        return Backprop(spec, cut(flat, spec), cut(grad, spec), num_rows, self._mask_scale)


def clip_norm(grad: Tensor, largest: float) -> None:
    """Scale the gradient, float32 (P,), in place, so that its norm is at most `largest`.

    Source: Pascanu et al. 2013, algorithm 1.
    """
    grad.mul_((largest / (grad.norm() + 1e-6)).clamp_max(1.0))
