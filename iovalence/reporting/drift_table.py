"""Own what the page of the checks says of columns that moved: how they were, and how they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from iovalence.evaluation.wording import format_count, format_number, format_share
from iovalence.quality.comparison import DriftFigures
from iovalence.quality.profile import Categories, ColumnProfile, Profile
from iovalence.quality.sketch import Sketch

MAX_MOVED = 20
MAX_GROUPS = 3
MAX_NAME = 24
_QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Move:
    """Hold what a table is beside what it was.

    Attributes:
        figures: By how much each column differs.
        now: The table's profile.
        before: That of the accepted run.
    """

    figures: DriftFigures
    now: Profile
    before: Profile


def describe_moves(columns: Sequence[str], move: Move) -> dict[str, Any]:
    """Return a line for each of the columns, the first twenty, and how many more there are."""
    now, before = move.now.by_name(), move.before.by_name()
    lines = [
        {
            "name": name,
            "measures": _list_measures(name, move.figures),
            "pairs": list(_pair(before[name], now[name])),
        }
        for name in columns[:MAX_MOVED]
        if name in now and name in before
    ]
    return {
        "run": move.figures.compared_with,
        "lines": lines,
        "more": max(0, len(columns) - MAX_MOVED),
    }


def _list_measures(name: str, figures: DriftFigures) -> str:
    return ", ".join(str(one) for one in figures.measures if one.column == name)


def _pair(before: ColumnProfile, now: ColumnProfile) -> Iterator[tuple[str, str, str]]:
    """Yield what is compared, how it was, and how it is."""
    if before.sketch is not None and now.sketch is not None:
        names = ("lower quartile", "median", "upper quartile")
        yield from zip(names, _quartiles(before.sketch), _quartiles(now.sketch), strict=True)
    elif before.categories is not None and now.categories is not None:
        yield from _pair_categories(before.categories, now.categories)


def _quartiles(sketch: Sketch) -> list[str]:
    wanted = np.multiply(_QUARTILES, sketch.num_sampled)
    at = np.searchsorted(np.array(sketch.up_to), wanted)
    return [format_number(sketch.knots[one]) for one in at.tolist()]


def _pair_categories(before: Categories, now: Categories) -> Iterator[tuple[str, str, str]]:
    """Yield the categories whose shares moved most."""
    was = {name: count / max(1, before.num_known) for name, count in before.counts.items()}
    has = {name: count / max(1, now.num_known) for name, count in now.counts.items()}
    names = sorted({**was, **has}, key=lambda name: -abs(has.get(name, 0) - was.get(name, 0)))
    for name in names[:MAX_GROUPS]:
        short = name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
        yield short, format_share(was.get(name, 0)), format_share(has.get(name, 0))
    more = len(names) - MAX_GROUPS
    if more > 0:
        yield f"and {format_count(more)} more", "", ""
