"""Own the recurrent network: a GRU or LSTM over a sequence, then layers on its last state.

PyTorch's own cells and autograd do the arithmetic; here are the flat vector that they work on and
what comes before and after them. Shapes: B sequences of a batch, T rows of them together,
F features, E embedded columns, H width of a layer, K outputs, P parameters in all.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from iovalence.models.architecture import RecurrentSpec
from iovalence.models.network import ACTIVATIONS

CELLS: dict[str, type[nn.GRU] | type[nn.LSTM]] = {"gru": nn.GRU, "lstm": nn.LSTM}


class RecurrentNetwork:
    """Compute logits, or standardised values, from sequences.

    As of `Network`, all parameters are views of one flat vector, and so are their gradients.

    Args:
        spec: What the network looks like.
        device: Where its parameters are.

    Attributes:
        flat: All parameters, float32 (P,), in the order of `RecurrentSpec.shapes`.
        grad: Their gradients, float32 (P,); backward adds to it.
    """

    def __init__(self, spec: RecurrentSpec, device: torch.device) -> None:
        self.spec = spec
        self.flat = torch.zeros(spec.num_parameters, device=device)
        self.grad = torch.zeros_like(self.flat)
        grads = _cut(self.grad, spec)
        self.parameters = {name: nn.Parameter(part) for name, part in _cut(self.flat, spec).items()}
        for name, parameter in self.parameters.items():
            parameter.grad = grads[name]
        self._recurrent = _build_cell(spec, self.parameters)
        self._tables = [self.parameters[f"embeddings.{i}"] for i in range(spec.num_tables)]
        *self._hidden, self._output = [
            (self.parameters[f"layers.{i}.weight"], self.parameters[f"layers.{i}.bias"])
            for i in range(len(spec.layers))
        ]
        self._activate = ACTIVATIONS[spec.activation]

    def initialise(self, seed: int) -> None:
        """Draw all parameters from `seed`, the same on every device.

        Source: uniform in +-1/sqrt(width), as torch.nn.GRU and LSTM; layers and embeddings as in
        `Network.initialise`.
        """
        generator = torch.Generator().manual_seed(seed)
        bound = 0.0
        for name, parameter in self.parameters.items():
            drawn = torch.empty(parameter.shape)
            if name.startswith("embeddings"):
                drawn.normal_(0, parameter.shape[1] ** -0.5, generator=generator)
            else:
                if name.startswith("recurrent"):
                    bound = self.spec.layers[0] ** -0.5
                elif name.endswith("weight"):
                    bound = parameter.shape[1] ** -0.5
                drawn.uniform_(-bound, bound, generator=generator)
            with torch.no_grad():
                parameter.copy_(drawn)

    def forward(
        self, packed: PackedSequence, codes_TE: Tensor | None, masks: Sequence[Tensor] = ()
    ) -> Tensor:
        """Return the outputs (B, K) for sequences.

        Args:
            packed: Of float32 (T, F), in the order of time.
            codes_TE: int64 (T, E) of the same rows, or None where no column is embedded.
            masks: For the last state and each layer after it (B, H); none without dropout.
        """
        if codes_TE is not None and self._tables:
            embedded = [F.embedding(codes_TE[:, i], table) for i, table in enumerate(self._tables)]
            packed = packed._replace(data=torch.cat([packed.data, *embedded], dim=1))
        with warnings.catch_warnings():
            # cuDNN copies weights that lie among others; that is little beside its own work.
            warnings.filterwarnings("ignore", "RNN module weights are not part of single")
            _, state = self._recurrent(packed)
        last = state[0] if isinstance(state, tuple) else state
        hidden = torch.cat(list(last), dim=1)
        for at, layer in enumerate((*self._hidden, self._output)):
            if masks:
                hidden = hidden * masks[at]
            hidden = F.linear(hidden, *layer)
            if at < len(self._hidden):
                hidden = self._activate(hidden)
        return hidden

    def state(self) -> dict[str, Tensor]:
        """Return a copy of every parameter by name, on the CPU."""
        return {name: value.detach().cpu().clone() for name, value in self.parameters.items()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Set every parameter from `state`."""
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(state[name])


@dataclass(frozen=True)
class Packing:
    """Say where the rows of a batch go when it is packed.

    Attributes:
        places: Where each row is read, int64 (T,).
        batch_sizes: Sequences that have a first row, a second, and so on, int64, on the CPU.
        by_length: The sequences, the longest first, int64 (B,).
    """

    places: Tensor
    batch_sizes: Tensor
    by_length: Tensor

    @classmethod
    def of(cls, starts: Tensor, lengths: Tensor) -> "Packing":
        """Return the packing of sequences that begin at `starts`, int64 (B,), with `lengths` rows.

        Source: the layout is that of torch.nn.utils.rnn.pack_padded_sequence: the first rows of
        all sequences, the longest sequence first, then the second rows of those that have one.
        """
        longest_first, by_length = lengths.sort(descending=True, stable=True)
        is_there = torch.arange(int(longest_first[0]))[:, None] < longest_first
        step, sequence = is_there.nonzero(as_tuple=True)
        return cls(starts[by_length][sequence] + step, is_there.sum(1), by_length)

    def pack(self, features: Tensor) -> PackedSequence:
        """Return rows that were read at `places`, (T, F), as PyTorch's cells take them."""
        by_length = self.by_length.to(features.device)
        return PackedSequence(features, self.batch_sizes, by_length, by_length.argsort())


def _cut(flat: Tensor, spec: RecurrentSpec) -> dict[str, Tensor]:
    """Return views of a flat vector (P,) by name, as `RecurrentSpec.shapes` has them."""
    shapes = spec.shapes()
    ends = torch.tensor([0, *(math.prod(shape) for shape in shapes.values())]).cumsum(0).tolist()
    return {
        name: flat[start:end].view(shape)
        for (name, shape), (start, end) in zip(shapes.items(), pairwise(ends), strict=True)
    }


def _build_cell(spec: RecurrentSpec, parameters: dict[str, nn.Parameter]) -> nn.Module:
    """Return PyTorch's cell with our parameters in place of its own."""
    cell = CELLS[spec.cell](
        spec.num_inputs, spec.layers[0], bidirectional=spec.bidirectional, device="meta"
    )
    for name in [name for name, _ in cell.named_parameters()]:
        setattr(cell, name, parameters[f"recurrent.{name}"])
    return cell
