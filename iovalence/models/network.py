"""Own the network: its shape, its parameters in one flat vector, and its forward pass.

Shapes: B rows of a batch, F features, E embedded columns, H width of a layer, K outputs,
P parameters in all.
"""

import math
from collections.abc import Callable, Sequence

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
    """

    def __init__(self, spec: NetworkSpec, device: torch.device) -> None:
        self.spec = spec
        self.flat = torch.zeros(spec.num_parameters, device=device)
        self.grad = torch.zeros_like(self.flat)
        self.parameters = _views(self.flat, self.grad, spec)
        values = list(self.parameters.values())
        num_tables = len(spec.embedding_sizes)
        self._tables, stack = values[:num_tables], values[num_tables:]
        *self._hidden, self._output = zip(stack[::2], stack[1::2], strict=True)
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

    def forward(
        self, features_BF: Tensor, codes_BE: Tensor | None, masks: Sequence[Tensor] = ()
    ) -> Tensor:
        """Return the outputs (B, K) for rows.

        Args:
            features_BF: float32 (B, F).
            codes_BE: int64 (B, E), or None where the network embeds no column.
            masks: For each hidden layer (B, H), 0 for a dropped unit, else 1/(1 - dropout);
                none outside training.
        """
        hidden = self._join(features_BF, codes_BE)
        for i, (weight, bias) in enumerate(self._hidden):
            hidden = self._activate(F.linear(hidden, weight, bias))
            if masks:
                hidden = hidden * masks[i]
        return F.linear(hidden, *self._output)

    def _join(self, features_BF: Tensor, codes_BE: Tensor | None) -> Tensor:
        if codes_BE is None or not self._tables:
            return features_BF
        embedded = [F.embedding(codes_BE[:, i], table) for i, table in enumerate(self._tables)]
        return torch.cat([features_BF, *embedded], dim=1)

    def state(self) -> dict[str, Tensor]:
        """Return a copy of every parameter by name, on the CPU."""
        return {name: value.detach().cpu().clone() for name, value in self.parameters.items()}

    def load(self, state: dict[str, Tensor]) -> None:
        """Set every parameter from `state`."""
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(state[name])


def _views(flat: Tensor, grad: Tensor, spec: NetworkSpec) -> dict[str, Tensor]:
    views, start = {}, 0
    for name, shape in spec.shapes().items():
        end = start + math.prod(shape)
        views[name] = flat[start:end].view(shape).requires_grad_()
        views[name].grad = grad[start:end].view(shape)
        start = end
    return views
