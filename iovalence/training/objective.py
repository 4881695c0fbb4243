"""Own what is optimised, and the sums from which an epoch's figures are taken.

Shapes: B rows, K classes.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from iovalence.data.section import Task

NUM_SUMS = 6


@dataclass(frozen=True)
class Objective:
    """Measure outputs against the target, for one task.

    Attributes:
        task: What is predicted.
        target_scale: For regression, one unit of the standardised target in the target's own.
    """

    task: Task
    target_scale: float = 1.0

    def loss(self, outputs: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        """Return the (weighted) mean loss of a batch, a scalar.

        Args:
            outputs: float32 (B, K) logits, or (B, 1) standardised values.
            target: int64 (B,) class indices, or float32 (B,) standardised values.
            weight: float32 (B,) of row and class together, or None for equal weights.

        Source: cross-entropy of the softmax (Goodfellow et al. 2016, section 6.2.2.3), or
        squared error.
        """
        losses = self._losses(outputs, target)
        if weight is None:
            return losses.mean()
        # A batch may hold rows of weight 0 only; it then teaches nothing.
        return (losses * weight).sum() / weight.sum().clamp_min(torch.finfo(weight.dtype).tiny)

    def goal(
        self, target: Tensor, weight: Tensor | None, batch_size: int, num_outputs: int
    ) -> tuple[Tensor, ...]:
        """Return what `differentiate` needs to know of each row of a block.

        Args:
            target: As in `loss`, (N,).
            weight: float32 (N,), or None for equal weights.
            batch_size: Rows of each batch but the last, which may have fewer.
            num_outputs: K.

        Returns:
            Two tensors, each with a column for each row. For classes float32 (K, N), minus the
            row's share of its batch's weight at its class, else 0, and (1, N), that share; for
            values float32 (1, N), the target, and twice the share.
        """
        share = _shares(target, weight, batch_size)[None]
        if self.task == "regression":
            return target[None], 2 * share
        zeros = share.new_zeros(num_outputs, len(target))
        return zeros.scatter_(0, target[None], -share), share

    def differentiate(self, outputs: Tensor, goal: tuple[Tensor, ...], out: Tensor) -> None:
        """Write the gradient of `loss` by the outputs of a batch.

        Args:
            outputs: Of a batch, turned: float32 (K, B). A softmax over few classes is several
                times faster with the rows side by side.
            goal: The batch's columns of what `goal` worked out for a whole block at once.
            out: float32 (K, B), written here.

        Source: the gradient of the cross-entropy by the logits is softmax minus target.
        """
        if self.task == "regression":
            target, double_share = goal
            torch.sub(outputs, target, out=out).mul_(double_share)
        else:
            minus_target, share = goal
            torch.softmax(outputs, 0, out=out)
            torch.addcmul(minus_target, out, share, out=out)

    def _losses(self, outputs: Tensor, target: Tensor) -> Tensor:
        if self.task == "classification":
            # Turned as in `differentiate`.
            log_probs = torch.log_softmax(outputs.t(), 0)
            return F.nll_loss(log_probs.t(), target, reduction="none")
        return (outputs[:, 0] - target).square()

    def row_losses(self, outputs: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        """Return the loss of each row times its weight, float32 (B,); see `loss`."""
        losses = self._losses(outputs, target)
        return losses if weight is None else losses * weight

    def sums(
        self, outputs: Tensor, target: Tensor, weight: Tensor | None, row_weight: Tensor | None
    ) -> Tensor:
        """Return the sums, float64 (6,), that `figures` turns into an epoch's figures.

        They add up over batches. Nothing is read off the device here.
        """
        losses = self._losses(outputs, target)
        ones = torch.ones_like(losses)
        weight = ones if weight is None else weight
        row_weight = ones if row_weight is None else row_weight
        if self.task == "classification":
            hits = (outputs.contiguous().argmax(1) == target).float()
            moments = (hits * row_weight, row_weight, row_weight * 0, row_weight * 0)
        else:
            moments = (
                losses * row_weight,
                row_weight,
                target * row_weight,
                target.square() * row_weight,
            )
        terms = (losses * weight, weight, *moments)
        return torch.stack([term.sum(dtype=_accumulator(term)) for term in terms])

    def figures(self, sums: list[float]) -> dict[str, float]:
        """Return loss and accuracy, or loss, rmse (in the target's unit) and r2."""
        loss_sum, weight_sum, moment, rows, targets, squares = sums
        figures = {"loss": _ratio(loss_sum, weight_sum)}
        if self.task == "classification":
            return figures | {"accuracy": _ratio(moment, rows)}
        spread = squares - _ratio(targets * targets, rows)
        return figures | {
            "rmse": math.sqrt(_ratio(moment, rows)) * self.target_scale,
            "r2": 1 - _ratio(moment, spread),
        }


def _shares(target: Tensor, weight: Tensor | None, batch_size: int) -> Tensor:
    """Return the weight of each row as a share of its batch's, float32 (N,)."""
    num_rows = len(target)
    if weight is None:
        weight = torch.ones(num_rows, device=target.device)
    padded = F.pad(weight, (0, -num_rows % batch_size)).view(-1, batch_size)
    # A batch may hold rows of weight 0 only; it then teaches nothing.
    totals = padded.sum(1, keepdim=True).clamp_min(torch.finfo(weight.dtype).tiny)
    return (padded / totals).view(-1)[:num_rows]


def _accumulator(term: Tensor) -> torch.dtype:
    return torch.float32 if term.device.type == "mps" else torch.float64


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else math.nan
