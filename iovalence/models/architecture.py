"""Own what a network looks like, in words and numbers; compute nothing."""

import math
from itertools import pairwise
from typing import Literal

from iovalence.record import Record

Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"]
Cell = Literal["gru", "lstm"]
GATES: dict[Cell, int] = {"gru": 3, "lstm": 4}


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

    @property
    def mask_widths(self) -> tuple[int, ...]:
        """Return the width of each dropout mask."""
        return self.layers


class RecurrentSpec(Record):
    """Say what a recurrent network looks like.

    Attributes:
        num_features: Numbers that one row of a sequence brings.
        embedding_sizes: As in `NetworkSpec`.
        layers: Width of the recurrent layer, then of each layer on its last state; one at least.
        activation: Function after each layer on the last state.
        num_outputs: One for each class, or 1 for regression.
        cell: What goes over the rows.
        bidirectional: Whether another one goes over them from the end.
        max_length: Longer sequences are cut to their last rows; None takes all.
    """

    num_features: int
    embedding_sizes: tuple[tuple[int, int], ...]
    layers: tuple[int, ...]
    activation: Activation
    num_outputs: int
    cell: Cell
    bidirectional: bool
    max_length: int | None

    @property
    def num_tables(self) -> int:
        """Return how many columns are embedded."""
        return len(self.embedding_sizes)

    @property
    def num_inputs(self) -> int:
        """Return the numbers that the cell takes of one row."""
        return self.num_features + sum(width for _, width in self.embedding_sizes)

    @property
    def mask_widths(self) -> tuple[int, ...]:
        """Return the width of each dropout mask: of the last state, and of the layers on it."""
        return ((1 + self.bidirectional) * self.layers[0], *self.layers[1:])

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each part of the flat vector, in its order, named as in PyTorch."""
        shapes: dict[str, tuple[int, ...]] = {
            f"embeddings.{i}": size for i, size in enumerate(self.embedding_sizes)
        }
        width = self.layers[0]
        gates = GATES[self.cell] * width
        for end in ("", "_reverse")[: 1 + self.bidirectional]:
            shapes[f"recurrent.weight_ih_l0{end}"] = (gates, self.num_inputs)
            shapes[f"recurrent.weight_hh_l0{end}"] = (gates, width)
            shapes[f"recurrent.bias_ih_l0{end}"] = (gates,)
            shapes[f"recurrent.bias_hh_l0{end}"] = (gates,)
        for i, (n_in, n_out) in enumerate(pairwise((*self.mask_widths, self.num_outputs))):
            shapes[f"layers.{i}.weight"] = (n_out, n_in)
            shapes[f"layers.{i}.bias"] = (n_out,)
        return shapes

    @property
    def num_parameters(self) -> int:
        """Return P."""
        return sum(math.prod(shape) for shape in self.shapes().values())


Spec = NetworkSpec | RecurrentSpec
