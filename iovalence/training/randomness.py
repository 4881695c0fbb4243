"""Own every random draw of training, each a function of the seed and of where it is used.

Nothing random is carried along, so a resumed run draws what it would have drawn.
"""

import hashlib

import torch
from torch import Tensor


def derived_seed(seed: int, *purpose: str | int) -> int:
    """Return a seed in [0, 2**63) for one purpose, such as ("order", epoch)."""
    text = ":".join(str(word) for word in (seed, *purpose))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1


def order_of_epoch(seed: int, epoch: int, num_rows: int) -> Tensor:
    """Return the order in which an epoch takes the rows, int64 (num_rows,), on the CPU."""
    generator = torch.Generator().manual_seed(derived_seed(seed, "order", epoch))
    return torch.randperm(num_rows, generator=generator)


def slices(tensor: Tensor, sizes: int | list[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Return views of consecutive rows: so many each, the last may be fewer; or these many."""
    return tuple(tensor.split(sizes, dim))  # type: ignore[no-untyped-call]


class DropoutMasks:
    """Draw the masks of many steps at once.

    Args:
        seed: The run's seed.
        dropout: Share of units to drop, in [0, 1); kept exact to 1/65536.
        widths: Widths of the hidden layers.
        device: Where the masks are used.
        dtype: Of the products that they are used in.

    Attributes:
        scale: Value of a mask where nothing is dropped: 1/(1 - dropout).
    """

    def __init__(
        self,
        seed: int,
        dropout: float,
        widths: tuple[int, ...],
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._seed, self._widths = seed, widths if dropout > 0 else ()
        # 16-bit integers are five times cheaper to draw than Bernoulli variables.
        self._num_dropped = round(dropout * 65536)
        self.scale = 65536 / (65536 - self._num_dropped)
        self._generator = torch.Generator(device=device)
        # Kept from block to block: new memory costs as much as what is drawn into it.
        self._draws = torch.empty(0, dtype=torch.int64, device=device)
        self._values = torch.empty(0, dtype=dtype, device=device)
        self._masks: dict[int, list[Tensor]] = {}

    def draw(self, epoch: int, block: int, num_rows: int) -> list[Tensor]:
        """Return one mask (num_rows, H) for each hidden layer; none without dropout.

        They are overwritten by the next draw; for the same number of rows they are the same list.
        Values are 0 for a dropped unit, else 1/(1 - dropout), so that expectations stay.
        Source: inverted dropout, Srivastava et al. 2014, section 10.
        """
        masks = self._room(num_rows)
        if masks:
            self._generator.manual_seed(derived_seed(self._seed, "dropout", epoch, block))
            num_draws = num_rows * sum(self._widths)
            draws = self._draws[: -(-num_draws // 4)]
            draws.random_(-(2**63), None, generator=self._generator)
            # In place, and then copied: PyTorch compares and converts at once ten times slower.
            kept = draws.view(torch.int16)[:num_draws].ge_(self._num_dropped - 32768)
            self._values[:num_draws].copy_(kept).mul_(self.scale)
        return masks

    def _room(self, num_rows: int) -> list[Tensor]:
        """Return the masks for so many rows, not drawn yet."""
        sizes = [num_rows * width for width in self._widths]
        if len(self._values) < sum(sizes):
            self._draws = self._draws.new_empty(-(-sum(sizes) // 4))
            self._values = self._values.new_empty(sum(sizes))
            self._masks.clear()
        if num_rows not in self._masks:
            masks = slices(self._values[: sum(sizes)], sizes)
            self._masks[num_rows] = [mask.view(num_rows, -1) for mask in masks]
        return self._masks[num_rows]
