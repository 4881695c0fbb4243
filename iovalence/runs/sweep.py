"""Own the record of a sweep: its space, each configuration's state and run, and the ranking.

Each configuration is a run of its own, with a folder as any other; a sweep's folder says which
runs belong together and how they compare.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field

from iovalence.errors import IOValenceError
from iovalence.record import Record
from iovalence.runs.folder import make_folder
from iovalence.runs.manifest import Process, Status, now

State = Literal["WAITING", "RUNNING", "FINISHED", "FAILED", "KILLED"]


class Configuration(Record):
    """Record one configuration of a sweep.

    Attributes:
        number: From 1.
        values: What it has for each varied key, as YAML.
        config_hash: SHA-256 of what in it decides the result.
        state: WAITING until its turn; KILLED when the sweep was interrupted in its middle.
        run_id: Its newest run, or None before it begins.
        metrics: Figures of the validation part by full name, once it has finished.
        rungs: The deciding figure after each time that it was trained: more than one where the
            best of a rung of successive halving go on.
        num_epochs: Epochs it was trained for.
        seconds: From the start of its run to its end.
        failure: One line for each fault that ended it.
        failure_status: The exit status that means.
    """

    number: int
    values: dict[str, str]
    config_hash: str
    state: State = "WAITING"
    run_id: str | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    rungs: tuple[float, ...] = ()
    num_epochs: int | None = None
    seconds: float | None = None
    failure: tuple[str, ...] = ()
    failure_status: int | None = None


class Workers(Record):
    """Say how many processes train, and why so many."""

    number: int
    reason: str


class SweepRecord(Record):
    """Record one sweep.

    Attributes:
        sweep_id: As a run's id: UTC, and sorts by time.
        key: SHA-256 of all that decides it: configuration, data, space; a sweep with the same
            key may go on where this one ended.
        experiment: That of its runs.
        config: The file as it was named.
        space: For each varied key, what was given.
        method: How the configurations come from the space.
        by: Figure of the validation part that decides the order.
        workers: Processes, and why so many.
        configurations: In the order of their numbers.
        ranking: Their numbers, the best first, as far as they are known.
        best: Number of the one whose model was measured on the test part; None before.
        status: RUNNING until it ends.
        failure: One line for each fault that ended it.
        started_at: ISO 8601, UTC.
        ended_at: Likewise; None while it runs.
        seconds: From its start to its end, the time between two attempts included.
        process: Where it runs.
        flow_run_id: Prefect's id.
    """

    sweep_id: str
    key: str
    experiment: str
    config: str
    space: dict[str, str]
    method: str
    by: str
    workers: Workers
    configurations: tuple[Configuration, ...]
    ranking: tuple[int, ...] = ()
    best: int | None = None
    status: Status = "RUNNING"
    failure: tuple[str, ...] = ()
    started_at: str
    ended_at: str | None = None
    seconds: float | None = None
    process: Process
    flow_run_id: str | None = None

    def configuration(self, number: int) -> Configuration:
        """Return the configuration of a number."""
        return self.configurations[number - 1]

    def changed(self, number: int, **changes: object) -> "SweepRecord":
        """Return the record with these fields of one configuration changed."""
        configurations = list(self.configurations)
        configurations[number - 1] = configurations[number - 1].model_copy(update=changes)
        return self.model_copy(update={"configurations": tuple(configurations)})

    def state(self) -> str:
        """Return the status, or `DIED` for a sweep whose process ended without a word."""
        died = self.status == "RUNNING" and self.process.is_dead()
        return "DIED" if died else self.status


@dataclass(frozen=True)
class SweepFolder:
    """Name the files of one sweep.

    Attributes:
        root: The sweep's folder; its name is the sweep's id.
    """

    root: Path

    @property
    def sweep_id(self) -> str:
        """Return the sweep's id."""
        return self.root.name

    @property
    def workspace(self) -> Path:
        """Return the workspace that it belongs to."""
        return self.root.parents[1]

    @property
    def record_path(self) -> Path:
        """What is varied, and how each configuration went."""
        return self.root / "sweep.json"

    @property
    def config(self) -> Path:
        """The user's file, byte for byte."""
        return self.root / "config.yaml"

    @property
    def config_resolved(self) -> Path:
        """The configuration that nothing was varied in, with every default and override."""
        return self.root / "config.resolved.yaml"

    @property
    def workers_log(self) -> Path:
        """What the processes printed."""
        return self.root / "workers.log"

    @property
    def tracking(self) -> Path:
        """How far MLflow has been told."""
        return self.root / "tracking.json"

    @property
    def tracking_lock(self) -> Path:
        """Whose lock is held by who tells MLflow of the sweep."""
        return self.root / ".tracking.lock"

    def record(self) -> SweepRecord:
        """Read the record."""
        return SweepRecord.load(self.record_path)

    def update(self, **changes: object) -> SweepRecord:
        """Write the record with these fields changed, and return it."""
        record = self.record().model_copy(update=changes)
        record.save(self.record_path)
        return record

    def close(self, status: Status, failure: tuple[str, ...] = ()) -> SweepRecord:
        """Note how the sweep ended."""
        ended = now()
        started = datetime.fromisoformat(self.record().started_at)
        seconds = (datetime.fromisoformat(ended) - started).total_seconds()
        return self.update(status=status, failure=failure, ended_at=ended, seconds=seconds)


def sweeps_folder(workspace: Path) -> Path:
    """Return the folder of all sweeps of a workspace."""
    return workspace / "sweeps"


def create_sweep(workspace: Path) -> SweepFolder:
    """Make the folder of a new sweep, under an id that no other sweep has.

    Raises:
        StorageError: The workspace cannot be written to.
    """
    return SweepFolder(make_folder(workspace, sweeps_folder(workspace)))


def list_sweeps(workspace: Path) -> tuple[SweepFolder, ...]:
    """Return all sweeps of a workspace, the newest first."""
    found = sweeps_folder(workspace).glob("*/sweep.json")
    return tuple(SweepFolder(path.parent) for path in sorted(found, reverse=True))


@contextmanager
def ending_sweep(sweep: SweepFolder) -> Iterator[None]:
    """Close the sweep when the block fails: FAILED with its faults, KILLED when interrupted."""
    try:
        yield
    except Exception as err:
        faults = (
            err.faults if isinstance(err, IOValenceError) else (f"{type(err).__name__}: {err}",)
        )
        sweep.close("FAILED", faults)
        raise
    except BaseException:
        sweep.close("KILLED", ("interrupted",))
        raise
