"""Own the live region at the foot of a terminal: one at a time, and gone when its block ends."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from iovalence.signals import undisturbed

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

REFRESHES = 3
"""How often a second the region is drawn: calm, and too seldom to cost a training anything."""

DELAY_S = 1.0
"""What is done sooner is not worth a spinner."""

_drawn: "list[Live]" = []


def can_redraw() -> bool:
    """Say whether standard error is a terminal whose lines can be drawn again."""
    return sys.stderr.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")


def print_above(text: str) -> bool:
    """Print one line above the live region; say whether there is one."""
    if not _drawn:
        return False
    # Not by way of standard error, which the region folds at the terminal's width.
    _drawn[-1].console.print(text, markup=False, highlight=False, soft_wrap=True)
    return True


@contextmanager
def region(draw: "Callable[[Console], RenderableType]", delay_s: float = 0.0) -> Iterator[None]:
    """Draw a region a few times a second for a block.

    Args:
        draw: Returns what to show now; called in another thread.
        delay_s: How long the block may take before there is a region, in seconds.
    """
    if _drawn:
        # One at a time: what goes on within what goes on is part of it.
        yield
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    live = Live(
        console=console,
        get_renderable=lambda: draw(console),
        refresh_per_second=REFRESHES,
        transient=True,
        # Results go through there, and into no region.
        redirect_stdout=False,
    )
    timer = threading.Timer(delay_s, live.start)
    timer.daemon = True
    _drawn.append(live)
    try:
        timer.start()
        yield
    finally:
        # Half a region, or a terminal without a cursor, is what impatience must not leave behind.
        with undisturbed():
            timer.cancel()
            if timer.ident is not None:
                timer.join()
            _drawn.remove(live)
            live.stop()


@contextmanager
def waiting(text: str, *, is_shown: bool = True) -> Iterator[None]:
    """Show on a terminal what goes on in the block, once that takes longer than a second.

    Args:
        text: What goes on, as `reading the rows`.
        is_shown: False for a run that is to be silent.
    """
    if not (is_shown and can_redraw()):
        yield
        return
    from rich.spinner import Spinner

    spinner = Spinner("line", text)
    with region(lambda _console: spinner, DELAY_S):
        yield
