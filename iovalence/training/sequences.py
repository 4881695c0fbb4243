"""Own the sequences of a part as the trainer takes them: packed, so that nothing is padded.

Batches are of sequences that are about as long, in an order that follows from the seed and the
epoch. Shapes: S sequences of a part, B of a batch, T rows of these together, F features,
E embedded columns, K outputs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from iovalence.data.prepared import Prepared
from iovalence.models.recurrent import Packing
from iovalence.training.randomness import derived_seed, order_of_epoch, slices

# So many batches are sorted by length together: enough that a batch's sequences are about as long.
WINDOW_BATCHES = 64
# Lengths are sorted as if they were up to so much longer or shorter, by chance, as a share and in
# rows: else a small table would have the same batches in every epoch.
NOISE_SHARE, NOISE_ROWS = 0.1, 2.0
# A row of a sequence is a small step of the cell: more of them than of plain rows go together.
ROWS_FOR_ONE = 8


class RowsOfSequences(Protocol):
    """Give the rows of sequences, wherever they are kept."""

    def take(self, places: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return features (T, F), and codes (T, E) or None, of the rows at these places."""


@dataclass(frozen=True)
class ResidentRows:
    """Hold the rows on the device.

    Attributes:
        features: float32 (T, F).
        codes: int64 (T, E), or None.
    """

    features: Tensor
    codes: Tensor | None

    def take(self, places: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the rows at these places, in one gather."""
        places = places.to(self.features.device)
        codes = None if self.codes is None else self.codes.index_select(0, places)
        return self.features.index_select(0, places), codes


@dataclass(frozen=True)
class MappedSequenceRows:
    """Read the rows from memory-mapped files when they are asked for.

    Attributes:
        prepared: All rows, encoded.
        rows: Where the T rows of the part are there, int64 (T,).
        device: Where they are wanted.
    """

    prepared: Prepared
    rows: NDArray[np.int64]
    device: torch.device

    def take(self, places: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the rows at these places."""
        rows = self.rows[places.numpy()]
        features, codes = _read(self.prepared, rows)
        return features.to(self.device), None if codes is None else codes.to(self.device)


def _read(prepared: Prepared, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
    has_codes = prepared.codes.shape[1] > 0
    codes = torch.from_numpy(prepared.codes[rows]).long() if has_codes else None
    return torch.from_numpy(prepared.features[rows]), codes


@dataclass(frozen=True)
class SequenceTensors:
    """Hold sequences as the network and the objective take them; rows are read when needed.

    Attributes:
        rows: Gives their rows.
        starts: Where the rows of each begin, int64 (S,), on the CPU.
        lengths: How many these are, int64 (S,), on the CPU.
        target: int64 (S,) class indices, or float32 (S,) standardised values.
        weight: float32 (S,) of sequence and class together, or None for equal weights.
        row_weight: float32 (S,) of the sequence alone, or None for equal weights.
        batch_size: Sequences of one step.
    """

    rows: RowsOfSequences
    starts: Tensor
    lengths: Tensor
    target: Tensor
    weight: Tensor | None
    row_weight: Tensor | None
    batch_size: int = 1

    @property
    def num_rows(self) -> int:
        """Return S: a sequence is what a row is elsewhere."""
        return len(self.starts)

    def at_once(self, num_rows: int) -> int:
        """Return how many sequences are as much as `num_rows` plain rows."""
        mean = max(1.0, float(self.lengths.double().mean()))
        return max(1, int(num_rows * ROWS_FOR_ONE / mean)) if mean > 1 else num_rows

    def order(self, seed: int, epoch: int) -> Tensor:
        """Return the order in which an epoch takes the sequences, int64 (S,), on the CPU.

        They are shuffled, sorted by length, roughly, within windows of many batches, and the
        batches shuffled. The smaller batch at the end, if there is one, is drawn from all.
        """
        mixed = order_of_epoch(seed, epoch, self.num_rows)
        num_batches = self.num_rows // self.batch_size
        if num_batches < 2 or self.lengths.min() == self.lengths.max():
            return mixed
        whole = num_batches * self.batch_size
        windows = slices(mixed[:whole], WINDOW_BATCHES * self.batch_size)
        key = self._noisy_lengths(seed, epoch)
        alike = [window[torch.argsort(key[window], stable=True)] for window in windows]
        batches = torch.cat(alike).view(num_batches, self.batch_size)
        batches = batches[order_of_epoch(derived_seed(seed, "batches"), epoch, num_batches)]
        return torch.cat([batches.flatten(), mixed[whole:]])

    def _noisy_lengths(self, seed: int, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(derived_seed(seed, "lengths", epoch))
        noise = torch.rand(self.num_rows, generator=generator) * 2 - 1
        return self.lengths + (NOISE_SHARE * self.lengths + NOISE_ROWS) * noise

    def take(self, rows: Tensor) -> "SequenceTensors":
        """Return the sequences at these positions."""
        there = rows.to(self.target.device)
        return replace(
            self,
            starts=self.starts[rows.cpu()],
            lengths=self.lengths[rows.cpu()],
            target=self.target[there],
            weight=None if self.weight is None else self.weight[there],
            row_weight=None if self.row_weight is None else self.row_weight[there],
        )

    def in_turn(self, size: int) -> "Iterator[SequenceTensors]":
        """Yield all sequences in their own order, `size` at a time."""
        every = torch.arange(self.num_rows)
        for start in range(0, self.num_rows, size):
            yield self.take(every[start : start + size])

    @cached_property
    def inputs(self) -> tuple[PackedSequence, Tensor | None]:
        """Return the features packed, and the codes (T, E) of the same rows or None."""
        packing = Packing.of(self.starts, self.lengths)
        features, codes = self.rows.take(packing.places)
        return packing.pack(features), codes


def load_sequences(
    prepared: Prepared,
    which: NDArray[np.int64],
    labels: tuple[Tensor, Tensor | None, Tensor | None],
    device: torch.device,
    *,
    is_resident: bool,
    batch_size: int,
) -> SequenceTensors:
    """Return some of the sequences as the trainer takes them.

    Args:
        prepared: All sequences, encoded.
        which: Positions of the ones to take, int64 (S,).
        labels: Their target, weight and weight without that of the class, on the CPU.
        device: Where to put them.
        is_resident: Whether their rows are kept there, or read when needed.
        batch_size: Sequences of one step.
    """
    if prepared.sequences is None:
        raise ValueError("rows must be sequences to be taken as such")
    taken = prepared.sequences.take(which)
    rows: RowsOfSequences = MappedSequenceRows(prepared, taken.rows, device)
    if is_resident:
        features, codes = _read(prepared, taken.rows)
        rows = ResidentRows(features.to(device), None if codes is None else codes.to(device))
    target, weight, row_weight = (
        None if values is None else values.to(device) for values in labels
    )
    if target is None:
        raise ValueError("sequences must have a target")
    return SequenceTensors(
        rows=rows,
        starts=torch.from_numpy(taken.starts[:-1].copy()),
        lengths=torch.from_numpy(taken.lengths.copy()),
        target=target,
        weight=weight,
        row_weight=row_weight,
        batch_size=batch_size,
    )
