"""Own what the page says of why: the columns that matter, and the rows that go most wrong."""

import math
from collections.abc import Sequence
from typing import Any

from iovalence.evaluation.importance import ColumnImportance, Importance, important_columns
from iovalence.evaluation.mistakes import Mistake, PartMistakes
from iovalence.evaluation.wording import METRIC_TEXTS, format_count, format_number, format_share
from iovalence.reporting.context import PART_LABELS, ReportContext

MAX_COLUMNS = 20
MAX_VALUES = 8


def describe_importance(importance: Importance | None) -> dict[str, Any] | None:
    """Return the columns that matter most as bars, and how that was measured."""
    if importance is None:
        return None
    shown = importance.columns[:MAX_COLUMNS]
    metrics = list(importance.metrics)
    most = max([1e-12, *(one.worse[metrics[0]].mean for one in shown)]) if shown else 1.0
    unclear = sum(not one.worse[metrics[0]].is_clear for one in importance.columns)
    return {
        "note": importance.note,
        "rows": [_describe_column(one, metrics, most) for one in shown],
        "labels": [METRIC_TEXTS[name].label for name in metrics],
        "more": len(importance.columns) - len(shown),
        "unclear": unclear,
        "num_columns": len(importance.columns),
        "num_rows": importance.num_rows,
        "num_repeats": importance.num_repeats,
        "part": PART_LABELS.get(importance.part, importance.part).lower(),
    }


def _describe_column(
    column: ColumnImportance, metrics: Sequence[str], most: float
) -> dict[str, Any]:
    first = column.worse[metrics[0]]
    low, high = (max(0.0, first.mean + side * first.spread) for side in (-1, 1))
    return {
        "name": column.name,
        "width": 100 * max(0.0, first.mean) / most,
        "low": min(100.0, 100 * low / most),
        "span": max(0.0, min(100.0, 100 * high / most) - min(100.0, 100 * low / most)),
        "is_clear": first.is_clear,
        "texts": [_write_worse(column, name) for name in metrics],
    }


def _write_worse(column: ColumnImportance, name: str) -> str:
    """Return by how much a metric gets worse, and what chance moves that."""
    change = column.worse[name]
    if METRIC_TEXTS[name].percent:
        return f"{100 * change.mean:.1f} ± {100 * change.spread:.1f} points"
    # Two digits of the spread, and as many decimals of the mean.
    size = change.spread or abs(change.mean) or 1.0
    decimals = min(9, max(0, 1 - math.floor(math.log10(size))))
    # Adding 0 makes a rounded -0.0 a 0.0.
    return f"{round(change.mean, decimals) + 0:,.{decimals}f} ± {change.spread:,.{decimals}f}"


def describe_mistakes(context: ReportContext) -> dict[str, Any] | None:
    """Return the worst mistakes of each part with the values of their rows, main part first."""
    if context.mistakes is None:
        return None
    columns = choose_columns(context)
    num_columns = len(context.schema.columns)
    parts = [one for one in reversed(context.mistakes.parts) if one.mistakes]
    return {
        "columns": columns,
        "hidden": max(0, num_columns - len(columns) - 1),
        "target": context.schema.target,
        "is_classes": context.schema.task == "classification",
        "parts": [_describe_part(one, columns, context) for one in parts],
    }


def choose_columns(context: ReportContext) -> list[str]:
    """Return which columns of a row to show: what names it, then what the model leans on most."""
    names = [column.name for column in context.schema.columns if column.role in ("id", "group")]
    features = [column.name for column in context.schema.columns if column.role == "feature"]
    known = {column.name for column in context.schema.columns}
    leaning = [name for name in important_columns(context.importance) if name in known]
    return list(dict.fromkeys([*names, *leaning, *features]))[:MAX_VALUES]


def _describe_part(
    part: PartMistakes, columns: Sequence[str], context: ReportContext
) -> dict[str, Any]:
    is_classes = context.schema.task == "classification"
    wrong = f"{format_count(part.num_wrong)} of {format_count(part.num_rows)} rows are wrong"
    return {
        "title": f"{PART_LABELS.get(part.part, part.part)} part",
        "summary": f"{wrong}; these cost most" if is_classes else "The rows furthest off",
        "rows": [
            _describe_mistake(one, columns, context.rows.get(one.row, {})) for one in part.mistakes
        ],
    }


def _describe_mistake(mistake: Mistake, columns: Sequence[str], values: Any) -> dict[str, Any]:
    prob = mistake.prob_predicted
    return {
        "row": str(mistake.row),
        "given": _write_value(mistake.given),
        "predicted": _write_value(mistake.predicted),
        "sure": "" if prob is None else format_share(prob),
        "error": format_number(mistake.error),
        "cells": [values.get(name) for name in columns],
    }


def _write_value(value: str | float) -> str:
    return value if isinstance(value, str) else format_number(value)
