"""Own the steps of a block of sequences: for each batch the gradient, and one update.

The cells are PyTorch's, so the gradient is autograd's. Nothing in a step waits for a device.
Shapes: N sequences of a block, B of a batch, H width of a layer, K outputs.
"""

from collections.abc import Sequence
from itertools import repeat

import torch
from torch import Tensor

from iovalence.models.recurrent import RecurrentNetwork
from iovalence.training.objective import Objective
from iovalence.training.optimizers import FlatOptimizer
from iovalence.training.randomness import slices
from iovalence.training.sequences import SequenceTensors
from iovalence.training.steps import clip_norm


class SequenceSteps:
    """Take the steps of one block after another, by autograd; see `Steps`.

    Args:
        network: What is trained.
        objective: What is optimised.
        optimizer: Updates the network's flat vector.
        batch_size: Sequences of one step; the last of a block may have fewer.
        gradient_clip: Largest norm of the gradient, or None.
    """

    def __init__(
        self,
        network: RecurrentNetwork,
        objective: Objective,
        optimizer: FlatOptimizer,
        *,
        batch_size: int,
        gradient_clip: float | None = None,
    ) -> None:
        self._network, self._objective, self._optimizer = network, objective, optimizer
        self._batch_size, self._clip = batch_size, gradient_clip

    @torch.no_grad()
    def run(self, rows: SequenceTensors, masks: Sequence[Tensor], rates: Sequence[float]) -> Tensor:
        """Take a step for each batch of a block.

        Args:
            rows: N sequences, in the order in which they are taken.
            masks: For each layer with dropout (N, H); none without dropout.
            rates: Learning rate of each step; for fewer steps than batches, the rest is not taken.

        Returns:
            The outputs that the losses came from, float32 (N, K).
        """
        size = self._batch_size
        outputs = self._network.flat.new_zeros(rows.num_rows, self._network.spec.num_outputs)
        cut_masks = [slices(mask, size) for mask in masks]
        batch_masks = zip(*cut_masks, strict=True) if cut_masks else repeat(())
        batches = zip(slices(outputs, size), rows.in_turn(size), batch_masks, rates, strict=False)
        for place, batch, some, rate in batches:
            place.copy_(self._differentiate(batch, some))
            if self._clip is not None:
                clip_norm(self._network.grad, self._clip)
            self._optimizer.step(rate)
        return outputs

    def _differentiate(self, batch: SequenceTensors, masks: Sequence[Tensor]) -> Tensor:
        """Write the gradient of a batch; return its outputs (B, K)."""
        self._network.grad.zero_()
        with torch.enable_grad():
            outputs = self._network.forward(*batch.inputs, masks)
            loss = self._objective.loss(outputs, batch.target, batch.weight)
            loss.backward()  # type: ignore[no-untyped-call]
        return outputs.detach()
