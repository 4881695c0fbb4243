"""Own a process of a sweep: `python -m iovalence.sweeps.worker`.

It takes groups of configurations from standard input, one JSON object a line, and tells what
becomes of them on standard output. It imports once and trains one configuration after another.
When its input ends, so does it: what it is training then is closed as KILLED.
"""

import contextlib
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import TextIO

from iovalence.sweeps.messages import Event, Group


def main() -> None:
    """Train what comes, until the input ends or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    tell = _own_output()
    groups: queue.SimpleQueue[Group] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin, groups), daemon=True).start()
    try:
        serve(groups, tell)
    except KeyboardInterrupt:
        # Freeing all that was imported takes a second that somebody waits for.
        os._exit(130)


def _own_output() -> Callable[[Event], None]:
    """Return what writes an event; whatever else is printed goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(event: Event) -> None:
        # Where the sweep's process is gone, so is its end of our input: that ends us, once. A
        # second interruption would come while the run is being closed.
        with contextlib.suppress(BrokenPipeError):
            out.write(event.model_dump_json() + "\n")
            out.flush()

    return tell


def _read(lines: TextIO, groups: "queue.SimpleQueue[Group]") -> None:
    for line in lines:
        groups.put(Group.model_validate_json(line))
    # The sweep is over, or its process is gone: nobody would read of what is trained now.
    os.kill(os.getpid(), signal.SIGTERM)


def serve(groups: "queue.SimpleQueue[Group]", tell: Callable[[Event], None]) -> None:
    """Train group after group; it is interrupted to end."""
    from iovalence.sweeps.candidate import try_candidate

    while True:
        for job in groups.get().jobs:
            try_candidate(job, tell)


if __name__ == "__main__":
    main()
