"""Own how keys that are `auto` become numbers, once, before anything is trained.

What follows takes numbers only. What was chosen before is taken again, and not measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from iovalence.data.prepared import Prepared
from iovalence.runs.choices import BATCH_SIZE, LEARNING_RATE, Choice
from iovalence.training.batch_size import choose_batch_size, measure_free_memory
from iovalence.training.device import choose_device, choose_precision, choose_threads
from iovalence.training.fit import TRAIN, ClassWeights, Machine, architecture, weigh_classes
from iovalence.training.rate_finder import RateSweep, find_rate
from iovalence.training.section import SettledTraining, TrainingSection

NOTHING: Mapping[str, Choice] = {}


@dataclass(frozen=True)
class Plan:
    """Hold what is settled without training a step.

    Attributes:
        machine: Where is trained.
        batch_size: Rows for one step.
        choices: What was taken for `auto`, and why, by key.
    """

    machine: Machine
    batch_size: int
    choices: dict[str, Choice] = field(default_factory=dict)


@dataclass(frozen=True)
class Settled:
    """Hold all that a training takes.

    Attributes:
        section: With a number for every key.
        machine: Where is trained.
        choices: What was taken for `auto`, and why, by key.
        sweep: How the learning rate was found; None where it was given or recorded.
    """

    section: SettledTraining
    machine: Machine
    choices: dict[str, Choice]
    sweep: RateSweep | None = None


def plan(
    section: TrainingSection,
    threads: str | int,
    prepared: Prepared,
    recorded: Mapping[str, Choice] = NOTHING,
    machine: Machine | None = None,
) -> Plan:
    """Return where is trained and in batches of which size.

    Args:
        section: As it was asked for.
        threads: A number, or `auto`.
        prepared: All rows, encoded.
        recorded: What was chosen before, by key.
        machine: Where it was trained before; None to choose.

    Raises:
        ConfigError: `training.device` is not there, or cannot do `mixed_precision`.
    """
    device = choose_device(section.device if machine is None else machine.device)
    batch_size, choices = section.batch_size, {}
    if batch_size == "auto":
        num_rows = int((prepared.part == TRAIN).sum())
        chosen = recorded.get(BATCH_SIZE) or choose_batch_size(
            device.type, num_rows, measure_free_memory(device)
        )
        batch_size, choices = int(chosen.value), {BATCH_SIZE: chosen}
    if machine is None:
        work = architecture(section, prepared).num_parameters, batch_size
        asked = False if section.model_type == "rnn" else section.mixed_precision
        mixed = choose_precision(asked, device, *work)
        machine = Machine(device.type, choose_threads(threads, *work), mixed)
    return Plan(machine, batch_size, choices)


def settle(
    section: TrainingSection,
    threads: str | int,
    prepared: Prepared,
    *,
    class_weights: ClassWeights,
    recorded: Mapping[str, Choice] = NOTHING,
    machine: Machine | None = None,
) -> Settled:
    """Return the section with numbers, where it is trained, and what was chosen.

    A key that has a number keeps it, whatever is recorded.

    Args:
        section: As it was asked for.
        threads: A number, or `auto`.
        prepared: All rows, encoded.
        class_weights: `none`, `balanced`, or a weight for each class by name.
        recorded: What was chosen before, by key, as a manifest holds it: taken again.
        machine: Where it was trained before: taken again; None to choose.

    Raises:
        ConfigError: `training.device` is not there, or a class weight does not fit.
    """
    planned = plan(section, threads, prepared, recorded, machine)
    choices, sweep = dict(planned.choices), None
    rate = section.learning_rate
    if rate == "auto":
        known = recorded.get(LEARNING_RATE)
        if known is None:
            sweep = _sweep(section, planned, prepared, class_weights)
            known = Choice(value=sweep.chosen, reason=sweep.reason)
        rate, choices[LEARNING_RATE] = float(known.value), known
    numbers = SettledTraining.of(section, batch_size=planned.batch_size, learning_rate=rate)
    return Settled(numbers, planned.machine, choices, sweep)


def _sweep(
    section: TrainingSection, planned: Plan, prepared: Prepared, class_weights: ClassWeights
) -> RateSweep:
    weights = weigh_classes(class_weights, prepared, np.flatnonzero(prepared.part == TRAIN))
    # The sweep sets the rates itself: any number stands for the one that is looked for.
    some = SettledTraining.of(section, batch_size=planned.batch_size, learning_rate=1.0)
    return find_rate(prepared, some, planned.machine, weights)
