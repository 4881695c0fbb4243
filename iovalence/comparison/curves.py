"""Own how the curves of several runs are drawn over each other, as SVG that the page colours."""

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 10, 34
NUM_COLORS = 6
NUM_TICKS = 4
CURVES: Mapping[str, str] = {
    "val_loss": "Validation loss",
    "train_loss": "Train loss",
    "val_accuracy": "Validation accuracy",
    "train_accuracy": "Train accuracy",
    "val_rmse": "Validation RMSE",
    "train_rmse": "Train RMSE",
    "learning_rate": "Learning rate",
}
Point = tuple[float, float]


def color_class(at: int) -> str:
    """Return the class of a run's line: six colours, then broken lines of the same."""
    broken = " broken" if at >= NUM_COLORS else ""
    return f"c{at % NUM_COLORS}{broken}"


def draw_curve(
    key: str, names: Sequence[str], histories: Sequence[Sequence[Mapping[str, float]]]
) -> str:
    """Return one curve of all runs as SVG; empty where no run has it.

    Args:
        key: Name of the figure in the history, one of `CURVES`.
        names: What each run is called.
        histories: The figures of each epoch of each run, with `epoch` from 1.
    """
    lines = [list(_points(history, key)) for history in histories]
    points = [point for line in lines for point in line]
    if not points:
        return ""
    scale = _Scale(points)
    drawn = [
        scale.draw_line(line, color_class(at), name)
        for at, (line, name) in enumerate(zip(lines, names, strict=True))
        if line
    ]
    label = escape(f"{CURVES[key]} of {len(drawn)} runs by epoch", quote=True)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        + "".join([*scale.draw_axes(), *drawn])
        + "</svg>"
    )


def _points(history: Sequence[Mapping[str, float]], key: str) -> Iterator[Point]:
    for epoch in history:
        if math.isfinite(epoch.get(key, math.nan)):
            yield epoch["epoch"], epoch[key]


class _Scale:
    """Place values in a chart that holds all of them.

    Args:
        points: Epoch and value of every point; one at least.
    """

    def __init__(self, points: Sequence[Point]) -> None:
        values = [value for _, value in points]
        self._last = max(max(epoch for epoch, _ in points), 2)
        self._low, self._high = min(values), max(values)
        if self._low == self._high:
            margin = abs(self._low) / 2 or 1.0
            self._low, self._high = self._low - margin, self._high + margin

    def _place(self, point: Point) -> tuple[str, str]:
        x = LEFT + (point[0] - 1) / (self._last - 1) * (WIDTH - LEFT - RIGHT)
        share = (point[1] - self._low) / (self._high - self._low)
        return f"{x:.1f}", f"{HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM):.1f}"

    def draw_line(self, line: Sequence[Point], color: str, name: str) -> str:
        """Return a run's line; one point is a dot, and an epoch without a figure a gap."""
        title = f"<title>{escape(name)}</title>"
        if len(line) == 1:
            x, y = self._place(line[0])
            return f'<circle class="{color}" cx="{x}" cy="{y}" r="4">{title}</circle>'
        steps = [f"M{' '.join(self._place(line[0]))}"]
        for before, after in pairwise(line):
            letter = "L" if after[0] == before[0] + 1 else "M"
            steps.append(f"{letter}{' '.join(self._place(after))}")
        return f'<path class="{color}" d="{"".join(steps)}">{title}</path>'

    def draw_axes(self) -> Iterator[str]:
        """Yield the grid with its numbers."""
        for tick in range(NUM_TICKS + 1):
            value = self._low + (self._high - self._low) * tick / NUM_TICKS
            _, y = self._place((1, value))
            yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
            below = f"{float(y) + 4:.1f}"
            yield f'<text x="{LEFT - 6}" y="{below}" text-anchor="end">{value:.3g}</text>'
        step = max(1, math.ceil((self._last - 1) / 6))
        for epoch in range(1, int(self._last) + 1, step):
            x, _ = self._place((epoch, self._low))
            yield f'<text x="{x}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{epoch}</text>'
        middle = (LEFT + WIDTH - RIGHT) / 2
        yield f'<text x="{middle}" y="{HEIGHT - 3}" text-anchor="middle">epoch</text>'
