"""Own showing a run in MLflow while it trains: a thread that sends what the journal has more."""

import threading
from types import TracebackType
from typing import Self

from iovalence.errors import IOValenceError
from iovalence.runs.folder import RunFolder
from iovalence.tracking.publish import publish_to
from iovalence.tracking.record import Target

INTERVAL_S = 5.0
MAX_INTERVAL_S = 60.0
STOP_S = 10.0


class LivePublisher:
    """Publish a run every few seconds; a failure is kept, and never reaches the training.

    The first time is one interval after the start: a short run is published at its end alone,
    and does not share its processor with the import of MLflow.

    Args:
        run: The run.
        target: Where it is shown.
        interval_s: Seconds between two times; twice as long after each failure, up to a minute.
    """

    def __init__(self, run: RunFolder, target: Target, interval_s: float = INTERVAL_S) -> None:
        self._run = run
        self._target = target
        self._interval_s = interval_s
        self._stopped = threading.Event()
        # A daemon: a server that never answers does not keep the process from ending.
        self._thread = threading.Thread(target=self._publish, name="live-publisher", daemon=True)
        self.failure: str | None = None

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    def stop(self, timeout_s: float = STOP_S) -> str | None:
        """Publish no more, and return the first failure, if any.

        Args:
            timeout_s: How long to wait for what is being sent.
        """
        self._stopped.set()
        self._thread.join(timeout_s)
        return self.failure

    def _publish(self) -> None:
        wait_s = self._interval_s
        while not self._stopped.wait(wait_s):
            try:
                publish_to(self._run, self._target, final=False)
                wait_s = self._interval_s
            except IOValenceError as err:
                self.failure = self.failure or err.faults[0]
                wait_s = min(2 * wait_s, MAX_INTERVAL_S)

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
