"""Own the rows of one part as the trainer takes them: in memory, or in files that are mapped.

Which of the two is a matter of place alone: the order of an epoch follows from the number and
the width of the rows, so both take the same rows in the same steps.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iovalence.data.prepared import Prepared
from iovalence.training.order import Order, Shuffle, Windows
from iovalence.training.randomness import order_of_epoch
from iovalence.training.sequences import SequenceTensors, load_sequences

# Up to this size a part is in memory and shuffled all together. It does not depend on what memory
# is free: the order, and with it the weights, must be the same tomorrow.
RESIDENT_BYTES = 1 << 30
READ_BYTES = 1 << 24


class Walked(Protocol):
    """Give rows one after the other."""

    @property
    def num_rows(self) -> int:
        """Return N."""

    def in_turn(self, size: int) -> "Iterator[Taken]":
        """Yield all rows in their own order, `size` at a time."""


class Taken(Walked, Protocol):
    """Hold rows as they were taken: what a network and the objective need of them."""

    @property
    def target(self) -> Tensor:
        """Return class indices, int64 (N,), or standardised values, float32 (N,)."""

    @property
    def weight(self) -> Tensor | None:
        """Return the weight of row and class together, float32 (N,); None for equal weights."""

    @property
    def row_weight(self) -> Tensor | None:
        """Return the weight of the row alone, float32 (N,); None for equal weights."""

    @property
    def inputs(self) -> tuple[Any, ...]:
        """Return what the network's `forward` takes."""

    def take(self, rows: Any) -> "Taken":
        """Return the rows at these positions."""


class Rows(Walked, Protocol):
    """Give the rows of a part, wherever they are kept; or its sequences, each in place of a row."""

    def at_once(self, num_rows: int) -> int:
        """Return how many to take where `num_rows` plain rows would be taken."""

    def order(self, seed: int, epoch: int) -> Order:
        """Return the order in which an epoch takes the rows, on the CPU."""

    def take(self, rows: Any) -> Taken:
        """Return the rows at B positions, a piece of an order, as tensors on the device."""


@dataclass(frozen=True)
class PartTensors:
    """Hold rows as the network and the objective take them, all on one device.

    Attributes:
        features: float32 (N, F).
        codes: int64 (N, E), or None where no column is embedded.
        target: int64 (N,) class indices, or float32 (N,) standardised values.
        weight: float32 (N,) of row and class together, or None for equal weights.
        row_weight: float32 (N,) of the row alone, or None for equal weights.
        shuffle: How far an epoch mixes them; None shuffles all together.
    """

    features: Tensor
    codes: Tensor | None
    target: Tensor
    weight: Tensor | None
    row_weight: Tensor | None
    shuffle: Shuffle | None = None

    @property
    def num_rows(self) -> int:
        """Return N."""
        return len(self.target)

    @property
    def inputs(self) -> tuple[Tensor, Tensor | None]:
        """Return what `Network.forward` takes."""
        return self.features, self.codes

    def at_once(self, num_rows: int) -> int:
        """Return how many to take where `num_rows` would be taken: as many."""
        return num_rows

    def order(self, seed: int, epoch: int) -> Order:
        """Return the order in which an epoch takes the rows."""
        if self.shuffle is not None:
            return self.shuffle.order(seed, epoch, self.num_rows)
        return order_of_epoch(seed, epoch, self.num_rows)

    def take(self, rows: Order) -> "PartTensors":
        """Return the rows at these positions, in one gather for each tensor."""
        positions = rows if isinstance(rows, Tensor) else rows.tensor()
        positions = positions.to(self.target.device)
        return self._map(lambda tensor: tensor.index_select(0, positions))

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

        return replace(
            self,
            features=change(self.features),
            codes=changed(self.codes),
            target=change(self.target),
            weight=changed(self.weight),
            row_weight=changed(self.row_weight),
        )


@dataclass
class MappedRows:
    """Read rows from memory-mapped files when they are asked for; hold one window of an epoch.

    Attributes:
        prepared: All rows, encoded.
        rows: Positions in `prepared` of this part's rows, int64 (N,); ascending, so that reading
            them in turn is reading the files in turn.
        class_weights: float32 (K,), or None for equal weights.
        device: Where to put what is taken.
        shuffle: How far an epoch mixes the rows.
        num_read: Rows read so far for `take`.
    """

    prepared: Prepared
    rows: NDArray[np.int64]
    class_weights: Tensor | None
    device: torch.device
    shuffle: Shuffle
    num_read: int = 0
    _held: "_Window | None" = field(default=None, repr=False)

    @property
    def num_rows(self) -> int:
        """Return N."""
        return len(self.rows)

    def at_once(self, num_rows: int) -> int:
        """Return how many to take where `num_rows` would be taken: as many."""
        return num_rows

    def order(self, seed: int, epoch: int) -> Order:
        """Return the order in which an epoch takes the rows."""
        return self.shuffle.order(seed, epoch, self.num_rows)

    def take(self, rows: Order) -> PartTensors:
        """Return the rows at these positions; each window of an order is read from the files once.

        The blocks of an epoch come one after the other, so one window is enough to hold. Which
        one is held changes nothing but the time: what a block holds follows from its position.
        """
        if isinstance(rows, Tensor):
            return self._read(self.rows[rows.numpy()])
        taken = []
        for at, within in rows.pieces():
            window = self._window(rows.windows, at)
            taken.append(window.rows.take(window.mixed[within]))
        return join(taken).to(self.device)

    def in_turn(self, size: int) -> "Iterator[PartTensors]":
        """Yield all rows in their own order, `size` at a time, the next ones read meanwhile."""
        for start in range(0, self.num_rows, size):
            self._read_ahead([(start + size, start + 2 * size)])
            yield read_rows(self.prepared, self.rows[start : start + size], self.class_weights).to(
                self.device
            )

    def _read(self, rows: NDArray[np.int64]) -> PartTensors:
        self.num_read += len(rows)
        return read_rows(self.prepared, rows, self.class_weights)

    def _window(self, windows: Windows, at: int) -> "_Window":
        if self._held is None or (self._held.windows, self._held.at) != (windows, at):
            self._held = None  # before the next is read: two would be twice the memory
            chunks = windows.chunks(at)
            self._read_ahead(chunks)
            rows = self._read(np.concatenate([self.rows[first:last] for first, last in chunks]))
            self._held = _Window(windows, at, rows, windows.mixed(at))
            if at + 2 < len(windows.starts):
                self._read_ahead(windows.chunks(at + 1))
        return self._held

    def _read_ahead(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Have the system read these rows while we train on others."""
        pieces = [self.rows[first:last] for first, last in ranges]
        found = [(int(rows[0]), int(rows[-1]) + 1) for rows in pieces if len(rows)]
        for array in (self.prepared.features, self.prepared.codes):
            read_ahead(array, found)


@dataclass(frozen=True)
class _Window:
    """Hold a window's rows in the order of the files, and the order an epoch takes them in."""

    windows: Windows
    at: int
    rows: PartTensors
    mixed: Tensor


def read_ahead(array: NDArray[np.generic], ranges: Sequence[tuple[int, int]]) -> None:
    """Ask the system to read these rows of a mapped array, first and one after last of each."""
    if not isinstance(array, np.memmap) or not hasattr(os, "posix_fadvise"):
        return
    row_bytes = array.strides[0]
    descriptor = os.open(str(array.filename), os.O_RDONLY)
    try:
        for first, last in ranges:
            start, length = array.offset + first * row_bytes, (last - first) * row_bytes
            os.posix_fadvise(descriptor, start, length, os.POSIX_FADV_WILLNEED)
    finally:
        os.close(descriptor)


def join(taken: Sequence[PartTensors]) -> PartTensors:
    """Return rows one after the other."""
    if len(taken) == 1:
        return taken[0]

    def joined(tensors: Sequence[Tensor | None]) -> Tensor | None:
        found = [tensor for tensor in tensors if tensor is not None]
        return torch.cat(found) if found else None

    return PartTensors(
        features=torch.cat([some.features for some in taken]),
        codes=joined([some.codes for some in taken]),
        target=torch.cat([some.target for some in taken]),
        weight=joined([some.weight for some in taken]),
        row_weight=joined([some.row_weight for some in taken]),
    )


def load_part(
    prepared: Prepared,
    rows: NDArray[np.int64],
    class_weights: Tensor | None,
    device: torch.device,
    resident_bytes: int | None = None,
    batch_size: int = 1,
) -> Rows:
    """Return the rows of a part: on the device where they fit, else to be read when needed.

    Args:
        prepared: All rows, encoded.
        rows: Positions in `prepared` of the rows to take, ascending, int64 (N,).
        class_weights: float32 (K,), or None for equal weights.
        device: Where to put them.
        resident_bytes: Up to this size they are in memory and shuffled all together; None for
            `RESIDENT_BYTES`. Larger ones are shuffled in windows, and are in memory only where
            that is a GPU's, with room to spare.
        batch_size: Sequences of one step, where rows are sequences: those of about the same
            length are taken together.
    """
    if prepared.sequences is not None:
        return _load_sequences(prepared, rows, class_weights, device, batch_size)
    if is_small(prepared, len(rows), resident_bytes):
        return read_rows(prepared, rows, class_weights).to(device)
    row_bytes = bytes_of_row(prepared)
    shuffle = Shuffle.for_rows(row_bytes)
    mapped = MappedRows(prepared, rows, class_weights, device, shuffle)
    if device.type == "cuda" and 3 * len(rows) * row_bytes <= torch.cuda.mem_get_info(device)[0]:
        return replace(join([*mapped.in_turn(max(1, READ_BYTES // row_bytes))]), shuffle=shuffle)
    return mapped


def read_part(
    prepared: Prepared, rows: NDArray[np.int64], class_weights: Tensor | None
) -> PartTensors | SequenceTensors:
    """Return rows on the CPU, or sequences, with what is true of them at hand.

    Args:
        prepared: All rows, encoded.
        rows: Positions in `prepared` of the rows to take, int64 (N,).
        class_weights: float32 (K,), or None for equal weights.
    """
    if prepared.sequences is None:
        return read_rows(prepared, rows, class_weights)
    return _load_sequences(prepared, rows, class_weights, torch.device("cpu"), batch_size=1)


def _load_sequences(
    prepared: Prepared,
    which: NDArray[np.int64],
    class_weights: Tensor | None,
    device: torch.device,
    batch_size: int,
) -> SequenceTensors:
    return load_sequences(
        prepared,
        which,
        _read_labels(prepared, which, class_weights),
        device,
        is_resident=is_small(prepared, len(which)),
        batch_size=batch_size,
    )


def is_small(prepared: Prepared, num_rows: int, resident_bytes: int | None = None) -> bool:
    """Say whether so many rows are in memory and shuffled all together; see `load_part`."""
    limit = RESIDENT_BYTES if resident_bytes is None else resident_bytes
    return num_rows * bytes_of_row(prepared) <= limit


def bytes_of_row(prepared: Prepared) -> int:
    """Return the bytes of one row's features and codes as they are stored.

    Of a sequence it is the mean.
    """
    width = prepared.features.shape[1] + prepared.codes.shape[1]
    num_rows = len(prepared.features) / max(1, len(prepared.target))
    return math.ceil(int(width * prepared.features.itemsize) * num_rows)


def read_rows(
    prepared: Prepared, rows: NDArray[np.int64], class_weights: Tensor | None
) -> PartTensors:
    """Return rows as tensors on the CPU.

    Args:
        prepared: All rows, encoded.
        rows: Positions in `prepared` of the rows to take, int64 (N,).
        class_weights: float32 (K,), or None for equal weights.
    """
    target, weight, row_weight = _read_labels(prepared, rows, class_weights)
    has_codes = prepared.codes.shape[1] > 0
    return PartTensors(
        features=torch.from_numpy(prepared.features[rows]),
        codes=torch.from_numpy(prepared.codes[rows]).long() if has_codes else None,
        target=target,
        weight=weight,
        row_weight=row_weight,
    )


def _read_labels(
    prepared: Prepared, rows: NDArray[np.int64], class_weights: Tensor | None
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Return target, weight of row and class together, and weight of the row alone, each (N,)."""
    target = torch.from_numpy(prepared.target[rows])
    row_weight = None if prepared.weight is None else torch.from_numpy(prepared.weight[rows])
    weight = row_weight
    if class_weights is not None:
        # A class unknown to the model has the index -1: it has no weight of its own.
        by_class = torch.where(target >= 0, class_weights[target.clamp_min(0)], 1.0)
        weight = by_class if row_weight is None else by_class * row_weight
    return target, weight, row_weight
