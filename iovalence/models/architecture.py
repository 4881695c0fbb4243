"""Own what a network looks like, in words and numbers; compute nothing."""

import math
from itertools import pairwise
from typing import Literal

from iovalence.record import Record

Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"]


class NetworkSpec(Record):
    """Say what a network looks like.

    Attributes:
        num_features: Numbers that one row brings.
        embedding_sizes: For each embedded column, how many codes it has and how many numbers
            stand for one of them.
        layers: Widths of the hidden layers; none makes it linear.
        activation: Function after each hidden layer.
        num_outputs: One for each class, or 1 for regression.
    """

    num_features: int
    embedding_sizes: tuple[tuple[int, int], ...]
    layers: tuple[int, ...]
    activation: Activation
    num_outputs: int

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the name and shape of every parameter, in the order of the flat vector."""
        num_inputs = self.num_features + sum(width for _, width in self.embedding_sizes)
        shapes: dict[str, tuple[int, ...]] = {
            f"embeddings.{i}": size for i, size in enumerate(self.embedding_sizes)
        }
        for i, (n_in, n_out) in enumerate(pairwise((num_inputs, *self.layers, self.num_outputs))):
            shapes[f"layers.{i}.weight"] = (n_out, n_in)
            shapes[f"layers.{i}.bias"] = (n_out,)
        return shapes

    @property
    def num_parameters(self) -> int:
        """Return P."""
        return sum(math.prod(shape) for shape in self.shapes().values())
