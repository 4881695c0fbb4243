"""Own the processes of a sweep: how they are started, fed, replaced when they die, and ended."""

import contextlib
import queue
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from iovalence.errors import ExitStatus, WorkerError
from iovalence.sweeps.messages import Event, Group, Job

MAX_ATTEMPTS = 3
STOP_SECONDS = 20


@dataclass(eq=False)
class _Worker:
    """Hold one process and what it has still to do."""

    process: "subprocess.Popen[str]"
    listener: threading.Thread = field(default_factory=threading.Thread)
    jobs: tuple[Job, ...] = ()
    begun: set[int] = field(default_factory=set)


class WorkerPool:
    """Train groups of configurations in processes that stay from one group to the next.

    A process that dies loses what it was at: that is given to a new one, each by itself,
    `MAX_ATTEMPTS` times in all.

    Args:
        number: Processes.
        log: File that takes what they print.
    """

    def __init__(self, number: int, log: Path) -> None:
        self._number = number
        self._log = log
        self._workers: list[_Worker] = []
        self._said: queue.SimpleQueue[tuple[_Worker, Event | None]] = queue.SimpleQueue()
        self._attempts: Counter[int] = Counter()
        self._has_lived = False

    def __enter__(self) -> Self:
        """Start no process before there is something to do."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        err: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the processes; what is being trained is closed as KILLED."""
        try:
            for worker in self._workers:
                worker.process.terminate()
            for worker in self._workers:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    worker.process.wait(STOP_SECONDS)
        finally:
            for worker in self._workers:
                worker.process.kill()
                worker.process.wait()
                _close(worker)

    def run(self, groups: Sequence[Group]) -> Iterator[Event]:
        """Train the groups, and yield what becomes of each configuration as it is told.

        Raises:
            WorkerError: The processes cannot be started.
        """
        waiting = deque(groups)
        missing = min(self._number, len(waiting)) - len(self._workers)
        self._workers += [self._start() for _ in range(missing)]
        for worker in self._workers:
            self._feed(worker, waiting)
        while any(worker.jobs for worker in self._workers):
            worker, event = self._said.get()
            if event is None:
                yield from self._replace(worker, waiting)
                continue
            self._has_lived = True
            worker.begun.add(event.number)
            if event.kind == "ended":
                worker.jobs = tuple(job for job in worker.jobs if job.number != event.number)
                self._feed(worker, waiting)
            yield event

    def _start(self) -> _Worker:
        # -P: a folder `iovalence` of the user's is not for it. A session of its own: Ctrl-C goes
        # to the sweep, which ends its processes and writes down how they ended.
        command = [sys.executable, "-P", "-m", "iovalence.sweeps.worker"]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
        worker = _Worker(process)
        worker.listener = threading.Thread(target=self._listen, args=(worker,), daemon=True)
        worker.listener.start()
        return worker

    def _listen(self, worker: _Worker) -> None:
        """Pass on what a process says, and None when it has ended or what it says is no event."""
        with contextlib.suppress(ValidationError, ValueError):
            for line in worker.process.stdout or ():
                self._said.put((worker, Event.model_validate_json(line)))
        self._said.put((worker, None))

    def _feed(self, worker: _Worker, waiting: "deque[Group]") -> None:
        if worker.jobs or not waiting or worker.process.stdin is None:
            return
        group = waiting.popleft()
        worker.jobs, worker.begun = group.jobs, set()
        # Where it has died, its listener will tell.
        with contextlib.suppress(BrokenPipeError):
            worker.process.stdin.write(group.model_dump_json() + "\n")
            worker.process.stdin.flush()

    def _replace(self, worker: _Worker, waiting: "deque[Group]") -> Iterator[Event]:
        """Put another process in the place of one that died, and try again what that was at."""
        worker.process.kill()
        word = _word(worker.process.wait())
        _close(worker)
        fresh = self._start()
        self._workers[self._workers.index(worker)] = fresh
        lost = [job for job in worker.jobs if job.number in worker.begun] or worker.jobs[:1]
        for job in worker.jobs:
            if job not in lost:
                waiting.appendleft(Group(jobs=(job,)))
        for job in lost:
            yield Event(kind="died", number=job.number, failure=(f"its process ended {word}",))
            yield from self._try_again(job, word, waiting)
        self._feed(fresh, waiting)

    def _try_again(self, job: Job, word: str, waiting: "deque[Group]") -> Iterator[Event]:
        self._attempts[job.number] += 1
        if self._attempts[job.number] < MAX_ATTEMPTS:
            waiting.appendleft(Group(jobs=(job,)))
            return
        fault = (
            f"the process that trains it must live, but it ended {word}, {MAX_ATTEMPTS} times; "
            f"{self._log} has what it said"
        )
        if not self._has_lived:
            raise WorkerError(fault)
        status = int(ExitStatus.OUTSIDE)
        yield Event(kind="ended", number=job.number, failure=(fault,), failure_status=status)


def _close(worker: _Worker) -> None:
    """Close the ends of the pipes of a process that has ended."""
    worker.listener.join()
    for pipe in (worker.process.stdin, worker.process.stdout):
        # What it did not read any more is lost with it.
        with contextlib.suppress(BrokenPipeError):
            if pipe is not None:
                pipe.close()


def _word(status: int) -> str:
    return f"by signal {-status}" if status < 0 else f"with status {status}"
