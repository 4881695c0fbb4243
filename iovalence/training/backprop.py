"""Own the gradient of a plain stack of layers, worked out by hand into buffers made once.

At small batches autograd costs more than the arithmetic: it allocates every result and records
every operation. Nothing here allocates, and every product writes where its result is needed.
Shapes: B rows of a batch, I inputs of a layer, H its outputs, K outputs of the network.

Source: back-propagation, Goodfellow et al. 2016, algorithms 6.3 and 6.4. The tests hold every
gradient equal to autograd's.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

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


class HiddenLayer:
    """Hold the buffers of one hidden layer for batches of B rows.

    Attributes:
        out: What the next layer takes: activations after dropout and a column of ones, (B, H+1).
        turned: `out`, transposed.
        grad: Gradient of the loss by `hidden`, and then by what came before the activation.
    """

    def __init__(self, rows: int, weight: Tensor, activation: Activation) -> None:
        width = weight.shape[1]
        self.out = weight.new_ones(rows, width + 1)
        self.hidden, self.turned = self.out[:, :-1], self.out.t()
        self.grad = weight.new_empty(rows, width)
        self._before, self._after = weight.new_empty(2, rows, width)
        self._weight, self._activation = weight, activation

    def forward(self, inputs: Tensor, mask: Tensor | None) -> Tensor:
        """Return `out` for inputs (B, I+1) and a dropout mask (B, H)."""
        torch.mm(inputs, self._weight, out=self._before)
        _activate(self._activation, self._before, self._after)
        if mask is None:
            self.hidden.copy_(self._after)
        else:
            torch.mul(self._after, mask, out=self.hidden)
        return self.out

    def backward(self, grad: Tensor, weight: Tensor, mask: Tensor | None) -> Tensor:
        """Return the gradient before the activation, (B, H).

        Args:
            grad: Gradient before the activation of the next layer, (B, its outputs).
            weight: The next layer's weight without the bias, transposed: (its outputs, H).
            mask: As in `forward`.
        """
        torch.mm(grad, weight, out=self.grad)
        if mask is not None:
            self.grad.mul_(mask)
        _slope(self._activation, self.grad, self._before, self._after)
        return self.grad


class ReluLayer(HiddenLayer):
    """Do the same for relu in fewer operations.

    What is dropped is 0 after the mask, as what relu cut is: one comparison passes the gradient
    on, and the mask's scale goes into the product.

    Args:
        scale: Value of a mask where nothing is dropped; 1 without dropout.
    """

    def __init__(self, rows: int, weight: Tensor, scale: float) -> None:
        super().__init__(rows, weight, "relu")
        self._scale = scale

    def forward(self, inputs: Tensor, mask: Tensor | None) -> Tensor:
        """Return `out` for inputs (B, I+1) and a dropout mask (B, H)."""
        torch.mm(inputs, self._weight, out=self.hidden)
        torch.relu_(self.hidden)
        if mask is not None:
            self.hidden.mul_(mask)
        return self.out

    def backward(self, grad: Tensor, weight: Tensor, mask: Tensor | None) -> Tensor:  # noqa: ARG002
        """Return the gradient before the activation, (B, H); see `HiddenLayer.backward`."""
        torch.addmm(self.grad, grad, weight, beta=0, alpha=self._scale, out=self.grad)
        aten.threshold_backward.grad_input(self.grad, self.hidden, 0, grad_input=self.grad)
        return self.grad


class Backprop:
    """Go forwards and backwards through a network with batches of B rows.

    Args:
        spec: What the network looks like.
        matrices: Its parameters, as `iovalence.models.network.cut` gives them.
        grads: Where their gradients are written, likewise.
        rows: B.
        scale: Value of a dropout mask where nothing is dropped; 1 without dropout.

    Attributes:
        slope: Gradient of the loss by the outputs, (K, B); to be written before `backward`.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        matrices: Sequence[Tensor],
        grads: Sequence[Tensor],
        rows: int,
        scale: float,
    ) -> None:
        num_tables = len(spec.embedding_sizes)
        self._tables, weights = matrices[:num_tables], matrices[num_tables:]
        self._table_grads, self._grads = grads[:num_tables], grads[num_tables:]
        self._hidden = [
            ReluLayer(rows, weight, scale)
            if spec.activation == "relu"
            else HiddenLayer(rows, weight, spec.activation)
            for weight in weights[:-1]
        ]
        self._output = weights[-1].t()
        # The gradient needs no bias, and each weight the other way round.
        self._turned = [weight[:-1].t() for weight in weights]
        ends = torch.tensor([0, *(width for _, width in spec.embedding_sizes)]).cumsum(0)
        self._embedded = [slice(a, b) for a, b in pairwise((ends + spec.num_features).tolist())]
        self.slope = weights[0].new_empty(spec.num_outputs, rows)
        self._slope = self.slope.t()

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
        if codes is not None:
            for i, (table, place) in enumerate(zip(self._tables, self._embedded, strict=True)):
                inputs[:, place] = table.index_select(0, codes[:, i])
        self._turned_inputs = turned = inputs.t()
        for i, layer in enumerate(self._hidden):
            inputs = layer.forward(inputs, masks[i] if masks else None)
            turned = layer.turned
        torch.mm(self._output, turned, out=outputs)

    def backward(self, codes: Tensor | None, masks: Sequence[Tensor]) -> None:
        """Write the gradient of every parameter, after `forward` with the same batch.

        Args:
            codes: As in `forward`.
            masks: As in `forward`.
        """
        grad = self._slope
        for i in reversed(range(len(self._hidden))):
            layer = self._hidden[i]
            torch.mm(layer.turned, grad, out=self._grads[i + 1])
            grad = layer.backward(grad, self._turned[i + 1], masks[i] if masks else None)
        torch.mm(self._turned_inputs, grad, out=self._grads[0])
        if codes is not None:
            self._embed_backward(torch.mm(grad, self._turned[0]), codes)

    def _embed_backward(self, grad: Tensor, codes: Tensor) -> None:
        for i, (place, out) in enumerate(zip(self._embedded, self._table_grads, strict=True)):
            # Unlike index_add, the same bit for bit each time on a GPU too.
            given = aten.embedding_dense_backward(
                grad[:, place].contiguous(), codes[:, i], len(out), -1, False
            )
            out.copy_(given)
