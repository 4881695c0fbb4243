"""Own the five update rules, each in place on one flat vector of P parameters."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from iovalence.training.section import TrainingSection

EPSILON = 1e-8
Rate = float | Tensor


class FlatOptimizer:
    """Update a flat vector of parameters by the rule that the configuration names.

    PyTorch's fused kernels are called directly: torch.optim spends more time around them than
    in them. L2 is added to the gradient, for adamw taken off the parameters.

    Args:
        flat: float32 (P,), changed in place.
        grad: float32 (P,), the gradient that every step goes against; may be changed.
        section: Which rule, and its settings.

    Attributes:
        state: What the rule remembers, by name.

    Source: momentum, Sutskever et al. 2013; adam, Kingma and Ba 2015; adamw, Loshchilov and
    Hutter 2019; rmsprop, Tieleman and Hinton 2012; all as torch.optim computes them.
    """

    def __init__(self, flat: Tensor, grad: Tensor, section: TrainingSection) -> None:
        self.state = {name: torch.zeros_like(flat) for name in _STATE[section.optimizer]}
        if section.optimizer in ("adam", "adamw"):
            self.state["step"] = torch.zeros((), device=flat.device)
        self._flat, self._grad, self._section = flat, grad, section
        build: Callable[[], Callable[[Rate], None]] = getattr(self, f"_{section.optimizer}")
        self._apply = build()

    def step(self, learning_rate: Rate) -> None:
        """Take one step.

        Args:
            learning_rate: A number; or a scalar on the device, where that is a GPU.
        """
        self._apply(learning_rate)

    def _adam(self) -> Callable[[Rate], None]:
        return self._adaptive(torch._fused_adam_)

    def _adamw(self) -> Callable[[Rate], None]:
        return self._adaptive(torch._fused_adamw_)

    def _adaptive(self, kernel: Callable[..., object]) -> Callable[[Rate], None]:
        state, section = self.state, self._section
        one = torch.ones_like(state["step"])  # a Python number takes three times as long to add
        update = partial(
            kernel,
            [self._flat],
            [self._grad],
            [state["mean"]],
            [state["mean_square"]],
            [],
            [state["step"]],
            beta1=section.adam_betas[0],
            beta2=section.adam_betas[1],
            weight_decay=section.l2_regularization,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )

        def apply(learning_rate: Rate) -> None:
            state["step"].add_(one)
            update(lr=learning_rate)

        return apply

    def _sgd(self) -> Callable[[Rate], None]:
        return self._descend([], 0.0)

    def _momentum(self) -> Callable[[Rate], None]:
        return self._descend([self.state["velocity"]], self._section.momentum)

    def _descend(self, velocity: list[Tensor], momentum: float) -> Callable[[Rate], None]:
        update = partial(
            torch._fused_sgd_,
            [self._flat],
            [self._grad],
            velocity,
            weight_decay=self._section.l2_regularization,
            momentum=momentum,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )
        return lambda learning_rate: update(lr=learning_rate)

    def _rmsprop(self) -> Callable[[Rate], None]:
        flat, grad, mean_square = self._flat, self._grad, self.state["mean_square"]
        alpha, l2 = self._section.rmsprop_alpha, self._section.l2_regularization

        def apply(learning_rate: Rate) -> None:
            grad.add_(flat, alpha=l2)
            mean_square.lerp_(grad.square(), 1 - alpha)
            flat.sub_(grad.div_(mean_square.sqrt().add_(EPSILON)).mul_(learning_rate))

        return apply


_STATE: dict[str, tuple[str, ...]] = {
    "sgd": (),
    "momentum": ("velocity",),
    "adam": ("mean", "mean_square"),
    "adamw": ("mean", "mean_square"),
    "rmsprop": ("mean_square",),
}
