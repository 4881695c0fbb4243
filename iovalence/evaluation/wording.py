"""Own how figures are written and named for people; work none of them out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from iovalence.evaluation.result import Contest, Figure


@dataclass(frozen=True)
class MetricText:
    """Say how people read a metric.

    Attributes:
        label: Its name.
        meaning: What it is, in a few words.
        percent: Whether it is a share, shown in per cent.
        in_units: Whether its size depends on the data; else three decimals tell all.
        higher_is_better: Whether more of it is better.
    """

    label: str
    meaning: str
    percent: bool = False
    in_units: bool = False
    higher_is_better: bool = True


def _lower(label: str, meaning: str, *, in_units: bool = True) -> MetricText:
    text = f"{meaning}; lower is better"
    return MetricText(label, text, in_units=in_units, higher_is_better=False)


METRIC_TEXTS: Mapping[str, MetricText] = {
    "accuracy": MetricText("Accuracy", "share of rows predicted right", percent=True),
    "balanced_accuracy": MetricText(
        "Balanced accuracy", "the same for each class, then averaged", percent=True
    ),
    "macro_f1": MetricText("Macro F1", "precision and recall in one, averaged over classes"),
    "roc_auc": MetricText("ROC AUC", "how well the classes are ranked; 0.5 is chance"),
    "pr_auc": MetricText("PR AUC", "average precision; chance is the share of the class"),
    "log_loss": _lower("Log loss", "how wrong the probabilities are"),
    "expected_calibration_error": _lower(
        "Calibration error", "how far probabilities are from what happens", in_units=False
    ),
    "rmse": _lower("RMSE", "typical error; large ones count more"),
    "mae": _lower("MAE", "average error"),
    "r2": MetricText("R²", "share of the variance explained; the mean alone has 0"),
    "loss": _lower("Loss", "what training minimises"),
}

_BASELINE_LABELS = {
    "majority": "always the most frequent class",
    "mean": "always the mean",
    "linear": "a linear model",
    "boosting": "gradient boosting",
}


def label_baseline(name: str) -> str:
    """Return a baseline's name as people read it."""
    return _BASELINE_LABELS.get(name, name.replace("_", " "))


def format_metric(name: str, value: float) -> str:
    """Return a metric as text: shares in per cent, scores with three decimals."""
    if not math.isfinite(value):
        return "not finite"
    text = METRIC_TEXTS[name]
    if text.percent:
        return f"{100 * value:.1f} %"
    return format_number(value) if text.in_units else format_score(value)


def format_score(value: float) -> str:
    """Return a score around 0 to 1 with three decimals."""
    # Adding 0 makes a rounded -0.0 a 0.0.
    return f"{round(value, 3) + 0:.3f}"


def format_number(value: float) -> str:
    """Return a number in about four digits: 12,346, 123.5, 0.987, 0.0012."""
    size = abs(value)
    if 1000 <= size < 1e15:
        return f"{value:,.0f}"
    if 0.01 <= size < 10:
        return f"{value:.3f}"
    return f"{value:.4g}" if size >= 10 else f"{value:.2g}"


def format_difference(value: float) -> str:
    """Return a difference of two figures with its sign, in two digits: +0.13, -0.004."""
    return f"{value:+.2g}" if abs(value) < 1 else f"{value:+,.3g}"


def format_change(name: str, value: float) -> str:
    """Return a difference of a metric with its sign; one of shares in points: +19.6 points."""
    if METRIC_TEXTS[name].percent:
        return f"{round(100 * value, 1) + 0:+.1f} points"
    return format_difference(value)


def format_change_interval(name: str, low: float, high: float) -> str:
    """Return from where to where a difference of a metric may be: -2.5 to +1.4 points."""
    return f"{format_change(name, low).removesuffix(' points')} to {format_change(name, high)}"


def format_interval(name: str, figure: Figure) -> str:
    """Return an interval as `low to high`; empty where there is none."""
    if figure.low is None or figure.high is None:
        return ""
    low, high = format_metric(name, figure.low), format_metric(name, figure.high)
    return f"{low.removesuffix(' %')} to {high}"


def format_share(share: float) -> str:
    """Return a share in per cent, with the digits that tell it from 0 and from all."""
    percent = 100 * share
    if percent in (0, 100):
        return f"{percent:.0f} %"
    near = min(percent, 100 - percent)
    if near < 0.01:
        return "< 0.01 %" if percent < 1 else "> 99.99 %"
    return f"{percent:.{1 if near >= 1 else 2}f} %"


def describe_loss(contest: Contest | None) -> str | None:
    """Return one sentence where a baseline is clearly better than the network; else None."""
    if contest is None or not contest.is_lost or contest.low is None or contest.high is None:
        return None
    name, text = contest.metric, METRIC_TEXTS[contest.metric]
    unit = " points" if text.percent else ""
    values = (contest.other - contest.model, contest.low, contest.high)
    difference, low, high = (
        f"{100 * value:+.1f}" if text.percent else _format_signed(value) for value in values
    )
    return (
        f"{label_baseline(contest.baseline)} is better on this table: validation {text.label} "
        f"{format_metric(name, contest.other)} against {format_metric(name, contest.model)}, a "
        f"difference of {difference}{unit} ({low} to {high}); a network may be the wrong tool"
    )


def _format_signed(value: float) -> str:
    return f"{'-' if value < 0 else '+'}{format_number(abs(value)) if value else 0}"


def format_count(count: int) -> str:
    """Return a count with commas: 12,345."""
    return f"{count:,}"


def format_many(count: int, noun: str) -> str:
    """Return how many there are of something: 1 row, 12,345 rows."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def format_size(num_bytes: int) -> str:
    """Return a size in the largest unit of which it holds one: 3.8 MB."""
    size = float(num_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def format_seconds(seconds: float) -> str:
    """Return a duration: 0.31 s, 12.5 s, 3 min 5 s, 2 h 10 min."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
