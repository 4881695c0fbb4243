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

    def matrices(self) -> tuple[tuple[int, int], ...]:
        """Return the shape of each part of the flat vector, in its order.

        The tables of embeddings come first, then for each layer one matrix (inputs + 1, outputs)
        whose last row is the bias: with a 1 at the end of every row of inputs, a layer is one
        product, and so is its gradient.
        """
        return (*self.embedding_sizes, *((n_in + 1, n_out) for n_in, n_out in self.widths))

    @property
    def widths(self) -> tuple[tuple[int, int], ...]:
        """Return inputs and outputs of each layer, the output layer last."""
        num_inputs = self.num_features + sum(width for _, width in self.embedding_sizes)
        return tuple(pairwise((num_inputs, *self.layers, self.num_outputs)))

    @property
    def num_parameters(self) -> int:
        """Return P."""
        return sum(math.prod(shape) for shape in self.matrices())
