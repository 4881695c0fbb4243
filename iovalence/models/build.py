"""Own which network a spec asks for."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from iovalence.models.architecture import RecurrentSpec, Spec
from iovalence.models.network import Network
from iovalence.models.recurrent import RecurrentNetwork


class AnyNetwork(Protocol):
    """What is trained and saved, whatever it looks like; see `Network`."""

    flat: Tensor
    grad: Tensor

    @property
    def spec(self) -> Spec:
        """Return what it looks like."""

    @property
    def forward(self) -> Callable[..., Tensor]:
        """Return what gives the outputs (B, K) for the inputs of rows."""

    def initialise(self, seed: int) -> None:
        """Draw all parameters from `seed`."""

    def state(self) -> dict[str, Tensor]:
        """Return a copy of every parameter by name, on the CPU."""

    def load(self, state: dict[str, Tensor]) -> None:
        """Set every parameter from `state`."""


def build_network(spec: Spec, device: torch.device) -> AnyNetwork:
    """Return a network with all parameters 0."""
    if isinstance(spec, RecurrentSpec):
        return RecurrentNetwork(spec, device)
    return Network(spec, device)
