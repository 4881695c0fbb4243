"""Own what a sweep and its processes tell each other: one JSON object a line, never a pickle."""

from pathlib import Path
from typing import Literal

from iovalence.record import Record
from iovalence.stages.rows import RowStages


class Job(Record):
    """Say all that a process needs to train one configuration.

    Attributes:
        number: That of the configuration.
        config: The user's file as it was named; paths in it are relative to its folder.
        text: A copy of it, byte for byte: the file may change while the sweep runs.
        overrides: Texts `KEY=VALUE` of `--set`.
        varied: Texts `KEY=VALUE` of this configuration, and of the rung.
        run_id: Its run, where that goes on from a checkpoint; None to begin.
        name: The run's name.
        sweep_id: The sweep's id.
        flow_run_id: Prefect's id, or None.
        stages: What was done before.
    """

    number: int
    config: Path
    text: Path
    overrides: tuple[str, ...]
    varied: tuple[str, ...]
    run_id: str | None = None
    name: str
    sweep_id: str
    flow_run_id: str | None
    stages: RowStages


class Group(Record):
    """Hold configurations that one process trains: one after the other."""

    jobs: tuple[Job, ...]


class Event(Record):
    """Tell what became of a configuration.

    Attributes:
        kind: `started` with its run, `epoch` after each one, `ended` well or not, `died` when the
            process under it ended without a word, before it is tried again.
        number: That of the configuration.
        run_id: Its run, once there is one.
        epoch: Epochs that were finished.
        failure: One line for each fault that ended it.
        failure_status: The exit status that means; None where it ended well.
    """

    kind: Literal["started", "epoch", "ended", "died"]
    number: int
    run_id: str | None = None
    epoch: int = 0
    failure: tuple[str, ...] = ()
    failure_status: int | None = None
