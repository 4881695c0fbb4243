import pytest
import torch

from iovalence.training.optimizers import FlatOptimizer
from iovalence.training.section import TrainingSection

GO, SKIP = torch.tensor(0.0), torch.tensor(1.0)


def torch_optimizer(name, parameters):
    l2 = {"weight_decay": 0.01, "lr": 0.05}
    return {
        "sgd": lambda: torch.optim.SGD(parameters, **l2),
        "momentum": lambda: torch.optim.SGD(parameters, momentum=0.9, **l2),
        "adam": lambda: torch.optim.Adam(parameters, **l2),
        "adamw": lambda: torch.optim.AdamW(parameters, **l2),
        "rmsprop": lambda: torch.optim.RMSprop(parameters, **l2),
    }[name]()


NAMES = ["sgd", "momentum", "adam", "adamw", "rmsprop"]


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_updates_as_torch_does(name):
    generator = torch.Generator().manual_seed(0)
    ours = torch.randn(50, generator=generator)
    theirs = ours.clone().requires_grad_()
    rule = FlatOptimizer(ours, TrainingSection(optimizer=name, l2_regularization=0.01))
    reference = torch_optimizer(name, [theirs])
    for _ in range(20):
        theirs.grad = torch.randn(50, generator=generator)
        rule.step(theirs.grad.clone(), 0.05, GO)
        reference.step()
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", NAMES)
def test_a_skipped_step_changes_neither_parameters_nor_state(name, bad):
    flat = torch.randn(10)
    rule = FlatOptimizer(flat, TrainingSection(optimizer=name))
    rule.step(torch.randn(10), 0.1, GO)
    before = [flat.clone(), *(value.clone() for value in rule.state.values())]
    rule.step(torch.full((10,), bad), 0.1, SKIP)
    after = [flat, *rule.state.values()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
