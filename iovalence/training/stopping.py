"""Own how a signal ends a training: at the next block, with a checkpoint."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from iovalence.signals import heard


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Have SIGINT and SIGTERM ask for a stop for a block; yield what says whether one came.

    A second signal interrupts at once. Outside the main thread signals stay as they are, and so
    do those that this process ignores.

    Raises:
        KeyboardInterrupt: A second signal came, or a first that nobody answered.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked = False

    def ask(_signum: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    before = {signum: signal.signal(signum, ask) for signum in heard()}
    try:
        yield lambda: asked
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
    if asked:
        raise KeyboardInterrupt
