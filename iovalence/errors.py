"""Own the errors that people see, and the exit status each one means.

Every message follows one grammar: what must hold, what was found, where, what to do.
"""

from collections.abc import Sequence
from enum import IntEnum


class ExitStatus(IntEnum):
    """Say how a command ended; the meanings are part of the contract with callers."""

    DONE = 0
    FAULT = 1
    INPUT = 2
    OUTSIDE = 3
    GATE = 4
    TRAINING = 5
    INTERRUPTED = 130


class IOValenceError(Exception):
    """Carry one line for each fault and the exit status that the command ends with.

    Args:
        faults: One line, or several lines, each a whole message without a line break.
    """

    status: ExitStatus = ExitStatus.FAULT

    def __init__(self, faults: str | Sequence[str]) -> None:
        # One argument only: OSError drops arguments after the second, and pickling replays `args`.
        super().__init__(faults)
        self.faults: tuple[str, ...] = (faults,) if isinstance(faults, str) else tuple(faults)

    def __str__(self) -> str:
        return "\n".join(self.faults)


class ConfigError(IOValenceError, ValueError):
    """The configuration, or an argument of the command, is wrong."""

    status = ExitStatus.INPUT


class DataError(IOValenceError, ValueError):
    """The data cannot be used as the configuration says."""

    status = ExitStatus.INPUT


class RunNotFoundError(IOValenceError, LookupError):
    """No run, or more than one, fits the name that was given."""

    status = ExitStatus.INPUT


class GateError(IOValenceError, RuntimeError):
    """A gate that the configuration sets was not met."""

    status = ExitStatus.GATE


class TrainingError(IOValenceError, ArithmeticError):
    """Training cannot go on: the loss is not finite.

    Attributes:
        step: Step whose loss it was, from 1; None where there is no such step.
        epoch: Its epoch.
    """

    status = ExitStatus.TRAINING
    step: int | None = None
    epoch: int | None = None


class StorageError(IOValenceError, OSError):
    """A file could not be written or read: disk full, no permission, damaged."""

    status = ExitStatus.OUTSIDE


class WorkerError(IOValenceError, ChildProcessError):
    """A process that the command needs ended without a word."""

    status = ExitStatus.OUTSIDE


class CheckpointError(StorageError):
    """A checkpoint could not be saved, or is torn or altered."""


class TrackingError(IOValenceError, ConnectionError):
    """The tracking server, or another server that the command needs, failed."""

    status = ExitStatus.OUTSIDE
