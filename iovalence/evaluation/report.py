"""Own the report of a run: one HTML file that needs no network, no script and no other file.

Here is what the page says; `report.html.j2` is how it looks.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from iovalence.data.schema import Column, TableSchema
from iovalence.evaluation.effects import Effect, Effects
from iovalence.evaluation.metrics import metric_names
from iovalence.evaluation.pages import render_page
from iovalence.evaluation.paired import Change
from iovalence.evaluation.pictures import inline_svg
from iovalence.evaluation.result import EvaluationResult, Figure, PartResult
from iovalence.evaluation.wording import (
    METRIC_TEXTS,
    format_count,
    format_difference,
    format_interval,
    format_metric,
    label_baseline,
)
from iovalence.quality.findings import Finding
from iovalence.runs.manifest import Manifest

MAX_NAMES = 40
MAX_ROWS = 30
WIDE_POINTS = 450
_RECALL = "accuracy"  # as a share it is written like one


@dataclass(frozen=True, kw_only=True)
class ReportContext:
    """Hold all that a report is made of.

    Attributes:
        manifest: What made the run.
        schema: What the table holds.
        findings: What the checks of the data found.
        settings: The resolved configuration: for each section, its keys and values.
        evaluation: The figures; None for a run that did not get so far.
        effects: What the fixes of the data changed; None where nothing was to be said.
        given: Settings that the user gave, by full name, as `training.epochs`; the others have
            their defaults.
        part_rows: Rows of each part by its name.
        removed_rows: For each reason, how many rows left the data.
        history: The figures of each epoch, by the journal's names, with `epoch` from 1.
        kept_epoch: Epoch whose weights are the model.
        pictures: For each picture by name, its SVG.
        shown_metrics: Metrics to show, by name without the part; None for all.
        num_parameters: Numbers that the model learned.
        num_features: Numbers that the model takes for one row.
        findings_page: Name of the page of the checks beside the report; empty for none.
    """

    manifest: Manifest
    schema: TableSchema
    findings: tuple[Finding, ...]
    settings: Mapping[str, Mapping[str, Any]]
    evaluation: EvaluationResult | None = None
    effects: Effects | None = None
    given: frozenset[str] = frozenset()
    part_rows: Mapping[str, int] = field(default_factory=dict)
    removed_rows: Mapping[str, int] = field(default_factory=dict)
    history: Sequence[Mapping[str, float]] = ()
    kept_epoch: int | None = None
    pictures: Mapping[str, str] = field(default_factory=dict)
    shown_metrics: tuple[str, ...] | None = None
    num_parameters: int | None = None
    num_features: int | None = None
    findings_page: str = ""


PART_LABELS = {"train": "Train", "validation": "Validation", "test": "Test"}
CAPTIONS = {
    "training_curves": "Loss and quality by epoch. Train figures are taken while the model "
    "learns, with dropout; a validation loss that rises while the train loss falls is overfitting.",
    "learning_rate": "The sweep that chose the learning rate, before training: the train loss as "
    "the rate rises from step to step. Where it falls fast the network learns; where it rises "
    "again the rate is too high. The broken line is the rate that was taken.",
    "confusion_matrix": "Rows by true and predicted class; colour is the share of the true class.",
    "roc_curve": "How many positives are found for the false alarms that are accepted.",
    "calibration": "How often the model is right for how sure it is; below the line it is too "
    "sure. Bars: how often it is that sure.",
    "predicted_vs_true": "Each dot is a row; on the line, the prediction is right.",
    "residuals": "What is left of each row when the prediction is taken away; a pattern is "
    "something that the model missed.",
}


def render_report(context: ReportContext) -> str:
    """Return the report as one HTML page."""
    return render_page("report.html.j2", _describe(context))


def _describe(context: ReportContext) -> dict[str, Any]:
    """Return what the template shows, by name."""
    result = context.evaluation
    return {
        "run": context.manifest,
        "schema": context.schema,
        "headline": write_headline(context),
        "comparison": [] if result is None else list(_compare(result)),
        "requirements": [] if result is None else list(_list_requirements(result)),
        "result": result,
        "metrics": [] if result is None else list(_list_metrics(result, context.shown_metrics)),
        "metrics_title": "" if result is None else _title_comparison(result),
        "parts": [] if result is None else _by_importance(result),
        "baseline_labels": []
        if result is None
        else [label_baseline(name) for name in result.main_part.baselines],
        "part_labels": PART_LABELS,
        "max_rows": MAX_ROWS,
        "pictures": _list_pictures(context.pictures),
        "findings": context.findings,
        "effects": [_describe_effect(effect) for effect in context.effects.effects]
        if context.effects
        else [],
        "findings_page": context.findings_page,
        "data": _describe_data(context),
        "classes": None if result is None else _bound_classes(result.main_part),
        "slices": [] if result is None else list(_list_slices(result.main_part)),
        "general_comment": _general_comment(context.manifest.comments),
        "settings": list(_list_settings(context)),
        "training": _describe_training(context),
    }


def write_headline(context: ReportContext) -> str:
    """Return the run in one sentence: the main figure, its interval, and the baselines."""
    result = context.evaluation
    if result is None or not result.main_part.metrics:
        return f"This run ended without a result: {context.manifest.status.lower()}."
    part, name = result.main_part, _main_metric(result)
    figure = part.metrics[name]
    value, interval = format_metric(name, figure.value), format_interval(name, figure)
    rows = f"{format_count(part.num_rows)} {part.part} rows"
    if part.part == "train":
        rows = f"the {rows} it has learned from"
    between = f" (95 % interval {interval})" if interval else ""
    if result.task == "classification":
        said = f"{value} of {rows} are predicted right{between}"
    else:
        said = f"On {rows}, predictions of {result.target} are off by {value}{between} in RMSE"
    judged = [
        f"{_judge(name, figure, metrics[name])} {label_baseline(baseline)} "
        f"({format_metric(name, metrics[name])})"
        for baseline, metrics in part.baselines.items()
        if name in metrics
    ]
    return f"{said}: {', '.join(judged)}." if judged else f"{said}."


def _main_metric(result: EvaluationResult) -> str:
    return "accuracy" if result.task == "classification" else "rmse"


def _judge(name: str, figure: Figure, baseline: float) -> str:
    """Say whether a figure is better than a baseline, as far as its interval allows."""
    low = figure.value if figure.low is None else figure.low
    high = figure.value if figure.high is None else figure.high
    if low <= baseline <= high:
        return "not clearly different from"
    is_better = (low > baseline) == METRIC_TEXTS[name].higher_is_better
    return "better than" if is_better else "worse than"


def _compare(result: EvaluationResult) -> Iterator[dict[str, Any]]:
    """Yield a bar for the model and for each baseline: label, text, and per cent of the width."""
    part, name = result.main_part, _main_metric(result)
    if name not in part.metrics:
        return
    figure = part.metrics[name]
    others = {k: m[name] for k, m in part.baselines.items() if name in m}
    limits = [figure.value, figure.high or 0.0, *others.values()]
    full = 1.0 if METRIC_TEXTS[name].percent else max(limits) or 1.0

    def bar(label: str, value: Figure, kind: str) -> dict[str, Any]:
        low, high = value.low, value.high
        return {
            "label": label,
            "kind": kind,
            "value": format_metric(name, value.value),
            "interval": format_interval(name, value),
            "width": 100 * value.value / full,
            "low": None if low is None else 100 * low / full,
            "span": None if low is None or high is None else 100 * (high - low) / full,
        }

    yield bar("This model", figure, "model")
    for key, value in others.items():
        yield bar(label_baseline(key), Figure(value=value), "baseline")


def _title_comparison(result: EvaluationResult) -> str:
    text = METRIC_TEXTS[_main_metric(result)]
    return f"{text.label} on the {result.main_part.part} part: {text.meaning}."


def _list_requirements(result: EvaluationResult) -> Iterator[dict[str, Any]]:
    unmet = {line.split(" ", 1)[0] for line in result.unmet}
    flat = result.flat()
    for name, rule in result.require.items():
        value = f"{flat[name]:.4g}" if name in flat else "not there"
        yield {"name": name, "rule": rule, "value": value, "met": name not in unmet}


def _list_metrics(
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
            for part in _by_importance(result)
        ]
        baselines = [
            format_metric(name, metrics[name]) if name in metrics else None
            for metrics in result.main_part.baselines.values()
        ]
        if any(cells):
            yield {"text": METRIC_TEXTS[name], "cells": cells, "baselines": baselines}


def _by_importance(result: EvaluationResult) -> list[PartResult]:
    return list(reversed(result.parts))


def _list_pictures(pictures: Mapping[str, str]) -> list[dict[str, str]]:
    from markupsafe import Markup

    return [
        {
            "name": name,
            "layout": "wide" if _is_wide(svg) else "",
            "caption": CAPTIONS.get(name, ""),
            # Ours, with every name in it escaped by matplotlib.
            "svg": Markup(inline_svg(name, svg, CAPTIONS.get(name, name))),
        }
        for name, svg in sorted(pictures.items(), key=lambda item: _place(item[0]))
    ]


def _is_wide(svg: str) -> bool:
    width = re.search(r'width="([0-9.]+)pt"', svg)
    return width is not None and float(width[1]) > WIDE_POINTS


def _place(name: str) -> int:
    """Return where a picture comes on the page: those without a caption last."""
    return [*CAPTIONS, name].index(name)


def _describe_data(context: ReportContext) -> dict[str, Any]:
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


def _bound_classes(part: PartResult) -> dict[str, Any] | None:
    """Return all classes, or the ones that do worst where there are many."""
    if not part.per_class:
        return None
    shown = list(part.per_class)
    if len(shown) > MAX_ROWS:
        with_rows = [figures for figures in shown if figures.num_rows]
        shown = sorted(with_rows, key=lambda figures: figures.f1 or 0.0)[:MAX_ROWS]
    return {"rows": shown, "num": len(part.per_class)}


def _list_slices(part: PartResult) -> Iterator[dict[str, Any]]:
    for table in part.slices:
        names = list(dict.fromkeys(name for row in table.slices for name in row.metrics))
        rows = [
            {
                "value": row.value,
                "num_rows": row.num_rows,
                "metrics": [
                    format_metric(name, row.metrics[name]) if name in row.metrics else None
                    for name in names
                ],
            }
            for row in table.slices
        ]
        labels = [METRIC_TEXTS[name].label for name in names]
        yield {
            "column": table.column,
            "labels": labels,
            "rows": rows,
            "more": table.num_values - len(table.slices),
        }


def _describe_effect(effect: Effect) -> dict[str, Any]:
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
        interval = f"{format_difference(change.low)} to {format_difference(change.high)}"
    return {
        "label": label,
        "num_rows": change.num_rows,
        "model": model,
        "other": other,
        "difference": format_difference(change.model - change.other),
        "interval": interval,
        "widths": (100 * change.model, 100 * change.other),
    }


def _general_comment(comments: str | Mapping[str, str] | None) -> str:
    return comments if isinstance(comments, str) else ""


def _list_settings(context: ReportContext) -> Iterator[dict[str, Any]]:
    """Yield each setting: its name, value, the user's reason, and whether the user gave it.

    Of a value that was left to the program, what it took, and why.
    """
    comments, choices = context.manifest.comments, context.manifest.choices
    reasons = comments if isinstance(comments, Mapping) else {}
    used = set()
    for name, value in _flatten(context.settings):
        keys = [key for key in (name, name.split(".", 1)[1]) if key in reasons]
        used.update(keys)
        choice = choices.get(name)
        why = [reasons[keys[0]]] if keys else []
        yield {
            "name": name,
            "value": _write_value(value) + (f": {choice.value:g}" if choice else ""),
            "reason": "; ".join([*why, choice.reason] if choice else why),
            "given": name in context.given or bool(keys),
        }
    for key in reasons.keys() - used:
        yield {"name": key, "value": "", "reason": reasons[key], "given": True}


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _write_value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_write_value, value)) + "]"
    return str(value) if value != "" else '""'


def _describe_training(context: ReportContext) -> dict[str, Any]:
    """Return what training was, as far as its history tells."""
    seconds = [epoch["epoch_seconds"] for epoch in context.history if "epoch_seconds" in epoch]
    return {
        "num_epochs": len(context.history),
        "kept_epoch": context.kept_epoch,
        "seconds": sum(seconds),
        "num_parameters": context.num_parameters,
    }
