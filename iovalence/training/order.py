"""Own the order in which an epoch takes rows that are too many to be shuffled all together.

Consecutive rows form a chunk, long enough for the disk to read it in one go. An epoch takes the
chunks in random order, many of them at a time: a window, whose rows are shuffled together. All of
it follows from the seed, the epoch and the position, so nothing is held but one window.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from iovalence.training.randomness import derived_seed

# 2,000 chunks in a window mix a table that is sorted by class as well as a shuffle of all its rows
# does; the number of chunks decides, not the size of the window (docs/experiments.md).
CHUNK_BYTES = 1 << 16
WINDOW_BYTES = 1 << 27


@dataclass(frozen=True)
class Shuffle:
    """Say how far an epoch's order mixes the rows.

    Attributes:
        chunk_rows: Consecutive rows that are read together.
        window_chunks: Chunks whose rows are shuffled together.
    """

    chunk_rows: int
    window_chunks: int

    @classmethod
    def for_rows(cls, row_bytes: int) -> "Shuffle":
        """Return the shuffle of rows of this size, read from a disk."""
        chunk_rows = max(1, CHUNK_BYTES // max(row_bytes, 1))
        window_chunks = max(1, WINDOW_BYTES // (chunk_rows * max(row_bytes, 1)))
        return cls(chunk_rows, window_chunks)

    def order(self, seed: int, epoch: int, num_rows: int) -> "WindowedOrder":
        """Return the order in which an epoch takes `num_rows` rows."""
        return WindowedOrder(Windows(self, seed, epoch, num_rows), 0, num_rows)


@dataclass(frozen=True)
class Windows:
    """Draw the windows of one epoch, each by itself.

    Attributes:
        shuffle: Sizes of chunks and windows.
        seed: Of the run.
        epoch: From 1.
        num_rows: N.
    """

    shuffle: Shuffle
    seed: int
    epoch: int
    num_rows: int

    @cached_property
    def _chunks(self) -> Tensor:
        num_chunks = -(-self.num_rows // self.shuffle.chunk_rows)
        return torch.randperm(num_chunks, generator=self._generator("chunks"))

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Return where each window starts in the order, and N, int64 (windows + 1,)."""
        first, last = self._limits(self._chunks)
        ends = (last - first).cumsum(0)[
            self.shuffle.window_chunks - 1 :: self.shuffle.window_chunks
        ]
        starts = np.concatenate([[0], ends.numpy()])
        return starts if starts[-1] == self.num_rows else np.append(starts, self.num_rows)

    def chunks(self, window: int) -> list[tuple[int, int]]:
        """Return the first row of each chunk of a window and the one after its last, ascending."""
        size = self.shuffle.window_chunks
        first, last = self._limits(self._chunks[window * size : (window + 1) * size].sort().values)
        return list(zip(first.tolist(), last.tolist(), strict=True))

    def mixed(self, window: int) -> Tensor:
        """Return the order of a window's rows, as positions among those of its chunks, int64."""
        num_rows = int(self.starts[window + 1] - self.starts[window])
        return torch.randperm(num_rows, generator=self._generator("window", window))

    def rows(self, window: int) -> Tensor:
        """Return the rows of a window in the epoch's order, int64."""
        ranges = [torch.arange(first, last) for first, last in self.chunks(window)]
        return torch.cat(ranges)[self.mixed(window)]

    def _limits(self, chunks: Tensor) -> tuple[Tensor, Tensor]:
        first = chunks * self.shuffle.chunk_rows
        return first, (first + self.shuffle.chunk_rows).clamp_max(self.num_rows)

    def _generator(self, *purpose: str | int) -> torch.Generator:
        seed = derived_seed(self.seed, "order", self.epoch, *purpose)
        return torch.Generator().manual_seed(seed)


@dataclass(frozen=True)
class WindowedOrder:
    """Hold an epoch's order, or consecutive positions of it, without its rows.

    Attributes:
        windows: Of the epoch.
        start: First position.
        stop: The one after the last.
    """

    windows: Windows
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, positions: slice) -> "WindowedOrder":
        start, stop, step = positions.indices(len(self))
        if step != 1:
            raise ValueError(f"an order must be cut in steps of 1, got {step}")
        return WindowedOrder(self.windows, self.start + start, self.start + max(start, stop))

    def pieces(self) -> Iterator[tuple[int, slice]]:
        """Yield each window that these positions touch, and which positions within it."""
        starts = self.windows.starts
        window = int(np.searchsorted(starts, self.start, side="right")) - 1
        at = self.start
        while at < self.stop:
            begin, end = int(starts[window]), min(int(starts[window + 1]), self.stop)
            yield window, slice(at - begin, end - begin)
            at, window = end, window + 1

    def tensor(self) -> Tensor:
        """Return the rows at these positions, int64 (len,)."""
        pieces = [_rows_of(self.windows, window)[within] for window, within in self.pieces()]
        return torch.cat(pieces) if pieces else torch.empty(0, dtype=torch.int64)

    def numpy(self) -> NDArray[np.int64]:
        """Return the rows at these positions, int64 (len,)."""
        rows: NDArray[np.int64] = self.tensor().numpy()
        return rows


@lru_cache(maxsize=1)
def _rows_of(windows: Windows, window: int) -> Tensor:
    # The blocks of a window are asked for one after the other.
    return windows.rows(window)


Order: TypeAlias = Tensor | WindowedOrder


def blocks(order: Order, size: int) -> Iterator[Order]:
    """Yield an order in consecutive pieces of `size` rows; the last may be shorter."""
    for start in range(0, len(order), size):
        yield order[start : start + size]
