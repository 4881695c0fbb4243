"""Own the simple baseline: the best linear model, whatever the network's settings are.

Shapes: N rows, F features, K outputs.
"""

import numpy as np
import torch
from torch import Tensor

from iovalence.data.prepared import Prepared
from iovalence.models.network import Network
from iovalence.training.fit import TRAIN, Machine, arithmetic, objective_for, stack
from iovalence.training.objective import Objective
from iovalence.training.parts import Taken, Walked, bytes_of_row, is_small, load_part
from iovalence.training.summary import summarise

PENALTY = 1.0
MAX_ITERATIONS = 200
TOLERANCE = 1e-4
BLOCK_ROWS = 1 << 16
# Two hundred passes over a part that is not in memory would take longer than the training.
SAMPLE_BYTES = 1 << 27
FIRST_SEED = 42
_SEED, _EPOCH = 0, 0


def fit_linear(prepared: Prepared, machine: Machine) -> Network:
    """Fit one linear layer to the train part, to convergence; return it on the CPU.

    Of a sequence it takes what `summarise` makes of it.

    The mean loss plus ||w||² / (2N), biases apart, by L-BFGS over all rows at once; over those
    that `sample_size` allows where the part is too large to be in memory.
    Source: L-BFGS, Nocedal and Wright 2006, algorithm 7.5; the penalty is that of scikit-learn's
        LogisticRegression with C=1, so that separable classes have a finite solution.
    """
    device = torch.device(machine.device)
    prepared = summarise(prepared)
    network = Network(stack(prepared, (), "relu"), device)
    # Zeros are a fair start for a convex loss; where columns are embedded the tables need others.
    if network.spec.embedding_sizes:
        network.initialise(FIRST_SEED)
    train = np.flatnonzero(prepared.part == TRAIN)
    every = load_part(prepared, train, None, device)
    rows: Walked = every
    if (num_rows := sample_size(prepared)) < every.num_rows:
        rows = every.take(every.order(_SEED, _EPOCH)[:num_rows])
    with arithmetic(machine):
        _descend(network, prepared, rows)
    kept = Network(network.spec, torch.device("cpu"))
    kept.flat.copy_(network.flat)
    return kept


def sample_size(prepared: Prepared) -> int:
    """Return how many rows of the train part the baseline is fitted to."""
    num_rows = int((prepared.part == TRAIN).sum())
    if is_small(prepared, num_rows):
        return num_rows
    return min(num_rows, max(1, SAMPLE_BYTES // bytes_of_row(prepared)))


def _descend(network: Network, prepared: Prepared, rows: Walked) -> None:
    penalised = [value for name, value in network.parameters.items() if not name.endswith("bias")]
    network.flat.grad = network.grad
    optimizer = torch.optim.LBFGS(
        [network.flat],
        max_iter=MAX_ITERATIONS,
        tolerance_grad=TOLERANCE,
        line_search_fn="strong_wolfe",
    )
    total = sum(_weigh(some) for some in rows.in_turn(BLOCK_ROWS))

    def loss() -> Tensor:
        network.grad.zero_()
        squares = torch.stack([weights.square().sum() for weights in penalised])
        value = squares.sum() * (PENALTY / 2 / rows.num_rows)
        value.backward()  # type: ignore[no-untyped-call]
        return value.detach() + _add_gradients(network, objective_for(prepared), rows, total)

    optimizer.step(loss)  # type: ignore[no-untyped-call]


def _add_gradients(network: Network, objective: Objective, rows: Walked, total: float) -> Tensor:
    """Return the mean loss of all rows, and add its gradients, block by block."""
    mean = torch.zeros((), device=network.flat.device)
    for some in rows.in_turn(BLOCK_ROWS):
        outputs = network.forward(*some.inputs)
        value = objective.loss(outputs, some.target, some.weight) * (_weigh(some) / total)
        value.backward()  # type: ignore[no-untyped-call]
        mean += value.detach()
    return mean


def _weigh(rows: Taken) -> float:
    return rows.num_rows if rows.weight is None else float(rows.weight.sum(dtype=torch.float64))
