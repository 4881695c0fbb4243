"""Own how many processes of a sweep pay on this machine."""

import os
from collections.abc import Sequence
from pathlib import Path

import psutil

from iovalence.config.load import LoadedConfig
from iovalence.data.prepared import load_prepared
from iovalence.evaluation.wording import format_many
from iovalence.runs.sweep import Workers
from iovalence.stages.rows import RowStages
from iovalence.training.settling import plan

IMPORTS_BYTES = 500 * 2**20
"""What a process holds before it has any data: torch, pandas, scikit-learn."""
TABLES_HELD = 3
"""How many times a process holds the encoded table at most: rows, one epoch's order, outputs."""
CGROUP = Path("/sys/fs/cgroup")


def plan_workers(asked: str | int, planned: Sequence[tuple[LoadedConfig, RowStages]]) -> Workers:
    """Return how many processes train these configurations, and why so many.

    Args:
        asked: A number, or `auto`.
        planned: Each configuration with what was done before its training.
    """
    tables = {stages.prepared.folder for _, stages in planned}
    prepared = {folder: load_prepared(folder) for folder in tables}
    plans = [
        plan(loaded.config.training, loaded.config.run.threads, prepared[stages.prepared.folder])
        for loaded, stages in planned
    ]
    largest = max(_size(folder) for folder in tables)
    return choose_workers(
        asked,
        num_configurations=len(planned),
        device=plans[0].machine.device,
        threads=max(planned.machine.threads for planned in plans),
        cores=num_cores(),
        fitting=max(1, free_memory() // (IMPORTS_BYTES + TABLES_HELD * largest)),
    )


def choose_workers(
    asked: str | int,
    *,
    num_configurations: int,
    device: str,
    threads: int,
    cores: int,
    fitting: int,
) -> Workers:
    """Return how many processes train, and why so many.

    Args:
        asked: A number, or `auto`.
        num_configurations: How many there are to train.
        device: Where: processes at one GPU would wait for each other.
        threads: Those of one training.
        cores: That this process may use.
        fitting: How many processes the free memory holds.
    """
    if asked != "auto":
        number = min(int(asked), num_configurations)
        return Workers(number=number, reason=f"run.workers is {asked}")
    if device != "cpu":
        return Workers(number=1, reason=f"trainings at one {device} device wait for each other")
    limits = {
        f"{cores} cores, {threads} thread{'s' * (threads > 1)} a training": max(
            1, cores // threads
        ),
        f"free memory holds {fitting}": fitting,
        format_many(num_configurations, "configuration"): num_configurations,
    }
    reason = min(limits, key=lambda limit: limits[limit])
    return Workers(number=limits[reason], reason=reason)


def num_cores() -> int:
    """Return the cores that this process may use, a container's share of them included."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota, _, period = _read(CGROUP / "cpu.max").partition(" ")
    if quota.isdigit() and period.strip().isdigit():
        return max(1, min(cores or 1, int(quota) // int(period)))
    return cores or 1


def free_memory() -> int:
    """Return the bytes that can be taken without swapping, a container's limit included."""
    free = int(psutil.virtual_memory().available)
    limit, used = _read(CGROUP / "memory.max").strip(), _read(CGROUP / "memory.current").strip()
    if limit.isdigit() and used.isdigit():
        return max(0, min(free, int(limit) - int(used)))
    return free


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
