"""Own the checkpoints of a run: one file each, whole or not there, checked when read.

A file is safetensors; its metadata holds the state as JSON and a checksum over both. No pickle is
written or read. The vectors are in the order of `NetworkSpec.shapes`.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from iovalence.atomic import write_bytes
from iovalence.errors import CheckpointError, StorageError
from iovalence.models.architecture import NetworkSpec
from iovalence.record import Record
from iovalence.training.schedule import Progress

if TYPE_CHECKING:
    from iovalence.training.trainer import Trainer

FORMAT = 1
SUFFIX = ".safetensors"


class CheckpointState(Record):
    """Hold what a checkpoint knows besides its tensors.

    Attributes:
        format: Version of this layout.
        epoch: Epochs that were finished.
        step: Steps that were taken.
        seed: Seed of the run, from which all order and dropout follow.
        progress: How the watched loss has gone.
        spec: What the network looks like.
    """

    format: int = FORMAT
    epoch: int
    step: int
    seed: int
    progress: Progress
    spec: NetworkSpec


@dataclass(frozen=True)
class Checkpoint:
    """Hold a checkpoint that was read: its state, and `parameters`, `best`, `optimizer.*`."""

    state: CheckpointState
    tensors: dict[str, Tensor]


@dataclass(frozen=True)
class Checkpoints:
    """Keep the checkpoints of a run in one folder: best, last, and the newest of the interval.

    Attributes:
        folder: Where they are.
        keep: How many of the interval are kept.
    """

    folder: Path
    keep: int

    def save(self, trainer: "Trainer", epoch: int, *, due: bool, is_last: bool) -> None:
        """Save the trainer after `epoch`; `due` by the interval, `is_last` at the end.

        Raises:
            CheckpointError: It could not be written; those before it are as they were.
        """
        state = CheckpointState(
            epoch=epoch,
            step=epoch * trainer.num_steps,
            seed=trainer.section.seed,
            progress=trainer.progress,
            spec=trainer.network.spec,
        )
        now = {"parameters": trainer.network.flat, "best": trainer.best}
        now |= {f"optimizer.{name}": value for name, value in trainer.optimizer.state.items()}
        names = [f"epoch-{epoch:05d}"] * due + ["last"] * is_last
        for name in names:
            write_checkpoint(self.folder / f"{name}{SUFFIX}", state, now)
        if is_last:
            best = state.model_copy(update={"epoch": trainer.progress.best_epoch})
            write_checkpoint(self.folder / f"best{SUFFIX}", best, {"parameters": trainer.best})
        self._prune()

    def _prune(self) -> None:
        for path in sorted(self.folder.glob(f"epoch-*{SUFFIX}"))[: -self.keep]:
            path.unlink(missing_ok=True)


def write_checkpoint(path: Path, state: CheckpointState, tensors: dict[str, Tensor]) -> None:
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
    text = metadata.get("iovalence", "")
    if metadata.get("sha256") != _checksum(text, tensors):
        raise CheckpointError(f"a checkpoint must match its checksum, but was altered ({path})")
    found = json.loads(text).get("format")
    if found != FORMAT:
        raise CheckpointError(f"a checkpoint must be of format {FORMAT}, got {found} ({path})")
    return Checkpoint(CheckpointState.model_validate_json(text), tensors)


def _checksum(text: str, tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(text.encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name}{value.dtype}{tuple(value.shape)}".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()
