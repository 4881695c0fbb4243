"""Own the five update rules, each in place on one flat vector of P parameters.

A step whose loss is not finite must change nothing, and finding out must not stop the device:
every rule takes `skip`, a scalar on the device that is 1 for such a step.
"""

import torch
from torch import Tensor

from iovalence.training.section import TrainingSection

EPSILON = 1e-8


class FlatOptimizer:
    """Update a flat vector of parameters by the rule that the configuration names.

    PyTorch's fused kernels are called directly: torch.optim spends more time around them than
    in them. L2 is added to the gradient, for adamw taken off the parameters.

    Args:
        flat: float32 (P,), changed in place.
        section: Which rule, and its settings.

    Source: momentum, Sutskever et al. 2013; adam, Kingma and Ba 2015; adamw, Loshchilov and
    Hutter 2019; rmsprop, Tieleman and Hinton 2012; all as torch.optim computes them.
    """

    def __init__(self, flat: Tensor, section: TrainingSection) -> None:
        self.state = {name: torch.zeros_like(flat) for name in _STATE[section.optimizer]}
        if section.optimizer in ("adam", "adamw"):
            self.state["step"] = torch.zeros((), device=flat.device)
        self._flat, self._section = flat, section
        self._apply = getattr(self, f"_{section.optimizer}")

    def step(self, grad: Tensor, learning_rate: float, skip: Tensor) -> None:
        """Take one step against `grad`, float32 (P,), unless `skip`, a scalar, is 1."""
        self._apply(grad, learning_rate, skip)

    def _adam(self, grad: Tensor, learning_rate: float, skip: Tensor) -> None:
        self._adaptive(torch._fused_adam_, grad, learning_rate, skip)

    def _adamw(self, grad: Tensor, learning_rate: float, skip: Tensor) -> None:
        self._adaptive(torch._fused_adamw_, grad, learning_rate, skip)

    def _adaptive(self, rule, grad: Tensor, learning_rate: float, skip: Tensor) -> None:  # type: ignore[no-untyped-def]
        state, section = self.state, self._section
        state["step"] += 1 - skip
        rule(
            [self._flat],
            [grad],
            [state["mean"]],
            [state["mean_square"]],
            [],
            [state["step"]],
            lr=learning_rate,
            beta1=section.adam_betas[0],
            beta2=section.adam_betas[1],
            weight_decay=section.l2_regularization,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
            found_inf=skip,
        )

    def _sgd(self, grad: Tensor, learning_rate: float, skip: Tensor) -> None:
        self._descend([], 0.0, grad, learning_rate, skip)

    def _momentum(self, grad: Tensor, learning_rate: float, skip: Tensor) -> None:
        velocity = [self.state["velocity"]]
        self._descend(velocity, self._section.momentum, grad, learning_rate, skip)

    def _descend(
        self,
        velocity: list[Tensor],
        momentum: float,
        grad: Tensor,
        learning_rate: float,
        skip: Tensor,
    ) -> None:
        torch._fused_sgd_(
            [self._flat],
            [grad],
            velocity,
            weight_decay=self._section.l2_regularization,
            momentum=momentum,
            lr=learning_rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
            found_inf=skip,
        )

    def _rmsprop(self, grad: Tensor, learning_rate: float, skip: Tensor) -> None:
        alpha, mean_square = self._section.rmsprop_alpha, self.state["mean_square"]
        grad = torch.where(skip == 0, grad, 0.0).add_(
            self._flat, alpha=self._section.l2_regularization
        )
        moved = torch.lerp(grad.square(), mean_square, alpha)
        mean_square.copy_(torch.where(skip == 0, moved, mean_square))
        update = grad.div_(mean_square.sqrt().add_(EPSILON)).mul_(1 - skip)
        self._flat.sub_(update, alpha=learning_rate)


_STATE: dict[str, tuple[str, ...]] = {
    "sgd": (),
    "momentum": ("velocity",),
    "adam": ("mean", "mean_square"),
    "adamw": ("mean", "mean_square"),
    "rmsprop": ("mean_square",),
}
