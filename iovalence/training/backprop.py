"""Own the gradient of a plain stack of layers, worked out by hand into buffers made once.

At small batches autograd costs more than the arithmetic: it allocates every result and records
every operation. Nothing here allocates, and every product writes where its result is needed.
Shapes: B rows of a batch, I inputs of a layer, H its outputs, K outputs of the network.

Source: back-propagation, Goodfellow et al. 2016, algorithms 6.3 and 6.4. The tests hold every
gradient equal to autograd's.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from iovalence.models.architecture import Activation, NetworkSpec

aten = torch.ops.aten

FORWARD: dict[Activation, Callable[..., Tensor]] = {
    "relu": torch.clamp_min,
    "leaky_relu": aten.leaky_relu.out,
    "elu": aten.elu.out,
    "gelu": aten.gelu.out,
    "silu": aten.silu.out,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


def _activate(name: Activation, before: Tensor, out: Tensor) -> None:
    """Write the activation of `before` (B, H) into `out`."""
    more = (0,) if name == "relu" else ()
    FORWARD[name](before, *more, out=out)


def _slope(name: Activation, grad: Tensor, before: Tensor, after: Tensor) -> None:
    """Multiply `grad` (B, H), in place, by the derivative of the activation at `before`."""
    if name == "relu":
        aten.threshold_backward.grad_input(grad, before, 0, grad_input=grad)
    elif name == "leaky_relu":
        aten.leaky_relu_backward.grad_input(grad, before, 0.01, False, grad_input=grad)
    elif name == "elu":
        aten.elu_backward.grad_input(grad, 1, 1, 1, False, before, grad_input=grad)
    elif name == "gelu":
        aten.gelu_backward.grad_input(grad, before, grad_input=grad)
    elif name == "silu":
        aten.silu_backward.grad_input(grad, before, grad_input=grad)
    elif name == "tanh":
        aten.tanh_backward.grad_input(grad, after, grad_input=grad)
    else:
        aten.sigmoid_backward.grad_input(grad, after, grad_input=grad)


class Room(NamedTuple):
    """Hold the buffers of a hidden layer, for one network or, with M before, for M at once.

    Attributes:
        out: What the next layer takes: activations after dropout and a column of ones, (B, H+1).
        grad: Gradient of the loss by the activations, and then before the activation, (B, H).
        before: What comes before the activation, (B, H), where that is needed again.
        after: The activation before dropout, (B, H), likewise.
    """

    out: Tensor
    grad: Tensor
    before: Tensor
    after: Tensor

    @classmethod
    def like(cls, some: Tensor, *shape: int) -> "Room":
        """Return room of a shape, H the last, of the kind of some tensor."""
        *rows, width = shape
        buffers = (some.new_empty(*rows, width) for _ in range(3))
        return cls(some.new_ones(*rows, width + 1), *buffers)

    def of(self, member: int) -> "Room":
        """Return the room of one of M networks."""
        return Room(*(buffer[member] for buffer in self))


class HiddenLayer:
    """Go forwards and backwards through one hidden layer with batches of B rows.

    Products are one network's; what is done element by element may be that of M networks at once.

    Args:
        room: Where everything is written.
        activation: After the product.
    """

    def __init__(self, room: Room, activation: Activation) -> None:
        self.out, self.grad, self._before, self._after = room
        self.hidden, self.turned = self.out[..., :-1], self.out.mT
        self.product = self._before
        self._activation = activation

    def activate(self, mask: Tensor | None) -> None:
        """Write `hidden` from the product and a dropout mask (B, H)."""
        _activate(self._activation, self._before, self._after)
        if mask is None:
            self.hidden.copy_(self._after)
        else:
            torch.mul(self._after, mask, out=self.hidden)

    def pass_back(self, grad: Tensor, weight: Tensor) -> None:
        """Write the gradient by the activations.

        Args:
            grad: Gradient before the activation of the next layer, (B, its outputs).
            weight: The next layer's weight without the bias, transposed: (its outputs, H).
        """
        torch.mm(grad, weight, out=self.grad)

    def slope(self, mask: Tensor | None) -> None:
        """Make it the gradient before the activation."""
        if mask is not None:
            self.grad.mul_(mask)
        _slope(self._activation, self.grad, self._before, self._after)


class ReluLayer(HiddenLayer):
    """Do the same for relu in fewer operations.

    What is dropped is 0 after the mask, as what relu cut is: one comparison passes the gradient
    on, and the mask's scale goes into the product.

    Args:
        room: As of `HiddenLayer`.
        scale: Value of a mask where nothing is dropped; 1 without dropout.
    """

    def __init__(self, room: Room, scale: float = 1.0) -> None:
        super().__init__(room, "relu")
        self.product, self._scale = self.hidden, scale

    def activate(self, mask: Tensor | None) -> None:
        """Make the product `hidden`, with a dropout mask (B, H)."""
        torch.relu_(self.hidden)
        if mask is not None:
            self.hidden.mul_(mask)

    def pass_back(self, grad: Tensor, weight: Tensor) -> None:
        """Write the gradient by the activations; see `HiddenLayer.pass_back`."""
        torch.addmm(self.grad, grad, weight, beta=0, alpha=self._scale, out=self.grad)

    def slope(self, mask: Tensor | None) -> None:  # noqa: ARG002
        """Make it the gradient before the activation."""
        aten.threshold_backward.grad_input(self.grad, self.hidden, 0, grad_input=self.grad)


def build_layer(room: Room, activation: Activation, scale: float = 1.0) -> HiddenLayer:
    """Return the layer for an activation; `scale` as of `ReluLayer`."""
    return ReluLayer(room, scale) if activation == "relu" else HiddenLayer(room, activation)


class Backprop:
    """Go forwards and backwards through a network with batches of B rows.

    Args:
        spec: What the network looks like.
        matrices: Its parameters, as `iovalence.models.network.cut` gives them.
        grads: Where their gradients are written, likewise.
        scale: Value of a dropout mask where nothing is dropped; 1 without dropout.
        rooms: Where each hidden layer is written.
        slope: Where the gradient of the loss by the outputs will be, (K, B).

    Attributes:
        hidden: The hidden layers.
        slope: To be written between `forward` and `backward`.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        matrices: Sequence[Tensor],
        grads: Sequence[Tensor],
        scale: float,
        rooms: Sequence[Room],
        slope: Tensor,
    ) -> None:
        num_tables = len(spec.embedding_sizes)
        self._tables, self._weights = matrices[:num_tables], matrices[num_tables:]
        self._table_grads, self._grads = grads[:num_tables], grads[num_tables:]
        self.hidden = [build_layer(room, spec.activation, scale) for room in rooms]
        self._output = self._weights[-1].t()
        # The gradient needs no bias, and each weight the other way round.
        self._turned = [weight[:-1].t() for weight in self._weights]
        ends = torch.tensor([0, *(width for _, width in spec.embedding_sizes)]).cumsum(0)
        self._embedded = [slice(a, b) for a, b in pairwise((ends + spec.num_features).tolist())]
        self.slope, self._slope = slope, slope.t()

    @classmethod
    def alone(
        cls,
        spec: NetworkSpec,
        matrices: Sequence[Tensor],
        grads: Sequence[Tensor],
        rows: int,
        scale: float,
    ) -> "Backprop":
        """Return one with room of its own for batches of so many rows."""
        some = matrices[-1]
        rooms = [Room.like(some, rows, width) for width in spec.layers]
        slope = some.new_empty(spec.num_outputs, rows)
        return cls(spec, matrices, grads, scale, rooms, slope)

    def forward(
        self, inputs: Tensor, codes: Tensor | None, masks: Sequence[Tensor], outputs: Tensor
    ) -> None:
        """Write the outputs for a batch.

        Args:
            inputs: (B, I+1): features, room for what stands for embedded columns, ones.
            codes: int64 (B, E), or None where nothing is embedded.
            masks: For each hidden layer (B, H); none without dropout.
            outputs: (K, B), written here.
        """
        self.begin(inputs, codes)
        for i, layer in enumerate(self.hidden):
            self.multiply(i)
            layer.activate(masks[i] if masks else None)
        self.finish(outputs)

    def backward(self, codes: Tensor | None, masks: Sequence[Tensor]) -> None:
        """Write the gradient of every parameter, after `forward` with the same batch.

        Args:
            codes: As in `forward`.
            masks: As in `forward`.
        """
        for i in reversed(range(len(self.hidden))):
            self.pass_back(i)
            self.hidden[i].slope(masks[i] if masks else None)
        self.end(codes)

    def begin(self, inputs: Tensor, codes: Tensor | None) -> None:
        """Take the inputs of a batch; see `forward`."""
        if codes is not None:
            for i, (table, place) in enumerate(zip(self._tables, self._embedded, strict=True)):
                inputs[:, place] = table.index_select(0, codes[:, i])
        self._inputs, self._turned_inputs = inputs, inputs.t()

    def multiply(self, i: int) -> None:
        """Write the product of hidden layer i."""
        taken = self.hidden[i - 1].out if i else self._inputs
        torch.mm(taken, self._weights[i], out=self.hidden[i].product)

    def finish(self, outputs: Tensor) -> None:
        """Write the outputs, (K, B)."""
        turned = self.hidden[-1].turned if self.hidden else self._turned_inputs
        torch.mm(self._output, turned, out=outputs)

    def pass_back(self, i: int) -> None:
        """Write the gradient of the layer after hidden layer i, and pass it back to that."""
        layer, grad = self.hidden[i], self._grad_before(i + 1)
        torch.mm(layer.turned, grad, out=self._grads[i + 1])
        layer.pass_back(grad, self._turned[i + 1])

    def end(self, codes: Tensor | None) -> None:
        """Write the gradient of the first layer, and of the embeddings."""
        grad = self._grad_before(0)
        torch.mm(self._turned_inputs, grad, out=self._grads[0])
        if codes is not None:
            self._embed_backward(torch.mm(grad, self._turned[0]), codes)

    def _grad_before(self, i: int) -> Tensor:
        return self.hidden[i].grad if i < len(self.hidden) else self._slope

    def _embed_backward(self, grad: Tensor, codes: Tensor) -> None:
        for i, (place, out) in enumerate(zip(self._embedded, self._table_grads, strict=True)):
            # Unlike index_add, the same bit for bit each time on a GPU too.
            given = aten.embedding_dense_backward(
                grad[:, place].contiguous(), codes[:, i], len(out), -1, False
            )
            out.copy_(given)
