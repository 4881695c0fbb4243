"""Own the network: its shape, its parameters in one flat vector, and its forward pass.

Shapes: B rows of a batch, F features, E embedded columns, H width of a layer, K outputs,
P parameters in all.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from iovalence.models.architecture import Activation, NetworkSpec

ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


class Network:
    """Compute logits, or standardised values, from rows.

    All parameters are views of one flat vector, and so are their gradients: an optimizer then
    updates them in one operation instead of one for each.

    Args:
        spec: What the network looks like.
        device: Where its parameters are.

    Attributes:
        flat: All parameters, float32 (P,), laid out as `NetworkSpec.matrices` says.
        grad: Their gradients, float32 (P,).
    """

    def __init__(self, spec: NetworkSpec, device: torch.device) -> None:
        self.spec = spec
        self.flat = torch.zeros(spec.num_parameters, device=device)
        self.grad = torch.zeros_like(self.flat)
        self.parameters = _name(cut(self.flat, spec), spec)
        for name, grad in _name(cut(self.grad, spec), spec).items():
            self.parameters[name].requires_grad_().grad = grad
        values = list(self.parameters.values())
        num_tables = len(spec.embedding_sizes)
        self._tables, stack = values[:num_tables], values[num_tables:]
        self._stack = list(zip(stack[::2], stack[1::2], strict=True))
        self._activate = ACTIVATIONS[spec.activation]

    def initialise(self, seed: int) -> None:
        """Draw all parameters from `seed`, the same on every device.

        Source: weights and biases uniform in +-1/sqrt(inputs), as torch.nn.Linear; embeddings
        normal with standard deviation 1/sqrt(width), so that a column weighs as one feature.
        """
        generator = torch.Generator().manual_seed(seed)
        bound = 0.0
        for name, parameter in self.parameters.items():
            drawn = torch.empty(parameter.shape)
            if name.startswith("embeddings"):
                drawn.normal_(0, parameter.shape[1] ** -0.5, generator=generator)
            else:
                bound = parameter.shape[1] ** -0.5 if name.endswith("weight") else bound
                drawn.uniform_(-bound, bound, generator=generator)
            with torch.no_grad():
                parameter.copy_(drawn)

    def forward(self, features_BF: Tensor, codes_BE: Tensor | None) -> Tensor:
        """Return the outputs (B, K) for rows, without dropout.

        Args:
            features_BF: float32 (B, F).
            codes_BE: int64 (B, E), or None where the network embeds no column.
        """
        return self.finish(self.apply_first(self.join(features_BF, codes_BE)))

    def apply_first(self, joined_BJ: Tensor) -> Tensor:
        """Return what the first layer makes of joined rows, before its activation, (B, H)."""
        return F.linear(joined_BJ, *self._stack[0])

    def finish(self, first_BH: Tensor) -> Tensor:
        """Return the outputs (B, K) for what the first layer has made of rows."""
        hidden = first_BH
        for weight, bias in self._stack[1:]:
            hidden = F.linear(self._activate(hidden), weight, bias)
        return hidden

    def join(self, features_BF: Tensor, codes_BE: Tensor | None) -> Tensor:
        """Return rows as the first layer takes them, (B, J): features, then embeddings."""
        if codes_BE is None or not self._tables:
            return features_BF
        embedded = [F.embedding(codes_BE[:, i], table) for i, table in enumerate(self._tables)]
        return torch.cat([features_BF, *embedded], dim=1)

    def state(self) -> dict[str, Tensor]:
        """Return a copy of every parameter by name, on the CPU."""
        return {
            name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, value in self.parameters.items()
        }

    def load(self, state: dict[str, Tensor]) -> None:
        """Set every parameter from `state`."""
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(state[name])


def cut(flat: Tensor, spec: NetworkSpec) -> list[Tensor]:
    """Return views of a flat vector (P,), one for each of `NetworkSpec.matrices`."""
    sizes = [math.prod(shape) for shape in spec.matrices()]
    parts = flat.split(sizes)  # type: ignore[no-untyped-call]
    return [part.view(shape) for part, shape in zip(parts, spec.matrices(), strict=True)]


def _name(matrices: list[Tensor], spec: NetworkSpec) -> dict[str, Tensor]:
    """Return the parameters by name: weights (outputs, inputs) and biases, as torch.nn.Linear."""
    num_tables = len(spec.embedding_sizes)
    named = {f"embeddings.{i}": table for i, table in enumerate(matrices[:num_tables])}
    for i, matrix in enumerate(matrices[num_tables:]):
        named[f"layers.{i}.weight"] = matrix[:-1].t()
        named[f"layers.{i}.bias"] = matrix[-1]
    return named
