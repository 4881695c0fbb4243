"""Own what SIGTERM does: it interrupts, as Ctrl-C does, so that runs are closed and servers end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from iovalence.signals import heard


@contextmanager
def interruptible() -> Iterator[None]:
    """Have SIGTERM raise KeyboardInterrupt for a block, where this is the main thread.

    Where it is ignored it stays so.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.SIGTERM not in heard():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def hush() -> None:
    """Ignore Ctrl-C from here on: the command has ended, and has only to leave."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _interrupt(_signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
