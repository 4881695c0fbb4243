"""Own the verdict on a run in one sentence, and the bars that show it."""

from collections.abc import Iterator
from typing import Any

from iovalence.evaluation.result import EvaluationResult, Figure, PartResult
from iovalence.evaluation.wording import (
    METRIC_TEXTS,
    format_count,
    format_interval,
    format_metric,
    label_baseline,
)
from iovalence.reporting.context import ReportContext

_ROWS = {
    "test": "{} unseen rows",
    "validation": "{} rows of the validation part, which training looked at",
    "train": "the {} rows it has learned from",
}


def write_verdict(context: ReportContext) -> str:
    """Return what matters most, in one sentence: the diagnosis, or else the figures."""
    grave = [one.sentence for one in context.diagnosis if one.severity != "info"]
    return grave[0] if grave else write_headline(context)


def write_headline(context: ReportContext) -> str:
    """Return the run in one sentence: the main figure, its interval, and the baselines."""
    result = context.evaluation
    if result is None or not result.main_part.metrics:
        return f"This run ended without a result: {context.manifest.status.lower()}."
    part, name = result.main_part, main_metric(result)
    figure = part.metrics[name]
    interval = format_interval(name, figure)
    between = f" (95 % interval {interval})" if interval else ""
    what = METRIC_TEXTS[name].label + (f" of {result.target}" if name == "rmse" else "")
    rows = _ROWS.get(part.part, "{} rows").format(format_count(part.num_rows))
    judged = ", ".join(_judge_baselines(part, name, figure))
    said = f"{what} on {rows} is {format_metric(name, figure.value)}{between}"
    return f"{said}{', ' if judged else ''}{judged}."


def main_metric(result: EvaluationResult) -> str:
    """Return the metric that a run is judged by, without the part."""
    return "accuracy" if result.task == "classification" else "rmse"


def _judge_baselines(part: PartResult, name: str, figure: Figure) -> Iterator[str]:
    """Yield how the figure compares with each baseline; those alike are judged together."""
    by_judgement: dict[str, list[str]] = {}
    for baseline, metrics in part.baselines.items():
        if name in metrics:
            judgement = _judge(name, figure, metrics[name], part.margins.get(baseline))
            text = f"{label_baseline(baseline)} ({format_metric(name, metrics[name])})"
            by_judgement.setdefault(judgement, []).append(text)
    for judgement, texts in by_judgement.items():
        yield f"{judgement} {' and '.join(texts)}"


def _judge(name: str, figure: Figure, baseline: float, margin: Figure | None) -> str:
    """Say whether a figure is better than a baseline, as far as the rows can tell.

    The difference on the same rows tells most; without it, the figure's own interval.
    """
    if margin is not None and margin.low is not None and margin.high is not None:
        return _name_judgement(margin.low, margin.high)
    low = figure.value if figure.low is None else figure.low
    high = figure.value if figure.high is None else figure.high
    if METRIC_TEXTS[name].higher_is_better:
        return _name_judgement(low - baseline, high - baseline)
    return _name_judgement(baseline - high, baseline - low)


def _name_judgement(low: float, high: float) -> str:
    if low <= 0 <= high:
        return "not clearly different from"
    return "better than" if low > 0 else "worse than"


def list_bars(result: EvaluationResult) -> Iterator[dict[str, Any]]:
    """Yield a bar for the model and for each baseline: label, text, and per cent of the width."""
    part, name = result.main_part, main_metric(result)
    if name not in part.metrics:
        return
    figure = part.metrics[name]
    others = {key: metrics[name] for key, metrics in part.baselines.items() if name in metrics}
    limits = [figure.value, figure.high or 0.0, *others.values()]
    full = 1.0 if METRIC_TEXTS[name].percent else max(limits) or 1.0
    yield _bar("This model", name, figure, "model", full)
    for key, value in others.items():
        bar = _bar(label_baseline(key), name, Figure(value=value), "baseline", full)
        yield bar | {"margin": _write_margin(name, part.margins.get(key))}


def _bar(label: str, name: str, figure: Figure, kind: str, full: float) -> dict[str, Any]:
    low, high = figure.low, figure.high
    return {
        "label": label,
        "kind": kind,
        "value": format_metric(name, figure.value),
        "interval": format_interval(name, figure),
        "width": 100 * figure.value / full,
        "low": None if low is None else 100 * low / full,
        "span": None if low is None or high is None else 100 * (high - low) / full,
        "margin": "",
    }


def _write_margin(name: str, margin: Figure | None) -> str:
    """Return by how much the model is better, on the same rows, with the interval of that."""
    if margin is None:
        return ""
    better = "better" if margin.value >= 0 else "worse"
    size = Figure(value=abs(margin.value), low=margin.low, high=margin.high)
    if margin.value < 0 and margin.low is not None and margin.high is not None:
        size = Figure(value=-margin.value, low=-margin.high, high=-margin.low)
    unit = " points" if METRIC_TEXTS[name].percent else ""
    value = format_metric(name, size.value).removesuffix(" %")
    interval = format_interval(name, size).removesuffix(" %").replace(" %", "")
    between = f" ({interval})" if interval else ""
    return f"this model is {value}{unit} {better}{between}"


def title_bars(result: EvaluationResult) -> str:
    """Return what the bars show."""
    text = METRIC_TEXTS[main_metric(result)]
    return f"{text.label} on the {result.main_part.part} part: {text.meaning}."
