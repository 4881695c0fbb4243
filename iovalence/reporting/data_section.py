"""Own what the page says of the data: what was found, what that changed, columns, files, rows."""

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

from iovalence.data.schema import Column
from iovalence.evaluation.effects import Effect
from iovalence.evaluation.paired import Change
from iovalence.evaluation.wording import (
    METRIC_TEXTS,
    format_change,
    format_change_interval,
    format_metric,
)
from iovalence.quality.findings import Finding, by_gravity
from iovalence.reporting.context import MAX_ROWS, PART_LABELS, ReportContext

MAX_NAMES = 40
_RECALL = "accuracy"  # as a share it is written like one
_WORDS = {"failure": "failed", "warning": "warning", "info": "note"}


def list_findings(findings: Iterable[Finding]) -> Iterator[dict[str, Any]]:
    """Yield in short what the checks found and people need to know, the gravest first."""
    for finding in by_gravity(findings):
        if not finding.is_quiet:
            yield {
                "check": finding.check,
                "severity": finding.severity,
                "word": "done" if finding.is_mended else _WORDS[finding.severity],
                "message": finding.short_message,
                "done": finding.done,
                "advice": finding.advice,
            }


def describe_data(context: ReportContext) -> dict[str, Any]:
    """Return the files, the columns by what they are used for, and where the rows went."""
    columns = context.schema.columns
    left_out = [column for column in columns if column.role in ("left_out", "excluded")]
    special = [column for column in columns if column.role in ("id", "group", "time", "weight")]
    return {
        "files": [(PurePath(file.path).name, file) for file in context.schema.files[:MAX_ROWS]],
        "more_files": max(0, len(context.schema.files) - MAX_ROWS),
        "features": _count_kinds(column for column in columns if column.role == "feature"),
        "special": special,
        "left_out": left_out[:MAX_ROWS],
        "more_left_out": max(0, len(left_out) - MAX_ROWS),
        "part_rows": [(PART_LABELS[part], num) for part, num in context.part_rows.items()],
        "removed_rows": list(context.removed_rows.items()),
        "num_features": context.num_features,
    }


def _count_kinds(columns: Iterable[Column]) -> list[dict[str, Any]]:
    """Return the columns of each kind: how many, and the names of the first ones."""
    by_kind: dict[str, list[str]] = {}
    for column in columns:
        by_kind.setdefault(column.kind, []).append(column.name)
    return [
        {
            "kind": kind,
            "num": len(names),
            "names": names[:MAX_NAMES],
            "more": len(names[MAX_NAMES:]),
        }
        for kind, names in by_kind.items()
    ]


def describe_effect(effect: Effect) -> dict[str, Any]:
    """Return an effect's finding, and a row for each figure: metrics, and recalls as bars."""
    by_change = sorted(effect.recalls, key=lambda one: -abs(one.model - one.other))
    shown = {one.name for one in by_change[:MAX_ROWS]}
    return {
        "finding": effect.finding,
        "other": effect.other,
        "metrics": [
            _describe_change(one, METRIC_TEXTS[one.name].label, one.name) for one in effect.metrics
        ],
        "recalls": [
            _describe_change(one, one.name, _RECALL) for one in effect.recalls if one.name in shown
        ],
        "num_classes": len(effect.recalls),
    }


def _describe_change(change: Change, label: str, metric: str) -> dict[str, Any]:
    """Return two figures as text, their difference, and as per cent of a bar's width."""
    model, other = (format_metric(metric, value) for value in (change.model, change.other))
    interval = None
    if change.low is not None and change.high is not None:
        interval = format_change_interval(metric, change.low, change.high)
    return {
        "label": label,
        "num_rows": change.num_rows,
        "model": model,
        "other": other,
        "difference": format_change(metric, change.model - change.other),
        "interval": interval,
        "widths": (100 * change.model, 100 * change.other),
    }
