import pytest
import torch

from iovalence.models.architecture import NetworkSpec
from iovalence.models.network import Network
from iovalence.training.objective import Objective
from iovalence.training.optimizers import FlatOptimizer
from iovalence.training.parts import PartTensors
from iovalence.training.section import SettledTraining
from iovalence.training.steps import Steps

CPU = torch.device("cpu")


def make_steps(dtype=torch.float32, batch_size=16, **settings):
    spec = NetworkSpec(
        num_features=4, embedding_sizes=(), layers=(32, 16), activation="relu", num_outputs=2
    )
    network = Network(spec, CPU)
    network.initialise(0)
    section = SettledTraining(**settings)
    optimizer = FlatOptimizer(network.flat, network.grad, section)
    steps = Steps(
        network, Objective("classification"), optimizer, batch_size=batch_size, dtype=dtype
    )
    return steps, network


def make_rows(num_rows=100):
    features = torch.randn(num_rows, 4, generator=torch.Generator().manual_seed(0))
    return PartTensors(features, None, (features[:, 0] > 0).long(), None, None)


def test_a_block_takes_a_step_for_each_batch_the_last_smaller_one_too():
    steps, network = make_steps()
    taken, reference = make_rows(), make_steps()[1]
    outputs = steps.run(taken, [], [0.01] * 7)
    assert outputs.shape == (100, 2)
    torch.testing.assert_close(outputs[:16], reference.forward(taken.features[:16], None).detach())
    assert not torch.equal(network.flat, reference.flat)


def test_a_block_equals_its_batches_taken_one_by_one():
    whole, network = make_steps()
    single, other = make_steps()
    rows = make_rows()
    whole.run(rows, [], [0.01] * 7)
    for batch in rows.in_turn(16):
        single.run(batch, [], [0.01])
    torch.testing.assert_close(network.flat, other.flat)


def test_with_fewer_rates_only_the_first_steps_are_taken():
    some, network = make_steps()
    few, other = make_steps()
    some.run(make_rows(), [], [0.01] * 2)
    few.run(make_rows(32), [], [0.01] * 2)
    assert torch.equal(network.flat, other.flat)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_bfloat16_steps_stay_near_those_in_float32(optimizer):
    exact, network = make_steps(optimizer=optimizer)
    low, other = make_steps(torch.bfloat16, optimizer=optimizer)
    start = network.flat.clone()
    for _ in range(5):
        exact.run(make_rows(), [], [0.01] * 7)
        low.run(make_rows(), [], [0.01] * 7)
    assert other.flat.dtype == torch.float32
    moved = (network.flat - start).norm()
    assert (other.flat - network.flat).norm() < 0.3 * moved
    assert not torch.equal(other.flat, network.flat)
