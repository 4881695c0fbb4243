"""Own which charts a report has, and what each says; how one is drawn is in `svg`."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from iovalence.evaluation.curves import GRID, CalibrationBin, ClassCurves, Curves, Grid
from iovalence.evaluation.result import EvaluationResult, PartResult
from iovalence.evaluation.wording import format_count, format_metric, format_score
from iovalence.reporting.svg import BOTTOM, TOP, Axis, Panel, draw_svg, fit_axis, share_axis

History = Sequence[Mapping[str, float]]

MAX_NAME = 24
_CURVES = (("train", "train, as it learned"), ("val", "validation"))
_METRICS = (("loss", "Loss"), ("accuracy", "Accuracy"), ("rmse", "RMSE"))


@dataclass(frozen=True)
class Chart:
    """Hold a chart as the page shows it.

    Attributes:
        name: Of the chart; letters, digits and dashes.
        title: Above it.
        svg: The picture.
        caption: Below it: how to read it.
        legend: Kind of mark, and what it stands for.
        head: Titles of the columns of `rows`.
        rows: What it shows in figures, for those who want or cannot see otherwise.
    """

    name: str
    title: str
    svg: Markup
    caption: str = ""
    legend: tuple[tuple[str, str], ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def draw_learning(history: History, kept_epoch: int | None) -> list[Chart]:
    """Return loss, and accuracy or RMSE, by epoch, with the epoch whose weights are the model."""
    charts = []
    for name, title in _METRICS:
        present = [
            (key, label) for key, label in _CURVES if any(f"{key}_{name}" in one for one in history)
        ]
        if present:
            charts.append(_draw_by_epoch(name, title, history, present, kept_epoch))
    return charts


def _draw_by_epoch(
    name: str,
    title: str,
    history: History,
    present: Sequence[tuple[str, str]],
    kept_epoch: int | None,
) -> Chart:
    curves = {
        key: [(one["epoch"], one[f"{key}_{name}"]) for one in history if f"{key}_{name}" in one]
        for key, _ in present
    }
    values = [value for points in curves.values() for _, value in points]
    panel = Panel(
        fit_axis([one["epoch"] for one in history], "Epoch", whole=True),
        fit_axis(values, ""),
        height=190,
    )
    if kept_epoch is not None:
        panel.line([(kept_epoch, panel.y.low), (kept_epoch, panel.y.high)], "mark")
    for (key, label), kind in zip(present, ("c1", "c2 dashed"), strict=False):
        panel.line(curves[key], kind)
        for epoch, value in _spread(curves[key]):
            is_kept = epoch == kept_epoch
            text = f"epoch {epoch:.0f}: {label} {_write(name, value)}"
            panel.dot(epoch, value, kind, text + (", the kept epoch" if is_kept else ""), 2.5)
    legend = [(kind, label) for (_, label), kind in zip(present, ("c1", "c2 dashed"), strict=False)]
    if kept_epoch is not None:
        legend.append(("mark", f"kept epoch {kept_epoch}"))
    return Chart(
        name=f"learning-{name}",
        title=f"{title} by epoch",
        svg=draw_svg([panel], _describe_learning(name, title, curves, kept_epoch)),
        legend=tuple(legend),
    )


def _spread(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points that get a dot and a tooltip: finite ones, at most about fifty."""
    step = max(1, math.ceil(len(points) / 50))
    return [(x, y) for x, y in points[::step] if math.isfinite(y)]


def _describe_learning(
    name: str, title: str, curves: Mapping[str, Sequence[tuple[float, float]]], kept: int | None
) -> str:
    """Return the curves in words: where each begins and ends, and the kept epoch."""
    said = [
        f"{dict(_CURVES)[key]} from {_write(name, points[0][1])} to {_write(name, points[-1][1])}"
        for key, points in curves.items()
        if points
    ]
    epochs = max(len(points) for points in curves.values())
    marked = "" if kept is None else f"; the kept epoch is {kept}"
    return f"{title} over {epochs} epochs: {', '.join(said)}{marked}."


def _write(name: str, value: float) -> str:
    return format_metric(name, value)


def draw_roc(curves: Curves, part: PartResult) -> Chart | None:
    """Return the ROC curve of the positive class, or of the largest classes."""
    if not curves.classes:
        return None
    panel = Panel(share_axis("False alarms: share of others"), share_axis("Found: share of class"))
    panel.line([(0, 0), (1, 1)], "guess")
    legend = list(_trace(panel, curves.classes, "roc"))
    auc = part.metrics.get("roc_auc")
    area = "" if auc is None else f" Area under it: {format_score(auc.value)}."
    return Chart(
        name="roc",
        title="ROC curve",
        svg=draw_svg([panel], f"ROC curve on the {part.part} part.{area} Guessing has 0.5."),
        caption="How much of a class is found for the false alarms that are accepted; the nearer "
        f"to the top left corner, the better.{area}{_say_more(curves)}",
        legend=(*legend, ("guess", "by guessing")),
    )


def draw_precision_recall(curves: Curves, part: PartResult) -> Chart | None:
    """Return the precision-recall curve of the same classes."""
    if not curves.classes:
        return None
    panel = Panel(share_axis("Recall: found of its rows"), share_axis("Precision: right when said"))
    legend = list(_trace(panel, curves.classes, "precision_recall"))
    if len(curves.classes) == 1:
        share = curves.classes[0].share
        panel.line([(0, share), (1, share)], "guess")
        legend.append(("guess", f"by guessing: {100 * share:.1f} %, the share of the class"))
    area = part.metrics.get("pr_auc")
    said = "" if area is None else f" Area under it: {format_score(area.value)}."
    return Chart(
        name="precision-recall",
        title="Precision and recall",
        svg=draw_svg([panel], f"Precision by recall on the {part.part} part.{said}"),
        caption="How often the model is right when it names the class, for how much of the class "
        f"it finds; it tells more than ROC where the class is rare.{said}{_say_more(curves)}",
        legend=tuple(legend),
    )


def _trace(panel: Panel, classes: Sequence[ClassCurves], what: str) -> Iterator[tuple[str, str]]:
    """Draw a curve for each class, and yield its line of the legend."""
    for at, one in enumerate(classes):
        kind = f"c{at + 1}" + (" dashed" if at % 2 else "")
        name = shorten(one.name)
        panel.line(getattr(one, what), kind, name)
        yield kind, f"{name} ({format_count(one.num_rows)} rows)"


def _say_more(curves: Curves) -> str:
    if not curves.num_without:
        return ""
    return (
        f" Each class against all others; {format_count(curves.num_without)} smaller are not shown."
    )


def draw_calibration(curves: Curves, part: PartResult) -> Chart | None:
    """Return how often the model is right for how sure it is, above how many rows that is."""
    bins = curves.calibration
    if not bins:
        return None
    low = min(one.low for one in bins)
    ticks = tuple(tick for tick in (0.0, 0.25, 0.5, 0.75, 1.0) if tick >= low)
    sure = Axis(low, 1.0, "", ticks, percent=True)
    above = Panel(sure, share_axis("Share that is right"), height=190)
    above.line([(low, low), (1, 1)], "guess")
    most = max(one.num_rows for one in bins)
    counts = Axis(0, most, "Rows", (0, most))
    below = Panel(
        Axis(low, 1.0, "Probability given to the predicted class", ticks, percent=True),
        counts,
        top=TOP + 190 + BOTTOM - 8,
        height=60,
    )
    for one in bins:
        above.line([(one.confidence, one.right_low), (one.confidence, one.right_high)], "c1 thin")
        above.dot(one.confidence, one.right, "c1", _say_bin(one), 4)
        below.box((one.low, one.high), (0, one.num_rows), "fill-c1", _say_bin(one))
    error = part.metrics.get("expected_calibration_error")
    said = "" if error is None else f" Calibration error: {format_score(error.value)}."
    return Chart(
        name="calibration",
        title="Calibration",
        svg=draw_svg([above, below], f"Reliability of {len(bins)} bins of probability.{said}"),
        caption="When the model says 80 %, is it right in 80 % of cases? Below the line it is too "
        f"sure. Bars: how many rows it is that sure of.{said}",
        legend=(("c1", "this model, with 95 % interval"), ("guess", "as sure as right")),
        head=("Probability", "Rows", "Mean", "Right", "95 % interval"),
        rows=tuple(_list_bin(one) for one in bins),
    )


def _say_bin(one: CalibrationBin) -> str:
    return (
        f"{format_count(one.num_rows)} rows: {100 * one.confidence:.1f} % sure, "
        f"{100 * one.right:.1f} % right"
    )


def _list_bin(one: CalibrationBin) -> tuple[str, ...]:
    return (
        f"{100 * one.low:.0f} to {100 * one.high:.0f} %",
        format_count(one.num_rows),
        f"{100 * one.confidence:.1f} %",
        f"{100 * one.right:.1f} %",
        f"{100 * one.right_low:.1f} to {100 * one.right_high:.1f} %",
    )


def draw_predicted(curves: Curves, target: str) -> Chart | None:
    """Return predicted against true values, rows counted in cells."""
    grid = curves.predicted
    if grid is None:
        return None
    x, y = _grid_axis(grid.x, f"True {shorten(target)}"), _grid_axis(grid.y, "Predicted")
    panel = Panel(x, y)
    _fill_grid(panel, grid)
    panel.line([(grid.x[0], grid.x[0]), (grid.x[1], grid.x[1])], "guess")
    return Chart(
        name="predicted",
        title="Predicted against true",
        svg=draw_svg([panel], f"Predicted against true values of {curves.num_rows} rows."),
        caption="On the line, the prediction is right. The darker a square, the more rows; "
        f"{format_count(curves.num_rows)} in all.",
        legend=(("fill-c1", "rows"), ("guess", "right")),
    )


def draw_residuals(curves: Curves, target: str) -> Chart | None:
    """Return true less predicted against predicted values, rows counted in cells."""
    grid = curves.residuals
    if grid is None:
        return None
    panel = Panel(
        _grid_axis(grid.x, f"Predicted {shorten(target)}"),
        _grid_axis(grid.y, "True less predicted"),
    )
    _fill_grid(panel, grid)
    if grid.y[0] <= 0 <= grid.y[1]:
        panel.line([(panel.x.low, 0), (panel.x.high, 0)], "guess")
    return Chart(
        name="residuals",
        title="Residuals",
        svg=draw_svg([panel], f"True less predicted values of {curves.num_rows} rows."),
        caption="What is left of each row when the prediction is taken away. A pattern in it, a "
        "bend or a funnel, is something that the model missed.",
        legend=(("fill-c1", "rows"), ("guess", "right")),
    )


def _grid_axis(ends: tuple[float, float], label: str) -> Axis:
    axis = fit_axis(ends, label)
    low, high = ends if ends[1] > ends[0] else (axis.low, axis.high)
    ticks = tuple(tick for tick in axis.ticks if low <= tick <= high)
    return Axis(low, high, label, ticks)


def _fill_grid(panel: Panel, grid: Grid) -> None:
    most = max((count for _, _, count in grid.cells), default=1)
    wide, tall = ((axis.high - axis.low) / GRID for axis in (panel.x, panel.y))
    for column, line, count in grid.cells:
        left, low = panel.x.low + column * wide, panel.y.low + line * tall
        strength = 0.3 + 0.7 * math.log1p(count) / math.log1p(most)
        rows = "1 row" if count == 1 else f"{format_count(count)} rows"
        panel.box((left, left + wide), (low, low + tall), "fill-c1", rows, strength)


def list_charts(result: EvaluationResult, curves: Curves | None) -> list[Chart]:
    """Return the charts of the main part, without learning curves and confusion matrix."""
    if curves is None:
        return []
    part = result.part(curves.part) or result.main_part
    found = (
        draw_roc(curves, part),
        draw_precision_recall(curves, part),
        draw_calibration(curves, part),
        draw_predicted(curves, result.target),
        draw_residuals(curves, result.target),
    )
    return [chart for chart in found if chart is not None]


def shorten(name: str, size: int = MAX_NAME) -> str:
    """Return a name as it fits into a chart."""
    return name if len(name) <= size else f"{name[: size - 1]}…"
