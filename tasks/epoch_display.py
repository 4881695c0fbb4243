"""Own what the live region of a training says: how far it is, how well it does, how long yet."""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from iovalence.evaluation.wording import METRIC_TEXTS, format_metric

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from iovalence.training.trainer import EpochFigures

SCORES = ("accuracy", "rmse")
PARTS = {"train": "train", "val": "validation"}
BAR_WIDTH, LEAST_BAR_WIDTH = 30, 8
INDENT = "  "


class EpochDisplay:
    """Remember how far a training is, and draw it.

    Args:
        num_epochs: Most epochs.
        may_stop: Whether it may end before.
        clock: Seconds that only ever rise.
    """

    def __init__(
        self, num_epochs: int, *, may_stop: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._num_epochs = num_epochs
        self._may_stop = may_stop
        self._clock = clock
        self._newest: EpochFigures | None = None
        self._best: EpochFigures | None = None
        # When it began, epochs since, and when the last one ended: one value, so that the thread
        # that draws never sees half of a change.
        self._pace = (clock(), 0, clock())

    def observe(self, figures: "EpochFigures") -> None:
        """Take down the figures of an epoch."""
        began, num_seen, _ = self._pace
        self._pace = (began, num_seen + 1, self._clock())
        self._newest = figures
        if figures.is_best:
            self._best = figures

    def seconds_left(self) -> float | None:
        """Return about how long the epochs that are left take; None before the first."""
        began, num_seen, last = self._pace
        if self._newest is None:
            return None
        each = (last - began) / num_seen
        left = each * (self._num_epochs - self._newest.epoch) - (self._clock() - last)
        return max(left, 0.0)

    def draw(self, console: "Console") -> "RenderableType":
        """Return the region: at most four lines, each as wide as the terminal at most."""
        from rich.console import Group
        from rich.text import Text

        shown = [Text(line, no_wrap=True, overflow="ellipsis") for line in self._figures()]
        return Group(self._head(console.width), *shown)

    def _head(self, width: int) -> "RenderableType":
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        epoch = 0 if self._newest is None else self._newest.epoch
        said = f"epoch {epoch}/{self._num_epochs}", self._time_left()
        bar_width = min(BAR_WIDTH, width - sum(map(len, said)) - 4)
        grid = Table.grid(padding=(0, 1))
        for _ in range(3):
            grid.add_column(no_wrap=True)
        bar = ProgressBar(self._num_epochs, epoch, width=max(bar_width, 1))
        cells = (said[0], bar, said[1]) if bar_width >= LEAST_BAR_WIDTH else said
        grid.add_row(*cells)
        return grid

    def _time_left(self) -> str:
        left = self.seconds_left()
        if left is None:
            return ""
        return f"{format_wait(left)} left{' at most' if self._may_stop else ''}"

    def _figures(self) -> Iterator[str]:
        if self._newest is None:
            return
        for part in PARTS:
            if f"{part}_loss" in self._newest.metrics:
                yield f"{INDENT}{PARTS[part]:13}{describe_figures(self._newest, part)}"
        if self._best is not None:
            watched = "val" if "val_loss" in self._best.metrics else "train"
            figures = describe_figures(self._best, watched)
            yield f"{INDENT}{'best so far':13}{figures}, epoch {self._best.epoch}"


def describe_figures(figures: "EpochFigures", part: str) -> str:
    """Return the loss of a part, as `val`, and its score, for people."""
    said = [f"loss {figures.metrics[f'{part}_loss']:.4f}"]
    said += [
        f"{METRIC_TEXTS[name].label} {format_metric(name, figures.metrics[f'{part}_{name}'])}"
        for name in SCORES
        if f"{part}_{name}" in figures.metrics
    ]
    return ", ".join(said)


def format_wait(seconds: float) -> str:
    """Return how long something will take, which nobody knows to the tenth: 12 s, 3 min, 2 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
