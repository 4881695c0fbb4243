"""Own the simple baseline: the best linear model, whatever the network's settings are.

Shapes: N rows, F features, K outputs.
"""

import numpy as np
import torch
from torch import Tensor

from iovalence.data.prepared import Prepared
from iovalence.models.network import Network
from iovalence.training.fit import TRAIN, Machine, architecture, arithmetic, objective_for
from iovalence.training.parts import PartTensors, load_part
from iovalence.training.section import TrainingSection

PENALTY = 1.0
MAX_ITERATIONS = 200
TOLERANCE = 1e-4


def fit_linear(prepared: Prepared, machine: Machine) -> Network:
    """Fit one linear layer to the train part, to convergence; return it on the CPU.

    The mean loss plus ||w||² / (2N), biases apart, by L-BFGS over all rows at once.
    Source: L-BFGS, Nocedal and Wright 2006, algorithm 7.5; the penalty is that of scikit-learn's
        LogisticRegression with C=1, so that separable classes have a finite solution.
    """
    device = torch.device(machine.device)
    section = TrainingSection(model_type="linear")
    network = Network(architecture(section, prepared), device)
    # Zeros are a fair start for a convex loss; where columns are embedded the tables need others.
    if network.spec.embedding_sizes:
        network.initialise(section.seed)
    rows = load_part(prepared, np.flatnonzero(prepared.part == TRAIN), None, device)
    with arithmetic(machine):
        _descend(network, prepared, rows)
    kept = Network(network.spec, torch.device("cpu"))
    kept.flat.copy_(network.flat)
    return kept


def _descend(network: Network, prepared: Prepared, rows: PartTensors) -> None:
    objective = objective_for(prepared)
    penalised = [value for name, value in network.parameters.items() if not name.endswith("bias")]
    network.flat.grad = network.grad
    optimizer = torch.optim.LBFGS(
        [network.flat],
        max_iter=MAX_ITERATIONS,
        tolerance_grad=TOLERANCE,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        network.grad.zero_()
        outputs = network.forward(rows.features, rows.codes)
        value = objective.loss(outputs, rows.target, rows.weight)
        value = value + sum(w.square().sum() for w in penalised) * (PENALTY / 2 / rows.num_rows)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
