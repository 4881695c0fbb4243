"""Own how a chart is drawn as SVG: scales, ticks, marks; what is drawn it refuses to know.

Colours are classes that the page's style fills in, so that a chart follows the dark mode and
the printer. All text is escaped. Nothing moves: what a mark means is its tooltip.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from markupsafe import Markup

WIDTH = 360
LEFT, RIGHT, TOP, BOTTOM = 60, 22, 9, 38
MAX_TICKS = 5


@dataclass(frozen=True)
class Axis:
    """Say which values an axis shows.

    Attributes:
        low: At its begin.
        high: At its end, above `low`.
        label: What it shows; empty for nothing.
        ticks: Values that are named.
        percent: Whether they are shares, named in per cent.
    """

    low: float
    high: float
    label: str = ""
    ticks: tuple[float, ...] = ()
    percent: bool = False

    def place(self, value: float) -> float:
        """Return where a value is, from 0 to 1."""
        # Halved, so that no difference of two float64 overflows.
        return (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)


def share_axis(label: str) -> Axis:
    """Return an axis of shares, from 0 to all."""
    return Axis(0.0, 1.0, label, (0.0, 0.25, 0.5, 0.75, 1.0), percent=True)


def fit_axis(values: Iterable[float], label: str, *, whole: bool = False) -> Axis:
    """Return an axis that holds all values, with round ticks at most; see `Axis`.

    Args:
        values: What is to be shown; what is not finite is passed over.
        label: What the axis shows.
        whole: Whether only whole numbers make sense.
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    if not high > low:
        low, high = low - max(abs(low), 1) / 2, high + max(abs(high), 1) / 2
    if not math.isfinite(high - low):
        return Axis(low, high, label)
    step = _round_step((high - low) / MAX_TICKS)
    step = max(1.0, step) if whole else step
    first, last = math.floor(low / step), math.ceil(high / step)
    if whole:
        first, last = math.ceil(low / step), math.floor(high / step)
    ticks = tuple(at * step for at in range(first, last + 1))
    return Axis(min([low, *ticks[:1]]), max([high, *ticks[-1:]]), label, ticks)


def _round_step(step: float) -> float:
    """Return the next of 1, 2, 5 times a power of ten."""
    size = 10.0 ** math.floor(math.log10(step))
    return next((times * size for times in (1, 2, 5) if times * size >= step), 10 * size)


def write_ticks(axis: Axis) -> list[str]:
    """Return the texts of an axis's ticks: as many digits as tell them apart, and no more."""
    if axis.percent:
        return [f"{100 * tick:.0f} %" for tick in axis.ticks]
    largest = max((abs(tick) for tick in axis.ticks), default=1.0)
    if largest >= 1e7 or 0 < largest < 1e-3:
        return [f"{tick:.3g}" for tick in axis.ticks]
    steps = [b - a for a, b in pairwise(axis.ticks)]
    digits = max(0, -math.floor(math.log10(min(steps)) + 1e-9)) if steps else 0
    # Adding 0 makes a rounded -0.0 a 0.0.
    return [f"{round(tick, digits) + 0:,.{digits}f}" for tick in axis.ticks]


@dataclass
class Panel:
    """Draw into one pair of axes.

    Attributes:
        x: To the right.
        y: Upwards.
        top: Where it begins, from above.
        height: Of the plane, without the axes' texts.
        marks: What was drawn so far.
    """

    x: Axis
    y: Axis
    top: float = TOP
    height: float = 210.0
    marks: list[Markup] = field(default_factory=list)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point is in the picture."""
        width = WIDTH - LEFT - RIGHT
        return LEFT + width * self.x.place(x), self.top + self.height * (1 - self.y.place(y))

    def line(self, points: Sequence[tuple[float, float]], kind: str, title: str = "") -> None:
        """Draw a line through points; where one is not finite it is broken."""
        path, pen = [], "M"
        for x, y in points:
            if not (math.isfinite(x) and math.isfinite(y)):
                pen = "M"
                continue
            left, top = self.at(x, y)
            path.append(f"{pen}{left:.1f} {top:.1f}")
            pen = "L"
        self.marks.append(
            Markup('<path class="line {}" d="{}">{}</path>').format(
                kind, "".join(path), _tooltip(title)
            )
        )

    def dot(self, x: float, y: float, kind: str, title: str, radius: float = 3.5) -> None:
        """Draw a dot with a tooltip."""
        left, top = self.at(x, y)
        self.marks.append(
            Markup('<circle class="dot {}" cx="{}" cy="{}" r="{}">{}</circle>').format(
                kind, f"{left:.1f}", f"{top:.1f}", f"{radius:.1f}", _tooltip(title)
            )
        )

    def box(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        kind: str,
        title: str,
        strength: float = 1,
    ) -> None:
        """Fill a rectangle between two values of each axis, as strongly as said, in [0, 1]."""
        (left, bottom), (right, top) = self.at(x[0], y[0]), self.at(x[1], y[1])
        opacity = "" if strength >= 1 else Markup(' fill-opacity="{}"').format(f"{strength:.2f}")
        self.marks.append(
            Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"{}>{}</rect>').format(
                kind,
                f"{left:.1f}",
                f"{top:.1f}",
                f"{max(right - left, 0.1):.1f}",
                f"{max(bottom - top, 0.1):.1f}",
                opacity,
                _tooltip(title),
            )
        )

    def text(self, x: float, y: float, text: str, anchor: str = "start") -> None:
        """Write a short text beside a point."""
        left, top = self.at(x, y)
        self.marks.append(_text(left, top, text, anchor))

    def draw(self) -> Markup:
        """Return the axes, and all that was drawn."""
        return Markup("").join([*self._draw_x(), *self._draw_y(), *self.marks])

    def _draw_x(self) -> list[Markup]:
        bottom = self.top + self.height
        found = [_rule(LEFT, bottom, WIDTH - RIGHT, bottom)]
        for value, text in zip(self.x.ticks, write_ticks(self.x), strict=True):
            left, _ = self.at(value, self.y.low)
            found += [_rule(left, self.top, left, bottom), _text(left, bottom + 16, text, "middle")]
        middle = (LEFT + WIDTH - RIGHT) / 2
        return [*found, _text(middle, bottom + 33, self.x.label, "middle")]

    def _draw_y(self) -> list[Markup]:
        found = []
        for value, text in zip(self.y.ticks, write_ticks(self.y), strict=True):
            _, top = self.at(self.x.low, value)
            found += [_rule(LEFT, top, WIDTH - RIGHT, top), _text(LEFT - 6, top + 4, text, "end")]
        if self.y.label:
            turned = Markup(
                '<text text-anchor="middle" transform="translate(12 {}) rotate(-90)">{}</text>'
            )
            found.append(turned.format(f"{self.top + self.height / 2:.0f}", self.y.label))
        return found


def draw_svg(panels: Sequence[Panel], description: str) -> Markup:
    """Return panels as one picture.

    Args:
        panels: What is drawn.
        description: What it shows, for people who cannot see it.
    """
    height = max(panel.top + panel.height for panel in panels) + BOTTOM
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(WIDTH, f"{height:.0f}", description, Markup("").join(panel.draw() for panel in panels))


def _rule(x1: float, y1: float, x2: float, y2: float) -> Markup:
    path = f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"
    return Markup('<path class="rule" d="{}"/>').format(path)


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    if not text:
        return Markup("")
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
        f"{x:.1f}", f"{y:.1f}", anchor, text
    )


def _tooltip(title: str) -> Markup:
    return Markup("<title>{}</title>").format(title) if title else Markup("")
