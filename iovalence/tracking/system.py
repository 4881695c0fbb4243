"""Own how loaded the machine is while a run trains: sampled into a file of the run, for MLflow.

A file, not MLflow's own sampler: that one sends each sample at once, and what a server misses
while it is away is lost. The names are MLflow's, so that its page shows them under System metrics.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from iovalence.errors import StorageError
from iovalence.runs.folder import RunFolder
from iovalence.runs.journal import Journal, read_journal

INTERVAL_S = 10.0
_MEGABYTE = 1_000_000


@contextmanager
def sampling(run: RunFolder, interval_s: float = INTERVAL_S) -> Iterator[None]:
    """Sample the machine's load while the block runs, and once at its end.

    Args:
        run: Where to.
        interval_s: Seconds between two samples.
    """
    stopped = threading.Event()
    sampler = _Sampler(run)
    thread = threading.Thread(
        target=sampler.sample_until, args=(stopped, interval_s), name="system-sampler", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


class _Sampler:
    """Sample the load of the machine and of this process.

    Args:
        run: Where to; a run that goes on has its samples numbered on.
    """

    def __init__(self, run: RunFolder) -> None:
        import psutil

        self._journal = Journal(run.system)
        self._process = psutil.Process()
        lines, _ = read_journal(run.system)
        self._number = max((line.get("step", 0) for line in lines), default=0)
        # The first figure of a share of time is of the time until then.
        psutil.cpu_percent()
        self._process.cpu_percent()

    def sample_until(self, stopped: threading.Event, interval_s: float) -> None:
        """Sample again and again; a full disk ends the samples, and not the training."""
        with suppress(StorageError):
            while not stopped.wait(interval_s):
                self._sample()
            self._sample()

    def _sample(self) -> None:
        self._number += 1
        figures = self._read_machine() | _read_gpu()
        self._journal.metrics(figures, epoch=self._number, step=self._number)

    def _read_machine(self) -> dict[str, float]:
        import psutil

        memory = psutil.virtual_memory()
        return {
            "system/cpu_utilization_percentage": psutil.cpu_percent(),
            "system/system_memory_usage_megabytes": memory.used / _MEGABYTE,
            "system/system_memory_usage_percentage": memory.percent,
            "system/process_cpu_utilization_percentage": self._process.cpu_percent(),
            "system/process_memory_usage_megabytes": self._process.memory_info().rss / _MEGABYTE,
        }


def _read_gpu() -> dict[str, float]:
    """Return the load of the first GPU; empty without one."""
    import torch

    # Not initialised: the run does not use it, and to ask would take memory of it.
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return {}
    free, total = torch.cuda.mem_get_info()
    figures = {
        "system/gpu_0_memory_usage_megabytes": (total - free) / _MEGABYTE,
        "system/gpu_0_memory_usage_percentage": 100 * (total - free) / total,
    }
    with suppress(ModuleNotFoundError):  # of the extra [gpu]
        figures["system/gpu_0_utilization_percentage"] = float(torch.cuda.utilization())
    return figures
