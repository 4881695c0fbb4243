import pytest
import torch

from iovalence.training.optimizers import FlatOptimizer
from iovalence.training.section import SettledTraining


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


@pytest.mark.parametrize("rate", [0.05, torch.tensor(0.05)], ids=["number", "tensor"])
@pytest.mark.parametrize("name", NAMES)
def test_a_rule_updates_as_torch_does(name, rate):
    generator = torch.Generator().manual_seed(0)
    ours = torch.randn(50, generator=generator)
    theirs = ours.clone().requires_grad_()
    grad = torch.zeros(50)
    rule = FlatOptimizer(ours, grad, SettledTraining(optimizer=name, l2_regularization=0.01))
    reference = torch_optimizer(name, [theirs])
    for _ in range(20):
        theirs.grad = torch.randn(50, generator=generator)
        grad.copy_(theirs.grad)
        rule.step(rate)
        reference.step()
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-5, atol=1e-6)
