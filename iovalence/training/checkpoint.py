"""Own the checkpoints of a run: one file each, whole or not there, checked when read.

A file is safetensors; its metadata holds the state as JSON and a checksum over both. No pickle is
written or read. The vectors are laid out as `NetworkSpec.matrices` says.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from torch import Tensor

from iovalence.atomic import write_bytes
from iovalence.errors import CheckpointError, StorageError
from iovalence.models.architecture import Spec
from iovalence.models.build import AnyNetwork
from iovalence.record import Record
from iovalence.training.objective import NUM_SUMS
from iovalence.training.schedule import Progress
from iovalence.training.section import SettledTraining

FORMAT = 2
SUFFIX = ".safetensors"
BEST, LAST = f"best{SUFFIX}", f"last{SUFFIX}"


class Position(Record):
    """Say how far training has come.

    Attributes:
        epoch: Epochs that were finished.
        block: Blocks that were finished of the epoch after these.
        sums: What these blocks add to that epoch's figures, as `Objective.sums` gives it.
        progress: How the watched loss has gone.
    """

    epoch: int = 0
    block: int = 0
    sums: tuple[float, ...] = (0.0,) * NUM_SUMS
    progress: Progress = Progress()


class CheckpointState(Record):
    """Hold what a checkpoint knows besides its tensors.

    Attributes:
        format: Version of this layout.
        position: Where training stood.
        seed: Seed of the run, from which all order and dropout follow.
        spec: What the network looks like.
    """

    format: int = FORMAT
    position: Position
    seed: int
    spec: Spec


@dataclass(frozen=True)
class Checkpoint:
    """Hold a checkpoint that was read: its state, and `parameters`, `best`, `optimizer.*`."""

    state: CheckpointState
    tensors: dict[str, Tensor]
    path: Path

    def fitting(self, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors, where they have the names and shapes that are wanted.

        Raises:
            CheckpointError: They have not.
        """
        shapes = {name: tuple(value.shape) for name, value in wanted.items()}
        found = {name: tuple(value.shape) for name, value in self.tensors.items()}
        if found != shapes:
            raise CheckpointError(
                f"a checkpoint must hold {_list(shapes)}, got {_list(found)} ({self.path}); "
                "the network or the optimizer is another"
            )
        return self.tensors


def _list(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())


class Trains(Protocol):
    """What is saved: a trainer, as far as a checkpoint has to know it."""

    network: AnyNetwork
    section: SettledTraining
    position: Position
    best: Tensor

    def tensors(self) -> dict[str, Tensor]:
        """Return what a checkpoint holds besides the position, by name."""


@dataclass
class Checkpoints:
    """Keep the checkpoints of a run in one folder: best, last, and the newest of the interval.

    Attributes:
        folder: Where they are.
        keep: How many of the interval are kept.
        interval: Epochs between two.
        minutes: Minutes between two within long epochs, or None.
        before_saving: Called first: what a checkpoint counts as done has to be on the disk.
        clock: Gives the time in seconds.
    """

    folder: Path
    keep: int
    interval: int
    minutes: float | None = None
    before_saving: Callable[[], None] | None = None
    clock: Callable[[], float] = time.monotonic
    _saved_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._saved_at = self.clock()

    def after_epoch(self, trainer: Trains, *, is_last: bool) -> None:
        """Save what is due when an epoch has ended.

        Raises:
            CheckpointError: It could not be written; those before it are as they were.
        """
        epoch = trainer.position.epoch
        if epoch % self.interval == 0:
            self._save(trainer, f"epoch-{epoch:05d}{SUFFIX}")
            self._prune()
        if is_last:
            self._save(trainer, LAST)
            self._save_best(trainer)

    def after_block(self, trainer: Trains, *, stops: bool) -> None:
        """Save within an epoch, where it is time or training stops here.

        Raises:
            CheckpointError: As `after_epoch`.
        """
        waited_s = self.clock() - self._saved_at
        if stops or (self.minutes is not None and waited_s >= 60 * self.minutes):
            self._save(trainer, LAST)

    def newest(self, warn: Callable[[str], None]) -> Checkpoint | None:
        """Return the checkpoint to go on from: of those that are whole the one furthest on.

        What a killed process left half-written is removed.

        Args:
            warn: Told of each file that is torn, altered or of another format.
        """
        for path in self.folder.glob(".*.tmp"):
            path.unlink(missing_ok=True)
        whole = []
        for path in self._resumable():
            try:
                whole.append(read_checkpoint(path))
            except CheckpointError as err:
                warn(f"{err}; the one before it is used")
        return max(whole, key=_how_far, default=None)

    def _resumable(self) -> Iterator[Path]:
        yield from self.folder.glob(LAST)
        yield from sorted(self.folder.glob(f"epoch-*{SUFFIX}"), reverse=True)

    def _save(self, trainer: Trains, name: str) -> None:
        if self.before_saving is not None:
            self.before_saving()
        write_checkpoint(self.folder / name, _state(trainer), trainer.tensors())
        self._saved_at = self.clock()

    def _save_best(self, trainer: Trains) -> None:
        state = _state(trainer)
        position = state.position.model_copy(update={"epoch": state.position.progress.best_epoch})
        best = state.model_copy(update={"position": position})
        write_checkpoint(self.folder / BEST, best, {"parameters": trainer.best})

    def _prune(self) -> None:
        for path in sorted(self.folder.glob(f"epoch-*{SUFFIX}"))[: -self.keep]:
            path.unlink(missing_ok=True)


def _state(trainer: Trains) -> CheckpointState:
    seed, spec = trainer.section.seed, trainer.network.spec
    return CheckpointState(position=trainer.position, seed=seed, spec=spec)


def _how_far(checkpoint: Checkpoint) -> tuple[int, int]:
    return checkpoint.state.position.epoch, checkpoint.state.position.block


def write_checkpoint(path: Path, state: CheckpointState, tensors: Mapping[str, Tensor]) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        CheckpointError: The disk is full, or the folder cannot be written to.
    """
    from safetensors.torch import save

    copies = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    text = state.model_dump_json()
    metadata = {"iovalence": text, "sha256": _checksum(text, copies)}
    try:
        write_bytes(path, save(copies, metadata=metadata))
    except StorageError as err:
        raise CheckpointError(f"a checkpoint must be saved to go on: {err}") from err


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint and compare its checksum.

    Raises:
        CheckpointError: It is missing, torn, altered, or of another format.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, UnicodeDecodeError, json.JSONDecodeError) as err:
        raise CheckpointError(f"a checkpoint must be whole, got '{err}' ({path})") from err
    text = metadata.get("iovalence", "{}")
    if metadata.get("sha256") != _checksum(text, tensors):
        raise CheckpointError(f"a checkpoint must match its checksum, but was altered ({path})")
    found = json.loads(text).get("format")
    if found != FORMAT:
        raise CheckpointError(f"a checkpoint must be of format {FORMAT}, got {found} ({path})")
    return Checkpoint(CheckpointState.model_validate_json(text), tensors, path)


def _checksum(text: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(text.encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name}{value.dtype}{tuple(value.shape)}".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()
