"""Own showing a run in MLflow while it trains: a process beside it that sends what is new.

A process and not a thread: the import of MLflow alone would hold up a training for seconds, and
costs none of its time here. It waits for its input, and ends when that ends: with the training,
however that ended.
"""

import contextlib
import selectors
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from iovalence.errors import IOValenceError, TrackingError
from iovalence.record import Record
from iovalence.runs.folder import RunFolder
from iovalence.tracking.model import import_pyfunc
from iovalence.tracking.publish import Published, publish_to
from iovalence.tracking.record import Target
from iovalence.tracking.store import open_store

INTERVAL_S = 5.0
MAX_INTERVAL_S = 60.0
# What is cut off is sent another time: the training's end does not wait for it.
STOP_S = 2.0
# The process watches its own limit; where it does not answer even then, it is given up.
GRACE_S = 30.0


class Request(Record):
    """Ask the process beside the training.

    Attributes:
        target: Where the run is shown.
        final: Send the result and the end too, answer, and end.
        limit_s: As of `publish`.
    """

    target: Target
    final: bool = False
    limit_s: float | None = None


class Answer(Record):
    """Say what came of the final request: one of the two."""

    published: Published | None = None
    faults: tuple[str, ...] = ()


class LivePublisher:
    """Show a run while it trains, and whole at its end; a failure never reaches the training.

    Args:
        run: The run.
        target: Where it is shown.
        interval_s: Seconds between two times; twice as long after each failure, up to a minute.
    """

    def __init__(self, run: RunFolder, target: Target, interval_s: float = INTERVAL_S) -> None:
        self._run = run
        self._target = target
        self._interval_s = interval_s
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Begin to publish."""
        command = [sys.executable, "-P", "-m", __name__, str(self._run.root), str(self._interval_s)]
        # Its faults come back as an answer; where it fails otherwise, this process publishes.
        with contextlib.suppress(OSError):
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            self._ask(self._process, Request(target=self._target))

    def publish(self, target: Target, limit_s: float | None = None) -> Published:
        """Publish the run, which has ended, and publish no more.

        Args:
            target: Where it is shown, as known at the end.
            limit_s: Seconds after which the rest is left for another time; None to send all.

        Raises:
            TrackingError: MLflow could not take all of it.
        """
        answer = self._finish(Request(target=target, final=True, limit_s=limit_s))
        if answer is None:
            # The process is gone, or was never there: then this one does it.
            return publish_to(self._run, target, final=True, limit_s=limit_s)
        if answer.published is None:
            raise TrackingError(answer.faults)
        return answer.published

    def _finish(self, request: Request) -> Answer | None:
        process, self._process = self._process, None
        if process is None:
            return None
        limit_s = None if request.limit_s is None else request.limit_s + GRACE_S
        try:
            said, _ = process.communicate(_line(request), timeout=limit_s)
        except subprocess.TimeoutExpired as err:
            _end(process)
            raise TrackingError(
                f"MLflow must take the run within {limit_s:g} s, got no answer; the run's folder "
                "is whole without it, and `iovalence sync` sends it later"
            ) from err
        return Answer.model_validate_json(said) if process.returncode == 0 and said else None

    def _ask(self, process: subprocess.Popen[str], request: Request) -> None:
        if process.stdin is not None:
            process.stdin.write(_line(request))
            process.stdin.flush()

    def stop(self, timeout_s: float = STOP_S) -> None:
        """Publish no more.

        Args:
            timeout_s: How long to wait for what is being sent.
        """
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            _end(process)

    def __enter__(self) -> Self:
        """Begin to publish."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        err: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Publish no more."""
        self.stop()


def _line(request: Request) -> str:
    return request.model_dump_json() + "\n"


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def serve(run: RunFolder, interval_s: float) -> None:
    """Publish a run every `interval_s` seconds until the input ends or asks for the end."""
    wait_s = interval_s
    with contextlib.suppress(EOFError):
        request = _read(None)
        if request is None:
            raise EOFError
        _warm_up(run, request.target)
        while (asked := _read(wait_s)) is None:
            wait_s = interval_s if _publish(run, request.target) else _longer(wait_s)
        print(_publish_end(run, asked).model_dump_json())  # noqa: T201 - the answer


def _read(timeout_s: float | None) -> Request | None:
    """Return the next request, or None where none came in this time; EOFError at the end."""
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        if not selector.select(timeout_s):
            return None
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return Request.model_validate_json(line)


def _warm_up(run: RunFolder, target: Target) -> None:
    """Do beforehand what takes time and needs nothing of the run."""
    with contextlib.suppress(IOValenceError):
        open_store(target.uri, run.root.parents[1])
    import_pyfunc()


def _publish(run: RunFolder, target: Target) -> bool:
    try:
        publish_to(run, target, final=False)
    except IOValenceError:
        # It is told where it lasts until the end.
        return False
    return True


def _longer(wait_s: float) -> float:
    return min(2 * wait_s, MAX_INTERVAL_S)


def _publish_end(run: RunFolder, asked: Request) -> Answer:
    try:
        published = publish_to(run, asked.target, final=True, limit_s=asked.limit_s)
    except IOValenceError as err:
        return Answer(faults=err.faults)
    return Answer(published=published)


def main() -> None:
    """Serve the training that started this process."""
    # An interrupt is for the training: this process ends when its input does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(RunFolder(Path(sys.argv[1])), float(sys.argv[2]))


if __name__ == "__main__":
    main()
