import pytest
import torch

from iovalence.models.architecture import NetworkSpec
from iovalence.models.network import ACTIVATIONS, Network

CPU = torch.device("cpu")
MODULES = {
    "relu": torch.nn.ReLU,
    "leaky_relu": torch.nn.LeakyReLU,
    "elu": torch.nn.ELU,
    "gelu": torch.nn.GELU,
    "silu": torch.nn.SiLU,
    "tanh": torch.nn.Tanh,
    "sigmoid": torch.nn.Sigmoid,
}


def make_spec(**changes):
    values = {
        "num_features": 5,
        "embedding_sizes": (),
        "layers": (8, 4),
        "activation": "relu",
        "num_outputs": 3,
    }
    return NetworkSpec(**(values | changes))


def make_network(seed=0, **changes):
    network = Network(make_spec(**changes), CPU)
    network.initialise(seed)
    return network


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_forward_pass_equals_a_stack_of_torch_layers(activation):
    network = make_network(activation=activation)
    linears = [torch.nn.Linear(5, 8), torch.nn.Linear(8, 4), torch.nn.Linear(4, 3)]
    state = network.state()
    for i, linear in enumerate(linears):
        linear.load_state_dict(
            {"weight": state[f"layers.{i}.weight"], "bias": state[f"layers.{i}.bias"]}
        )
    act = MODULES[activation]
    stack = torch.nn.Sequential(linears[0], act(), linears[1], act(), linears[2])
    rows = torch.randn(7, 5)
    torch.testing.assert_close(network.forward(rows, None), stack(rows))


def test_no_hidden_layer_is_a_linear_model():
    network = make_network(layers=())
    rows = torch.randn(4, 5)
    weight, bias = network.parameters["layers.0.weight"], network.parameters["layers.0.bias"]
    torch.testing.assert_close(network.forward(rows, None), rows @ weight.T + bias)


def test_embedded_columns_stand_behind_the_features():
    network = make_network(embedding_sizes=((4, 2), (3, 1)), layers=())
    rows, codes = torch.randn(2, 5), torch.tensor([[3, 0], [1, 2]])
    first, second = network.parameters["embeddings.0"], network.parameters["embeddings.1"]
    joined = torch.cat([rows, first[[3, 1]], second[[0, 2]]], dim=1)
    expected = joined @ network.parameters["layers.0.weight"].T
    torch.testing.assert_close(
        network.forward(rows, codes), expected + network.parameters["layers.0.bias"]
    )


def test_gradients_of_all_parameters_are_views_of_one_vector():
    network = make_network(embedding_sizes=((4, 2),))
    network.forward(torch.randn(2, 5), torch.tensor([[1], [2]])).square().sum().backward()
    gradients = [parameter.grad for parameter in network.parameters.values()]
    total = sum(gradient.double().sum() for gradient in gradients)
    torch.testing.assert_close(total, network.grad.double().sum())
    network.grad.zero_()
    assert not any(gradient.any() for gradient in gradients)


def test_a_seed_decides_the_first_parameters():
    assert torch.equal(make_network(1).flat, make_network(1).flat)
    assert not torch.equal(make_network(1).flat, make_network(2).flat)


def test_weights_start_within_the_bound_of_torch_linear():
    weight = make_network(layers=(400,)).parameters["layers.0.weight"]
    assert weight.abs().max() <= 5**-0.5
    assert weight.abs().max() > 0.99 * 5**-0.5


def test_the_state_brings_a_network_back():
    network, other = make_network(1), make_network(2)
    other.load(network.state())
    assert torch.equal(network.flat, other.flat)


def test_the_number_of_parameters_counts_weights_biases_and_embeddings():
    assert make_spec(embedding_sizes=((4, 2),)).num_parameters == 8 + 7 * 8 + 8 + 8 * 4 + 4 + 15
