"""Own the rows of one part as the trainer takes them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iovalence.data.prepared import Prepared
from iovalence.training.randomness import order_of_epoch


class Rows(Protocol):
    """Give the rows of a part, wherever they are kept."""

    @property
    def num_rows(self) -> int:
        """Return N."""

    def order(self, seed: int, epoch: int) -> Tensor:
        """Return the order in which an epoch takes the rows, int64 (N,), on the CPU."""

    def take(self, rows: Tensor) -> "PartTensors":
        """Return the rows at these positions, int64 (B,) on the CPU, as tensors on the device."""

    def in_turn(self, size: int) -> "Iterator[PartTensors]":
        """Yield all rows in their own order, `size` at a time."""


@dataclass(frozen=True)
class PartTensors:
    """Hold rows as the network and the objective take them, all on one device.

    Attributes:
        features: float32 (N, F).
        codes: int64 (N, E), or None where no column is embedded.
        target: int64 (N,) class indices, or float32 (N,) standardised values.
        weight: float32 (N,) of row and class together, or None for equal weights.
        row_weight: float32 (N,) of the row alone, or None for equal weights.
    """

    features: Tensor
    codes: Tensor | None
    target: Tensor
    weight: Tensor | None
    row_weight: Tensor | None

    @property
    def num_rows(self) -> int:
        """Return N."""
        return len(self.target)

    def order(self, seed: int, epoch: int) -> Tensor:
        """Return the order in which an epoch takes the rows: all are shuffled together."""
        return order_of_epoch(seed, epoch, self.num_rows)

    def take(self, rows: Tensor) -> "PartTensors":
        """Return the rows at these positions, in one gather for each tensor."""
        rows = rows.to(self.target.device)
        return self._map(lambda tensor: tensor.index_select(0, rows))

    def in_turn(self, size: int) -> "Iterator[PartTensors]":
        """Yield views of all rows, `size` at a time."""
        for start in range(0, self.num_rows, size):
            yield self._map(lambda tensor, at=start: tensor[at : at + size])  # type: ignore[misc]

    def to(self, device: torch.device) -> "PartTensors":
        """Return the rows on a device."""
        return self._map(lambda tensor: tensor.to(device))

    def _map(self, change: Callable[[Tensor], Tensor]) -> "PartTensors":
        def changed(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else change(tensor)

        return PartTensors(
            features=change(self.features),
            codes=changed(self.codes),
            target=change(self.target),
            weight=changed(self.weight),
            row_weight=changed(self.row_weight),
        )


def load_part(
    prepared: Prepared, rows: NDArray[np.int64], class_weights: Tensor | None, device: torch.device
) -> PartTensors:
    """Return the rows of a part on the device.

    Args:
        prepared: All rows, encoded.
        rows: Positions in `prepared` of the rows to take, int64 (N,).
        class_weights: float32 (K,), or None for equal weights.
        device: Where to put them.
    """
    target = torch.from_numpy(prepared.target[rows])
    row_weight = None if prepared.weight is None else torch.from_numpy(prepared.weight[rows])
    weight = row_weight
    if class_weights is not None:
        # A class unknown to the model has the index -1: it has no weight of its own.
        by_class = torch.where(target >= 0, class_weights[target.clamp_min(0)], 1.0)
        weight = by_class if row_weight is None else by_class * row_weight
    has_codes = prepared.codes.shape[1] > 0
    tensors = PartTensors(
        features=torch.from_numpy(prepared.features[rows]),
        codes=torch.from_numpy(prepared.codes[rows]).long() if has_codes else None,
        target=target,
        weight=weight,
        row_weight=row_weight,
    )
    return tensors.to(device)
