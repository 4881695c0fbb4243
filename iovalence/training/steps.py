"""Own the steps of a block: for each batch the gradient, and one update.

Nothing in a step waits for a device, allocates, logs or saves.
Shapes: N rows of a block, B of a batch, F features, E embedded columns, K outputs.
"""

from collections.abc import Iterator, Sequence
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
        outputs: float32 (N, K), written by the steps.
        codes: int64 (N, E), or None.
        masks: For each hidden layer (N, H); none without dropout.
    """

    inputs: Tensor
    goal: tuple[Tensor, ...]
    outputs: Tensor
    codes: Tensor | None
    masks: tuple[Tensor, ...]

    def batches(self, size: int) -> "Iterator[Block]":
        """Yield views of the batches, `size` rows each, the last perhaps fewer."""
        codes = repeat(None) if self.codes is None else slices(self.codes, size)
        cut_masks = [slices(mask, size) for mask in self.masks]
        masks = zip(*cut_masks, strict=True) if cut_masks else repeat(())
        goal = zip(*(slices(part, size) for part in self.goal), strict=True)
        inputs, outputs = slices(self.inputs, size), slices(self.outputs, size)
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
        self._inputs = self._flat.new_empty(0)
        self._outputs = network.flat.new_empty(0)

    @torch.no_grad()
    def run(self, rows: PartTensors, masks: Sequence[Tensor], rates: Sequence[float]) -> Tensor:
        """Take a step for each batch of a block.

        Args:
            rows: N rows, in the order in which they are taken.
            masks: For each hidden layer (N, H); none without dropout.
            rates: Learning rate of each step; for fewer steps than batches, the rest is not taken.

        Returns:
            The outputs that the losses came from, float32 (N, K); overwritten by the next block.
        """
        block = self._load(rows, masks)
        self._take(block, rates)
        return block.outputs

    def _load(self, rows: PartTensors, masks: Sequence[Tensor]) -> Block:
        """Return a block as steps take it, in room that is kept from block to block."""
        spec, num_rows = self._network.spec, rows.num_rows
        if len(self._inputs) < num_rows:
            self._inputs = self._flat.new_ones(num_rows, spec.widths[0][0] + 1)
            self._outputs = self._network.flat.new_empty(num_rows, spec.num_outputs)
        inputs = self._inputs[:num_rows]
        inputs[:, : rows.features.shape[1]].copy_(rows.features)
        return Block(
            inputs=inputs,
            goal=self._objective.goal(rows.target, rows.weight, self._batch_size, spec.num_outputs),
            outputs=self._outputs[:num_rows],
            codes=rows.codes,
            masks=tuple(mask.to(inputs.dtype) for mask in masks),
        )

    def _take(self, block: Block, rates: Sequence[float] | Tensor) -> None:
        for batch, rate in zip(block.batches(self._batch_size), rates, strict=False):
            self._differentiate(batch)
            if self._clip is not None:
                clip_norm(self._network.grad, self._clip)
            self._optimizer.step(rate)

    def _differentiate(self, batch: Block) -> None:
        """Write the outputs and the gradient of a batch."""
        num_rows = len(batch.inputs)
        if num_rows not in self._passes:
            self._passes[num_rows] = self._build(num_rows)
        backprop = self._passes[num_rows]
        if self._is_low:
            self._differentiate_low(batch, backprop)
            return
        backprop.forward(batch.inputs, batch.codes, batch.masks, batch.outputs)
        grad = self._objective.differentiate(batch.outputs, batch.goal)
        backprop.backward(grad, batch.codes, batch.masks)

    def _differentiate_low(self, batch: Block, backprop: Backprop) -> None:
        """Do the same with products in bfloat16; the loss is float32 all the same."""
        self._flat.copy_(self._network.flat)
        outputs = batch.outputs.to(self._flat.dtype)
        backprop.forward(batch.inputs, batch.codes, batch.masks, outputs)
        batch.outputs.copy_(outputs)
        grad = self._objective.differentiate(batch.outputs, batch.goal)
        backprop.backward(grad.to(self._flat.dtype), batch.codes, batch.masks)
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
