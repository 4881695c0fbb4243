"""Own the tables of figures: metrics beside the baselines, by class, by slice, requirements."""

from collections.abc import Iterator
from typing import Any

from iovalence.evaluation.metrics import metric_names
from iovalence.evaluation.result import ClassFigures, EvaluationResult, PartResult, SliceFigures
from iovalence.evaluation.wording import (
    METRIC_TEXTS,
    format_interval,
    format_metric,
    label_baseline,
)
from iovalence.reporting.context import MAX_ROWS


def list_requirements(result: EvaluationResult) -> Iterator[dict[str, Any]]:
    """Yield what the run had to reach, and whether it did."""
    unmet = {line.split(" ", 1)[0] for line in result.unmet}
    flat = result.flat()
    for name, rule in result.require.items():
        value = f"{flat[name]:.4g}" if name in flat else "not there"
        yield {"name": name, "rule": rule, "value": value, "met": name not in unmet}


def list_metrics(
    result: EvaluationResult, shown: tuple[str, ...] | None
) -> Iterator[dict[str, Any]]:
    """Yield a row of the table of figures for each metric: its parts, then its baselines."""
    names = (*metric_names(result.task), "loss")
    for name in names if shown is None else [name for name in names if name in shown]:
        cells = [
            None
            if (figure := part.metrics.get(name)) is None
            else {
                "value": format_metric(name, figure.value),
                "interval": format_interval(name, figure),
            }
            for part in by_importance(result)
        ]
        baselines = [
            format_metric(name, metrics[name]) if name in metrics else None
            for metrics in result.main_part.baselines.values()
        ]
        if any(cells):
            yield {"text": METRIC_TEXTS[name], "cells": cells, "baselines": baselines}


def by_importance(result: EvaluationResult) -> list[PartResult]:
    """Return the parts, the one first whose figures say most of new rows."""
    return list(reversed(result.parts))


def label_baselines(result: EvaluationResult) -> list[str]:
    """Return the names of the baselines as people read them."""
    return [label_baseline(name) for name in result.main_part.baselines]


def bound_classes(part: PartResult) -> dict[str, Any] | None:
    """Return all classes, or the ones that do worst where there are many."""
    if not part.per_class:
        return None
    shown = list(part.per_class)
    if len(shown) > MAX_ROWS:
        with_rows = [figures for figures in shown if figures.num_rows]
        shown = sorted(with_rows, key=lambda figures: figures.f1 or 0.0)[:MAX_ROWS]
    return {"rows": [_describe_class(one) for one in shown], "num": len(part.per_class)}


def _describe_class(figures: ClassFigures) -> dict[str, Any]:
    return {
        "name": figures.name,
        "num_rows": figures.num_rows,
        "precision": figures.precision,
        "recall": figures.recall,
        "f1": figures.f1,
    }


def list_slices(part: PartResult) -> Iterator[dict[str, Any]]:
    """Yield a table for each column that results are broken down by."""
    for table in part.slices:
        names = list(dict.fromkeys(name for row in table.slices for name in row.metrics))
        yield {
            "column": table.column,
            "labels": [METRIC_TEXTS[name].label for name in names],
            "rows": [_describe_slice(row, names) for row in table.slices],
            "more": table.num_values - len(table.slices),
        }


def _describe_slice(row: SliceFigures, names: list[str]) -> dict[str, Any]:
    return {
        "value": row.value,
        "num_rows": row.num_rows,
        "metrics": [
            format_metric(name, row.metrics[name]) if name in row.metrics else None
            for name in names
        ],
    }
