"""Own which signals are listened to, and blocks that none of them may cut short."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)


def heard() -> tuple[signal.Signals, ...]:
    """Return which of the signals that stop a command are not ignored.

    A shell starts what it sends to the background with SIGINT ignored: then it is not for us.
    """
    return tuple(one for one in STOPPING if signal.getsignal(one) != signal.SIG_IGN)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold back signals for a short block, in the main thread.

    Raises:
        KeyboardInterrupt: At the block's end, where one came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = False

    def hold_back(_signum: int, _frame: FrameType | None) -> None:
        nonlocal came
        came = True

    before = {signum: signal.signal(signum, hold_back) for signum in heard()}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
    if came:
        raise KeyboardInterrupt
