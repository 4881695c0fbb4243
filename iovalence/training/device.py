"""Own where the arithmetic runs, and on how many threads."""

import os
from typing import Literal

import torch

from iovalence.errors import ConfigError

SMALL_STEP = 20_000_000
# Below, the products of a step are too small for a GPU to be busy with them.
MIXED_STEP = 2**28


def choose_device(asked: str) -> torch.device:
    """Return the device to train on; `auto` takes a GPU where there is one.

    Raises:
        ConfigError: The device that was asked for is not there.
    """
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if asked == "auto":
        return torch.device(next(name for name, is_there in present.items() if is_there))
    if not present.get(asked):
        names = ", ".join(name for name, is_there in present.items() if is_there)
        raise ConfigError(
            f"training.device must be there, got {asked}; PyTorch sees: {names} "
            "(`iovalence doctor` says more)"
        )
    return torch.device(asked)


def choose_threads(asked: str | int, num_parameters: int, batch_size: int) -> int:
    """Return the number of threads of the arithmetic.

    Handing work to a second thread costs more than a small step: below 20 million multiplications
    a step, one thread is faster.

    Args:
        asked: A number, or `auto`.
        num_parameters: Parameters of the network, about the multiplications for one row.
        batch_size: Rows of one step.
    """
    if asked != "auto":
        return int(asked)
    if num_parameters * batch_size < SMALL_STEP:
        return 1
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)


def choose_precision(
    asked: bool | Literal["auto"], device: torch.device, num_parameters: int, batch_size: int
) -> bool:
    """Return whether products are taken in bfloat16, with parameters in float32.

    `auto` takes them so on a GPU that has the arithmetic for it, from 270 million multiplications
    a step on: smaller steps are bound by the number of operations, not by their size.

    Raises:
        ConfigError: It is asked for where there is no such GPU.
    """
    is_able = device.type == "cuda" and torch.cuda.is_bf16_supported()
    if asked is True and not is_able:
        raise ConfigError(
            f"training.mixed_precision must be auto or false without a GPU that has bfloat16, "
            f"got true on {device.type}"
        )
    large = num_parameters * batch_size >= MIXED_STEP
    return is_able and (asked is True or (asked == "auto" and large))
