"""Own the page of a comparison: one HTML file that needs no network and no script."""

from typing import Any

from iovalence.comparison.compare import Pair, RunComparison
from iovalence.comparison.curves import CURVES, color_class, draw_curve
from iovalence.comparison.wording import (
    list_differences,
    list_metrics,
    name_run,
    write_headline,
    write_idle,
    write_rows,
    write_same,
)
from iovalence.evaluation.result import Figure
from iovalence.evaluation.wording import METRIC_TEXTS, format_interval, format_metric
from iovalence.reporting.pages import render_page


def render_comparison(found: RunComparison) -> str:
    """Return a comparison of runs as one HTML page."""
    return render_page(
        "comparison.html.j2",
        {
            "runs": [
                {"run": run, "name": name_run(run), "color": color_class(at)}
                for at, run in enumerate(found.runs)
            ],
            "figures": _list_figures(found),
            "curves": _list_curves(found),
            "pairs": [_describe(found, pair) for pair in found.pairs],
        },
    )


def _list_figures(found: RunComparison) -> list[dict[str, Any]]:
    """Return the own figures of all runs, a line for each metric."""
    names = list(dict.fromkeys(name for run in found.runs for name in run.metrics))
    return [
        {
            "text": METRIC_TEXTS[name],
            "cells": [_write_figure(name, run.metrics.get(name)) for run in found.runs],
        }
        for name in names
    ]


def _write_figure(name: str, figure: Figure | None) -> dict[str, str]:
    if figure is None:
        return {"value": "", "interval": ""}
    return {
        "value": format_metric(name, figure.value),
        "interval": format_interval(name, figure),
    }


def _list_curves(found: RunComparison) -> list[dict[str, Any]]:
    from markupsafe import Markup

    names = [name_run(run) for run in found.runs]
    histories = [run.history for run in found.runs]
    drawn = ((title, draw_curve(key, names, histories)) for key, title in CURVES.items())
    # Ours, with every name in it escaped.
    return [{"title": title, "svg": Markup(svg)} for title, svg in drawn if svg]


def _describe(found: RunComparison, pair: Pair) -> dict[str, Any]:
    run = next(run for run in found.runs if run.run_id == pair.run_id)
    return {
        "name": name_run(run),
        "headline": write_headline(found, pair),
        "same": write_same(pair.differences),
        "differences": list(list_differences(pair)),
        "idle": write_idle(pair),
        "rows": write_rows(pair),
        "metrics": list(list_metrics(pair)),
        "notes": [*(pair.rows.notes if pair.rows else ()), *pair.notes],
    }
