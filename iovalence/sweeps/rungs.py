"""Own successive halving: most configurations are trained for a few epochs, the best for all.

Source: Jamieson and Talwalkar 2016, algorithm 1, with a third instead of half kept at each rung.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from iovalence.config.load import LoadedConfig
from iovalence.config.space import Space
from iovalence.errors import ConfigError
from iovalence.runs.sweep import Configuration
from iovalence.stages.resumed import EPOCHS_DECIDE
from iovalence.sweeps.ranking import rank

ETA = 3


@dataclass(frozen=True)
class Rung:
    """Say how many configurations are trained, and up to which epoch.

    Attributes:
        number: Configurations.
        epochs: Epochs since their start; None for those of the configuration itself.
    """

    number: int
    epochs: int | None = None


def plan_rungs(space: Space, *, halving: bool) -> tuple[Rung, ...]:
    """Return the rungs of a sweep: one for all epochs, or those of successive halving.

    Raises:
        ConfigError: What a configuration does in its first epochs depends on how many follow, or
            it keeps no checkpoint to go on from.
    """
    if not halving:
        return (Rung(len(space.candidates)),)
    faults = list(dict.fromkeys(fault for one in space.candidates for fault in _faults(one.loaded)))
    if any(variation.key == "training.epochs" for variation in space.variations):
        faults.append("training.epochs must not be varied with --halving, which chooses them")
    if faults:
        raise ConfigError(faults)
    warmup = max(one.loaded.config.training.warmup_epochs for one in space.candidates)
    return halve(len(space.candidates), space.base.config.training.epochs, warmup)


def _faults(loaded: LoadedConfig) -> list[str]:
    section = loaded.config.training
    faults = []
    if section.scheduler in EPOCHS_DECIDE:
        faults.append(
            f"training.scheduler must not depend on the number of epochs with --halving, got "
            f"{section.scheduler}; use none, step or plateau"
        )
    if not section.save_checkpoint:
        faults.append(
            "training.save_checkpoint must be true with --halving, which goes on from checkpoints, "
            "got false"
        )
    return faults


def halve(number: int, epochs: int, warmup_epochs: int = 0) -> tuple[Rung, ...]:
    """Return the rungs, the shortest first: each has three times the epochs, a third of the rest.

    Args:
        number: Configurations.
        epochs: Of the last rung.
        warmup_epochs: No rung is as short.
    """
    rungs = [Rung(number, epochs)]
    while _is_worth_halving(rungs, warmup_epochs):
        shortest = -(-(rungs[0].epochs or 1) // ETA)
        numbers = [max(1, number // ETA**at) for at in range(len(rungs) + 1)]
        lengths = [shortest, *(rung.epochs for rung in rungs)]
        rungs = [Rung(*rung) for rung in zip(numbers, lengths, strict=True)]
    return tuple(rungs)


def _is_worth_halving(rungs: Sequence[Rung], warmup_epochs: int) -> bool:
    """Say whether a shorter rung leaves one at least to the last, and trains after its warm-up."""
    epochs = rungs[0].epochs or 1
    return rungs[0].number >= ETA ** len(rungs) and epochs > 1 and -(-epochs // ETA) > warmup_epochs


def taking_part(
    configurations: Sequence[Configuration], rungs: Sequence[Rung], at: int, by: str
) -> tuple[int, ...]:
    """Return the numbers of those that a rung trains: all, or the best of the rung before it.

    Args:
        configurations: All of a sweep.
        rungs: All of it.
        at: Which rung, from 0.
        by: Full name of the figure that decides.
    """
    if at == 0:
        return tuple(one.number for one in configurations)
    before = set(taking_part(configurations, rungs, at - 1, by))
    reached = [
        one.model_copy(
            update={"state": "FINISHED", "metrics": {by: one.rungs[at - 1]}, "rungs": ()}
        )
        for one in configurations
        if one.number in before and len(one.rungs) >= at
    ]
    return rank(reached, by)[: rungs[at].number]
