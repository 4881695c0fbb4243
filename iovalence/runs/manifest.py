"""Own the manifest: what made a run, what it is made of, and how it ended."""

import hashlib
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from iovalence.record import Record
from iovalence.runs.choices import Choice

MAX_THREADS = 1024
Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]


class Process(Record):
    """Name the process that a run lives in, so that its death is noticed.

    Attributes:
        host: Name of its machine.
        pid: Its number there.
        started: Its start in seconds since 1970: numbers are given again.
    """

    host: str
    pid: int
    started: float

    @classmethod
    def this(cls) -> "Process":
        """Return the process that asks."""
        import psutil

        started = psutil.Process().create_time()
        return cls(host=platform.node(), pid=os.getpid(), started=started)

    def is_dead(self) -> bool:
        """Say whether the process is known to have ended; on another machine nothing is known."""
        import psutil

        if self.host != platform.node():
            return False
        try:
            return bool(abs(psutil.Process(self.pid).create_time() - self.started) > 1)
        except psutil.NoSuchProcess:
            return True


class StageCost(Record):
    """Say what one stage of a run cost.

    Attributes:
        seconds: Its time.
        reused: Whether its result was there already.
        key: Hash of all that went in; empty for stages that are done anew in each run.
    """

    seconds: float
    reused: bool = False
    key: str = ""


class Manifest(Record):
    """Record one run.

    Attributes:
        run_id: As in `20261122-141500-4f2a`: UTC, and sorts by time.
        run_name: A name people remember, or None.
        experiment: Runs of one experiment are compared.
        status: RUNNING until it ends.
        failure: One line for each fault that ended it.
        started_at: ISO 8601, UTC.
        ended_at: Likewise; None while it runs.
        seconds: How long it ran, from its start to its end without the pauses between.
        seconds_before: How long it had run when it was last taken up.
        taken_up_at: When that was, ISO 8601, UTC; None for a run that was never taken up.
        process: Where it runs.
        iovalence_version: Version of this package.
        versions: Of Python and packages.
        git_commit: Of the user's repository around the configuration.
        hardware: What the result or the speed can depend on.
        device: Where it was trained.
        threads: Threads of the arithmetic.
        mixed_precision: Whether products were taken in bfloat16.
        seed: Decides every random choice.
        config_path: The configuration's file as it was, absolute; paths in it are relative to
            its folder.
        config_hash: SHA-256 of what decides the result.
        data_hash: SHA-256 over the hashes of all files that were read.
        review_hash: SHA-256 of the review file that was applied, or None.
        flow_run_id: Prefect's id.
        sweep_id: The sweep that it is one configuration of, or None.
        advised_for: The run whose advice it tries, or None.
        is_chosen: Whether that sweep chose it; the others never see the test part.
        compared_with: The last accepted run, which its table was compared with; None for none.
        resumed: When it was taken up again, each time: ISO 8601, UTC.
        choices: What was taken for the keys that are `auto`, as `training.learning_rate`, and why.
        stages: What each stage cost, in order.
        files: SHA-256 of every file of the run but this one.
        pruned: SHA-256 of every file that `iovalence gc` removed from it since.
        comments: The user's own words.
    """

    run_id: str
    run_name: str | None
    experiment: str
    status: Status = "RUNNING"
    failure: tuple[str, ...] = ()
    started_at: str
    ended_at: str | None = None
    seconds: float | None = None
    seconds_before: float = 0.0
    taken_up_at: str | None = None
    process: Process
    iovalence_version: str
    versions: dict[str, str]
    git_commit: str | None
    hardware: dict[str, str]
    device: Literal["cpu", "cuda", "mps"] | None = None
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] | None = None
    mixed_precision: bool | None = None
    seed: int
    config_path: str | None = None
    config_hash: str
    data_hash: str
    review_hash: str | None = None
    flow_run_id: str | None = None
    sweep_id: str | None = None
    advised_for: str | None = None
    is_chosen: bool = False
    compared_with: str | None = None
    resumed: tuple[str, ...] = ()
    choices: dict[str, Choice] = Field(default_factory=dict)
    stages: dict[str, StageCost] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)
    pruned: dict[str, str] = Field(default_factory=dict)
    comments: str | dict[str, str] | None = None

    @property
    def is_candidate(self) -> bool:
        """Return whether it is one of several that are compared: the test part is not its own."""
        in_sweep = self.sweep_id is not None and not self.is_chosen
        return in_sweep or self.advised_for is not None

    def seconds_until(self, time: str) -> float:
        """Return how long it had run at a time, ISO 8601, without the pauses between."""
        began = self.taken_up_at or self.started_at
        return self.seconds_before + max(to_ms(time) - to_ms(began), 0) / 1000

    def state(self) -> str:
        """Return the status, or `DIED` for a run whose process ended without a word."""
        died = self.status == "RUNNING" and self.process.is_dead()
        return "DIED" if died else self.status


def now() -> str:
    """Return the time in UTC as ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def to_ms(time: str) -> int:
    """Return an ISO 8601 time as milliseconds since 1970."""
    return round(datetime.fromisoformat(time).timestamp() * 1000)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
