"""Own how a trainer is put together from prepared rows and the configuration."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from iovalence.data.prepared import Prepared
from iovalence.errors import ConfigError
from iovalence.models.architecture import Activation, NetworkSpec, RecurrentSpec, Spec
from iovalence.models.build import AnyNetwork, build_network
from iovalence.names import nearest
from iovalence.training.checkpoint import Checkpoint, Checkpoints
from iovalence.training.objective import Objective
from iovalence.training.parts import Rows, load_part
from iovalence.training.randomness import derived_seed
from iovalence.training.section import SettledTraining, TrainingSection
from iovalence.training.trainer import EpochFigures, Trained, Trainer

TRAIN, VALIDATION, TEST = 0, 1, 2
ClassWeights = str | dict[str, float]


@dataclass(frozen=True)
class Machine:
    """Say where the arithmetic runs.

    Attributes:
        device: `cpu`, `cuda` or `mps`.
        threads: Threads on the CPU.
        mixed_precision: Whether products are taken in bfloat16.
    """

    device: str
    threads: int
    mixed_precision: bool = False


@dataclass(frozen=True)
class Fitted:
    """Hold a trained network and how it was reached.

    Attributes:
        network: With the parameters of the kept epoch, on the CPU.
        trained: What training ended with.
        objective: What was optimised.
        class_weights: float32 (K,), or None for equal weights.
    """

    network: AnyNetwork
    trained: Trained
    objective: Objective
    class_weights: torch.Tensor | None


def architecture(section: TrainingSection, prepared: Prepared) -> Spec:
    """Return the network that the configuration asks for on these rows."""
    if section.model_type == "rnn":
        return _recurrent(section, prepared)
    layers = () if section.model_type == "linear" else section.layers
    return stack(prepared, layers, section.activation)


def stack(prepared: Prepared, layers: tuple[int, ...], activation: Activation) -> NetworkSpec:
    """Return a plain stack of layers for these rows; none makes it linear."""
    return NetworkSpec(
        num_features=prepared.features.shape[1],
        embedding_sizes=prepared.preprocessing.embedding_sizes,
        layers=layers,
        activation=activation,
        num_outputs=_count_outputs(prepared),
    )


def _recurrent(section: TrainingSection, prepared: Prepared) -> RecurrentSpec:
    return RecurrentSpec(
        num_features=prepared.features.shape[1],
        embedding_sizes=prepared.preprocessing.embedding_sizes,
        layers=section.layers,
        activation=section.activation,
        num_outputs=_count_outputs(prepared),
        cell=section.cell,
        bidirectional=section.bidirectional,
        max_length=section.max_sequence_length,
    )


def _count_outputs(prepared: Prepared) -> int:
    classes = prepared.preprocessing.classes
    return 1 if classes is None else len(classes)


def fit(
    prepared: Prepared,
    section: SettledTraining,
    machine: Machine,
    *,
    class_weights: ClassWeights,
    observe: Callable[[EpochFigures], None] | None = None,
    checkpoints: Checkpoints | None = None,
    resume_from: Checkpoint | None = None,
    name_rows: Callable[[NDArray[np.int64]], str] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Fitted:
    """Train the network that `section` asks for.

    Args:
        prepared: All rows, encoded.
        section: What is trained, and how.
        machine: Where.
        class_weights: `none`, `balanced`, or a weight for each class by name.
        observe: Called after every epoch.
        checkpoints: Where to keep checkpoints, or None to keep none.
        resume_from: Where to go on; None to begin.
        name_rows: Names rows by their position in `prepared`, for messages.
        should_stop: Asked often; True saves a checkpoint and interrupts.

    Raises:
        ConfigError: A class weight names no class of the train part.
        TrainingError: The loss is not finite.
        CheckpointError: A checkpoint could not be saved, or is of another network.
        KeyboardInterrupt: `should_stop` said so.
    """
    rows = np.flatnonzero(prepared.part == TRAIN)
    weights = weigh_classes(class_weights, prepared, rows)
    with arithmetic(machine):
        trainer = build_trainer(prepared, section, machine, weights)
        trainer.observe, trainer.checkpoints = observe, checkpoints
        if name_rows is not None:
            trainer.name_rows = lambda taken: name_rows(rows[taken])
        if should_stop is not None:
            trainer.should_stop = should_stop
        if resume_from is not None:
            trainer.restore(resume_from)
        trained = trainer.fit()
    kept = build_network(trainer.network.spec, torch.device("cpu"))
    kept.flat.copy_(trained.flat)
    return Fitted(kept, trained, trainer.objective, weights)


def build_trainer(
    prepared: Prepared,
    section: SettledTraining,
    machine: Machine,
    class_weights: torch.Tensor | None,
) -> Trainer:
    """Return a trainer at its start: first weights drawn, rows loaded, nothing kept."""
    device = torch.device(machine.device)
    network = build_network(architecture(section, prepared), device)
    network.initialise(derived_seed(section.seed, "weights"))
    train = np.flatnonzero(prepared.part == TRAIN)
    return Trainer(
        network=network,
        objective=objective_for(prepared),
        train=load_part(prepared, train, class_weights, device, batch_size=section.batch_size),
        validation=_validation(prepared, class_weights, device),
        section=section,
        mixed_precision=machine.mixed_precision,
    )


@contextmanager
def arithmetic(machine: Machine) -> Iterator[None]:
    """Set the number of threads, and flush denormal numbers, which are slow, for a block."""
    threads, flushed = torch.get_num_threads(), _flushes_denormals()
    torch.set_num_threads(machine.threads)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(flushed)


def _flushes_denormals() -> bool:
    return (torch.full((), 1e-39) * 1.0).item() == 0


def objective_for(prepared: Prepared) -> Objective:
    """Return what is optimised for this target."""
    preprocessing = prepared.preprocessing
    if preprocessing.classes is not None:
        return Objective("classification")
    return Objective("regression", preprocessing.target_scale)


def _validation(
    prepared: Prepared, weights: torch.Tensor | None, device: torch.device
) -> Rows | None:
    rows = np.flatnonzero(prepared.part == VALIDATION)
    return load_part(prepared, rows, weights, device) if len(rows) else None


def weigh_classes(
    asked: ClassWeights, prepared: Prepared, rows: NDArray[np.int64]
) -> torch.Tensor | None:
    """Return the weight of each class, float32 (K,), or None for equal weights.

    Args:
        asked: `none`; `balanced`, rows / (classes x rows of the class), as scikit-learn's
            compute_class_weight; or weights by name, 1 for a class not named.
        prepared: All rows, encoded.
        rows: Positions of the train part.

    Raises:
        ConfigError: A name is no class of the train part, or a weight is negative or not finite.
    """
    classes = prepared.preprocessing.classes
    if asked == "none" or classes is None:
        return None
    if asked == "balanced":
        counts = np.bincount(prepared.target[rows], minlength=len(classes))
        return torch.from_numpy((len(rows) / (len(classes) * counts)).astype(np.float32))
    if isinstance(asked, str):
        raise ConfigError(f"training.class_weights must be none, balanced or weights, got {asked}")
    faults = [
        f"training.class_weights must name classes of the train part, got '{name}'"
        f"{nearest(name, classes)}"
        for name in asked
        if name not in classes
    ] + [
        f"training.class_weights.{name} must be finite and >= 0, got {weight:g}"
        for name, weight in asked.items()
        if not (np.isfinite(weight) and weight >= 0)
    ]
    if faults:
        raise ConfigError(faults)
    return torch.tensor([asked.get(name, 1.0) for name in classes])
