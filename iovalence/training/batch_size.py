"""Own the number of rows of one step, where it is left to the program.

Nothing is timed and nothing tried: the same device, memory class and table give the same number.
"""

from pathlib import Path

import torch

from iovalence.runs.choices import Choice

LITTLE_MEMORY = 2 * 2**30
ENOUGH_STEPS = 200
_GPU, _CPU, _LITTLE = (128, 256), (32, 128), (32, 64)
_LIMIT = Path("/sys/fs/cgroup")


def choose_batch_size(device: str, num_rows: int, free_memory: int) -> Choice:
    """Return a number of rows for one step, and why.

    The device and its memory give a range: 128 to 256 on a GPU, 32 to 128 on a CPU, 32 to 64 with
    less than 2 GiB free. Within it, the largest power of two is taken that leaves 200 steps to an
    epoch, or else the smallest: only a table with many rows can use larger batches.

    Args:
        device: `cuda`, `mps` or `cpu`.
        num_rows: Rows of the train part.
        free_memory: Bytes that are free where the rows of a step are.

    Source: the sizes are those of the table that users read.
    """
    on_gpu = device != "cpu"
    if free_memory < LITTLE_MEMORY:
        (low, high), where = _LITTLE, f"with only {free_memory / 2**30:.1f} GiB free"
    else:
        (low, high), where = (_GPU, "on a GPU") if on_gpu else (_CPU, "on a CPU")
    size = low
    while size < high and num_rows >= 2 * size * ENOUGH_STEPS:
        size *= 2
    return Choice(value=size, reason=f"{low} to {high} {where}, {size} for {num_rows:,} rows")


def measure_free_memory(device: torch.device) -> int:
    """Return the bytes that are free on a device; of a container, what its limit leaves."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    available = int(psutil.virtual_memory().available)
    left = _left_in_container()
    return available if left is None else min(available, left)


def _left_in_container() -> int | None:
    try:
        limit, used = (int((_LIMIT / f"memory.{name}").read_text()) for name in ("max", "current"))
        stat = dict(line.split() for line in (_LIMIT / "memory.stat").read_text().splitlines())
        # Pages of files that nobody needs count as used until there is need of them.
        return limit - used + int(stat.get("inactive_file", 0))
    except (OSError, ValueError):
        # No control group of version 2, or one without a limit.
        return None
