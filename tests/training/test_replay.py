"""What a GPU does, with a capture that runs the same work on the same memory on the CPU."""

import pytest
import torch

from iovalence.models.architecture import NetworkSpec
from iovalence.models.network import Network
from iovalence.training.objective import Objective
from iovalence.training.optimizers import FlatOptimizer
from iovalence.training.parts import PartTensors
from iovalence.training.randomness import DropoutMasks
from iovalence.training.replay import ReplayedSteps, build_steps, capture_cuda
from iovalence.training.section import SettledTraining
from iovalence.training.steps import Steps

SPEC = NetworkSpec(
    num_features=4,
    embedding_sizes=((3, 2),),
    layers=(16, 8),
    activation="relu",
    num_outputs=2,
)


def run_and_return(work):
    """Warm up as a GPU has to, and replay by running the work again."""
    work()
    return work


def make(device="cpu", optimizer="adam", capture=None, **settings):
    section = SettledTraining(optimizer=optimizer)
    network = Network(SPEC, torch.device(device))
    network.initialise(0)
    rule = FlatOptimizer(network.flat, network.grad, section)
    kind = Steps if capture is None else ReplayedSteps
    more = {} if capture is None else {"capture": capture}
    objective = Objective("classification")
    given = {"batch_size": 16, "mask_scale": 1 / 0.7} | settings | more
    return kind(network, objective, rule, **given), network


def make_rows(num_rows, seed, device="cpu"):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(num_rows, 4, generator=generator)
    codes = torch.randint(0, 3, (num_rows, 1), generator=generator)
    rows = PartTensors(features, codes, (features[:, 0] > 0).long(), None, None)
    return rows.to(torch.device(device))


def train(steps, device="cpu"):
    masks = DropoutMasks(0, 0.3, SPEC.layers, torch.device(device))
    outputs = []
    for block, num_rows in enumerate((100, 100, 40, 100, 40)):
        rates = [0.01 * (block + 1)] * -(-num_rows // 16)
        rows = make_rows(num_rows, block, device)
        outputs.append(steps.run(rows, masks.draw(1, block, num_rows), rates).clone())
    return torch.cat(outputs)


@pytest.mark.parametrize("clip", [None, 0.1])
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw", "rmsprop"])
def test_replayed_steps_equal_steps_taken_one_by_one(optimizer, clip):
    plain, network = make(optimizer=optimizer, gradient_clip=clip)
    replayed, other = make(optimizer=optimizer, gradient_clip=clip, capture=run_and_return)
    torch.testing.assert_close(train(replayed), train(plain))
    torch.testing.assert_close(other.flat, network.flat, rtol=1e-5, atol=1e-7)


def test_each_size_of_a_block_is_captured_once():
    captured = []

    def capture(work):
        captured.append(work)
        return work

    train(make(capture=capture)[0])
    assert len(captured) == 2


def test_a_part_of_a_block_is_taken_step_by_step():
    captured = []
    steps, network = make(capture=captured.append)
    plain, other = make()
    for some in (steps, plain):
        some.run(make_rows(100, 0), [], [0.01] * 3)
    assert torch.equal(network.flat, other.flat)
    assert not captured


def test_the_cpu_takes_steps_one_by_one():
    network = Network(SPEC, torch.device("cpu"))
    section = SettledTraining()
    rule = FlatOptimizer(network.flat, network.grad, section)
    steps = build_steps(
        network,
        Objective("classification"),
        rule,
        section,
        mask_scale=1.0,
        mixed_precision=False,
    )
    assert type(steps) is Steps


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_captured_steps_equal_steps_taken_one_by_one_on_a_gpu(dtype):
    plain, network = make("cuda", dtype=dtype)
    replayed, other = make("cuda", dtype=dtype, capture=capture_cuda)
    torch.testing.assert_close(train(replayed, "cuda"), train(plain, "cuda"))
    torch.testing.assert_close(other.flat, network.flat)
