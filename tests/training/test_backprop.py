import pytest
import torch
import torch.nn.functional as F

from iovalence.models.architecture import NetworkSpec
from iovalence.models.network import ACTIVATIONS, Network, cut
from iovalence.training.backprop import Backprop
from iovalence.training.objective import Objective

CPU = torch.device("cpu")
ROWS, SCALE = 16, 1 / 0.7
TASKS = {"classification": 3, "regression": 1}


def make_network(activation="relu", embedding_sizes=(), layers=(8, 6), num_outputs=3):
    spec = NetworkSpec(
        num_features=5,
        embedding_sizes=embedding_sizes,
        layers=layers,
        activation=activation,
        num_outputs=num_outputs,
    )
    network = Network(spec, CPU)
    network.initialise(0)
    return network


def make_batch(network, dropout):
    spec, generator = network.spec, torch.Generator().manual_seed(1)
    features = torch.randn(ROWS, 5, generator=generator)
    sizes = [codes for codes, _ in spec.embedding_sizes]
    codes = [torch.randint(0, size, (ROWS,), generator=generator) for size in sizes]
    masks = [
        (torch.rand(ROWS, width, generator=generator) > 0.3).float() * SCALE
        for width in spec.layers
    ]
    return features, torch.stack(codes, 1) if codes else None, masks if dropout else []


def reference(network, features, codes, masks):
    """Compute the outputs as autograd can follow them."""
    hidden = network.join(features, codes)
    *layers, output = network._stack
    for i, (weight, bias) in enumerate(layers):
        hidden = ACTIVATIONS[network.spec.activation](F.linear(hidden, weight, bias))
        hidden = hidden * masks[i] if masks else hidden
    return F.linear(hidden, *output)


def by_hand(network, objective, features, codes, masks, target, weight):
    """Return outputs and the flat gradient that Backprop writes."""
    spec = network.spec
    grad = torch.full_like(network.flat, torch.nan)
    scale = SCALE if masks else 1.0
    backprop = Backprop(spec, cut(network.flat, spec), cut(grad, spec), ROWS, scale)
    inputs = torch.ones(ROWS, spec.widths[0][0] + 1)
    inputs[:, :5] = features
    outputs = torch.empty(spec.num_outputs, ROWS)
    with torch.no_grad():
        backprop.forward(inputs, codes, masks, outputs)
        goal = objective.goal(target, weight, ROWS, spec.num_outputs)
        objective.differentiate(outputs, goal, backprop.slope)
        backprop.backward(codes, masks)
    return outputs.t(), grad


def check_against_autograd(network, task="classification", dropout=True, weighted=False):
    objective = Objective(task)
    features, codes, masks = make_batch(network, dropout)
    target = torch.arange(ROWS) % 3 if task == "classification" else torch.randn(ROWS)
    weight = torch.rand(ROWS) if weighted else None
    outputs, grad = by_hand(network, objective, features, codes, masks, target, weight)
    expected = reference(network, features, codes, masks)
    torch.testing.assert_close(outputs, expected.detach(), rtol=1e-5, atol=1e-6)
    network.grad.zero_()
    objective.loss(expected, target, weight).backward()
    torch.testing.assert_close(grad, network.grad, rtol=1e-4, atol=1e-6)
    assert network.grad.abs().sum() > 0


@pytest.mark.parametrize("dropout", [True, False])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_gradient_equals_that_of_autograd(activation, dropout):
    check_against_autograd(make_network(activation), dropout=dropout)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("weighted", [True, False])
def test_the_gradient_follows_the_objective_and_the_weights(task, weighted, activation):
    network = make_network(activation, num_outputs=TASKS[task])
    check_against_autograd(network, task, weighted=weighted)


@pytest.mark.parametrize("layers", [(), (8,), (8, 6, 4, 3)])
def test_embedded_columns_learn_too_at_any_depth(layers):
    check_against_autograd(make_network(embedding_sizes=((4, 2), (7, 3)), layers=layers))
