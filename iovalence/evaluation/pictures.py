"""Own the pictures of a run: drawn once, saved as PNG for MLflow and as SVG for the report.

Matplotlib's objects are used without pyplot, so nothing is shared between threads. Colours can
be told apart by colour-blind people (Okabe and Ito 2008), and never carry a meaning alone.
"""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iovalence.atomic import write_bytes
from iovalence.evaluation.evaluate import count_confusion
from iovalence.evaluation.metrics import NUM_CALIBRATION_BINS, Floats, Ints, calibration_bins
from iovalence.evaluation.result import EvaluationResult, PartResult
from iovalence.models.predictions import Predictions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

History = Sequence[Mapping[str, float]]

INK, MUTED, LINE, PAPER, ON_FILL = "#24292f", "#6e7781", "#d8dee4", "#ffffff", "#fefefe"
BLUE, ORANGE = "#0072b2", "#d55e00"
CURVE_COLORS = (BLUE, ORANGE, "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MAX_MATRIX_CLASSES = 20
MAX_CURVES = len(CURVE_COLORS)
MAX_POINTS = 1000
MAX_CURVE_POINTS = 400
MAX_LABEL = 18

_STYLE = {
    "figure.facecolor": PAPER,
    "figure.dpi": 120,
    "axes.facecolor": "none",
    "axes.edgecolor": LINE,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "figure.titlesize": 10,
    "figure.titleweight": "bold",
    "axes.labelsize": 9,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "text.color": INK,
    # A class may be called `$x`: names are never read as formulas.
    "text.parse_math": False,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.title_fontsize": 8,
    "font.family": ["DejaVu Sans"],
    # Text stays text: it can be read, searched and copied, and names in any script are shown.
    "svg.fonttype": "none",
    "svg.hashsalt": "iovalence",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw and save in the style of all pictures, for a block."""
    import matplotlib

    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # Names in scripts that the font lacks are boxes in the PNG; the SVG leaves them as text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def draw_pictures(
    result: EvaluationResult,
    history: History,
    kept_epoch: int | None,
    y_true: Ints | Floats,
    predictions: Predictions,
    weight: Floats | None = None,
) -> dict[str, "Figure"]:
    """Draw what helps to judge a run; a picture that its data cannot fill is left out.

    Args:
        result: The run's figures.
        history: The figures of each epoch, by the names of the journal, with `epoch` from 1.
        kept_epoch: Epoch whose weights are the model; None where it is not known.
        y_true: Of the rows of `result.main_part`: class index, int64 (N,), -1 for a class that
            the model does not know; or values, float64 (N,).
        predictions: Of the same rows.
        weight: Of the same rows, float64 (N,) >= 0; None for equal weights.
    """
    weights = np.ones(len(y_true)) if weight is None else weight
    part = result.main_part
    with style():
        figures = {"training_curves": _draw_training_curves(history, kept_epoch)}
        if predictions.probs is not None:
            labels = y_true.astype(np.int64)
            figures["confusion_matrix"] = _draw_confusion_matrix(labels, predictions, part)
            figures["roc_curve"] = _draw_roc_curve(labels, predictions, weights, result)
            figures["calibration"] = _draw_calibration(labels, predictions.probs, weights, part)
        elif predictions.values is not None and len(y_true):
            values = y_true.astype(np.float64)
            figures["predicted_vs_true"] = _draw_predicted(values, predictions.values, result)
            figures["residuals"] = _draw_residuals(values, predictions.values, result)
    return {name: figure for name, figure in figures.items() if figure is not None}


def save_pictures(figures: Mapping[str, "Figure"], folder: Path) -> None:
    """Write each picture into the folder, as PNG and as SVG; the same input gives the same bytes.

    Raises:
        StorageError: The folder cannot be written to, or the disk is full.
    """
    for name, figure in figures.items():
        for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
            write_bytes(folder / f"{name}.{kind}", _render(figure, kind, metadata))


def _render(figure: "Figure", kind: str, metadata: Mapping[str, Any]) -> bytes:
    content = BytesIO()
    with style():
        options: dict[str, Any] = {"pil_kwargs": {"compress_level": 3}} if kind == "png" else {}
        figure.savefig(content, format=kind, metadata=metadata, **options)
    # The first time has found a place for everything; it takes as long as drawing.
    figure.set_layout_engine("none")
    return content.getvalue()


def _new_figure(title: str | None = None, width: float = 4.8, height: float = 3.9) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="tight")
    if title is not None:
        figure.suptitle(title, x=0.02, horizontalalignment="left")
    return figure


def new_axes(title: str, x_label: str, y_label: str) -> tuple["Figure", "Axes"]:
    """Return a picture with one pair of axes; to be called within `style`."""
    figure = _new_figure(title)
    axes = figure.add_subplot()
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.locator_params(nbins=6)
    return figure, axes


def _shorten(name: str) -> str:
    return name if len(name) <= MAX_LABEL else f"{name[: MAX_LABEL - 1]}…"


def _draw_training_curves(history: History, kept_epoch: int | None) -> "Figure | None":
    """Draw loss, and accuracy or RMSE, by epoch."""
    panels = [
        (name, label)
        for name, label in (("loss", "Loss"), ("accuracy", "Accuracy"), ("rmse", "RMSE"))
        if any(f"train_{name}" in epoch for epoch in history)
    ]
    if not panels:
        return None
    figure = _new_figure(width=9.8, height=3.5)
    for axes, (name, label) in zip(
        np.atleast_1d(figure.subplots(1, len(panels))), panels, strict=True
    ):
        axes.set(title=label, xlabel="Epoch")
        for key, color, line in (("train", BLUE, "-"), ("val", ORANGE, "--")):
            _draw_curve(axes, history, f"{key}_{name}", color, line)
        axes.locator_params(nbins=6)
        axes.locator_params(axis="x", integer=True, min_n_ticks=1)
        if kept_epoch is not None:
            axes.axvline(kept_epoch, color=MUTED, linewidth=1, linestyle=":", label="kept epoch")
        axes.legend()
    return figure


_CURVE_NAMES = {"train": "train, as it learned", "val": "validation"}


def _draw_curve(axes: "Axes", history: History, key: str, color: str, line: str) -> None:
    points = [(epoch["epoch"], epoch[key]) for epoch in history if key in epoch]
    if not points:
        return
    epochs, values = np.array(points, dtype=np.float64).T
    values[~np.isfinite(values)] = np.nan
    marker = "o" if len(points) < 15 else None
    label = _CURVE_NAMES[key.split("_")[0]]
    axes.plot(epochs, values, color=color, linestyle=line, marker=marker, ms=3.5, label=label)


def _draw_confusion_matrix(y_true: Ints, predictions: Predictions, part: PartResult) -> "Figure":
    """Draw the share of each true class that was predicted as each class, with the counts."""
    from matplotlib.colors import LinearSegmentedColormap

    matrix = count_confusion(y_true, predictions, MAX_MATRIX_CLASSES)
    counts = np.array(matrix.counts)
    shares = counts / counts.sum(axis=1, keepdims=True).clip(1)
    title, extra = f"Confusion matrix, {part.part} part", 0.3 * max(0, len(counts) - 6)
    figure = _new_figure(title, 4.8 + extra, 3.9 + extra)
    axes = figure.add_subplot(xlabel="Predicted", ylabel="True")
    # From transparent to blue: right on white paper and on a dark page.
    blues = LinearSegmentedColormap.from_list("blues", [(0, 0.447, 0.698, a) for a in (0.04, 0.95)])
    axes.pcolormesh(shares, cmap=blues, vmin=0, vmax=1, edgecolors=PAPER, linewidth=1)
    for (row, column), count in np.ndenumerate(counts):
        # A zero in each of many cells hides the rest.
        if count or len(counts) <= 6:
            text = axes.text(column + 0.5, row + 0.5, f"{count:,}", ha="center", va="center")
            text.set_color(ON_FILL if shares[row, column] > 0.55 else INK)
            text.set_fontsize(11 if len(counts) <= 6 else 8)
            text.set_in_layout(False)
    _label_cells(axes, matrix.true_labels, matrix.predicted_labels)
    return figure


def _label_cells(axes: "Axes", rows: Sequence[str], columns: Sequence[str]) -> None:
    slanted = sum(len(_shorten(name)) for name in columns) > 40
    axes.set_xticks(
        np.arange(len(columns)) + 0.5,
        [_shorten(name) for name in columns],
        rotation=45 if slanted else 0,
        ha="right" if slanted else "center",
        rotation_mode="anchor",
    )
    axes.set_yticks(np.arange(len(rows)) + 0.5, [_shorten(name) for name in rows])
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_roc_curve(
    y_true: Ints, predictions: Predictions, weights: Floats, result: EvaluationResult
) -> "Figure | None":
    """Draw the ROC curve of the positive class, or of the largest classes against the rest."""
    known, classes = y_true >= 0, predictions.classes or ()
    counts = np.bincount(y_true[known], minlength=len(classes))
    drawable = [k for k in np.argsort(-counts, kind="stable") if 0 < counts[k] < known.sum()]
    if result.positive_class is not None:
        positive = classes.index(result.positive_class)
        drawable = [k for k in drawable if k == positive]
    if not drawable or predictions.probs is None:
        return None
    title = f"ROC curve, {result.main_part.part} part"
    figure, axes = new_axes(title, "False positive rate", "True positive rate")
    axes.plot((0, 1), (0, 1), color=MUTED, linewidth=1, linestyle=":", label="by chance")
    for k, color, line in zip(
        drawable[:MAX_CURVES], cycle(CURVE_COLORS), cycle(("-", "--", "-.")), strict=False
    ):
        rates = roc_points(y_true[known] == k, predictions.probs[known, k], weights[known])
        area = np.trapezoid(rates[1], rates[0])
        label = f"{_shorten(classes[k])}, area {area:.3f}"
        axes.plot(*_thin(rates), color=color, linestyle=line, label=label)
    more = len(drawable) - MAX_CURVES
    axes.legend(loc="lower right", title=f"{more} smaller classes not shown" if more > 0 else None)
    return figure


def roc_points(is_positive: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """Return false and true positive rates, float64 (2, P), over all thresholds, from (0, 0)."""
    order = np.argsort(-scores, kind="stable")
    last_of_score = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    hits = np.stack([~is_positive[order], is_positive[order]]) * weights[order]
    sums = hits.cumsum(axis=1)[:, last_of_score]
    return np.concatenate([np.zeros((2, 1)), sums / sums[:, -1:]], axis=1)


def _thin(points: Floats) -> Floats:
    """Keep at most some hundred points of a curve, ends included: more cannot be seen."""
    num_points = min(points.shape[1], MAX_CURVE_POINTS)
    return points[:, np.linspace(0, points.shape[1] - 1, num_points).round().astype(np.int64)]


def _draw_calibration(
    y_true: Ints, probs: Floats, weights: Floats, part: PartResult
) -> "Figure | None":
    """Draw how often the model is right by how sure it is, above how often it is that sure."""
    if not len(y_true):
        return None
    confidence = probs.max(axis=1)
    bins = calibration_bins(confidence)
    total, sure, right = (
        np.bincount(bins, weights * values, minlength=NUM_CALIBRATION_BINS)
        for values in (np.ones(len(bins)), confidence, probs.argmax(axis=1) == y_true)
    )
    filled = total > 0
    num_rows = total[filled].astype(np.float64)
    x, shares = sure[filled] / num_rows, right[filled] / num_rows
    figure = _new_figure(f"Calibration, {part.part} part")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.set(ylabel="Share that is right", ylim=(0, 1.04))
    above.plot((0, 1), (0, 1), color=MUTED, linewidth=1, linestyle=":", label="as sure as right")
    above.vlines(x, *wilson_limits(shares, num_rows), color=BLUE, linewidth=1)
    above.plot(
        x,
        shares,
        color=BLUE,
        marker="o",
        ms=4.5,
        linestyle="",
        label="this model, with 95 % interval",
    )
    above.legend()
    centres = (np.arange(NUM_CALIBRATION_BINS) + 0.5) / NUM_CALIBRATION_BINS
    below.bar(centres, total / total.sum(), width=0.9 / NUM_CALIBRATION_BINS, color=BLUE)
    low = 0.0 if probs.shape[1] > 2 else 0.45
    below.set(xlabel="Probability given to the predicted class", ylabel="Rows", xlim=(low, 1.01))
    below.yaxis.set_major_formatter("{x:.0%}")
    return figure


def wilson_limits(shares: Floats, num_rows: Floats) -> tuple[Floats, Floats]:
    """Return 95 % limits of shares in [0, 1] of so many rows each.

    Source: Wilson 1927, Probable Inference, the Law of Succession, and Statistical Inference.
    """
    z = 1.96
    centre = (shares + z**2 / (2 * num_rows)) / (1 + z**2 / num_rows)
    half = np.sqrt(shares * (1 - shares) / num_rows + (z / (2 * num_rows)) ** 2)
    half *= z / (1 + z**2 / num_rows)
    return centre - half, centre + half


def _draw_predicted(y_true: Floats, y_pred: Floats, result: EvaluationResult) -> "Figure":
    """Draw predicted against true values."""
    rows, title = _choose_points(y_true, result, "Predicted against true")
    figure, axes = new_axes(title, f"True {_shorten(result.target)}", "Predicted")
    y_true, y_pred = y_true[rows], y_pred[rows]
    ends = (min(y_true.min(), y_pred.min()), max(y_true.max(), y_pred.max()))
    axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle=":", label="right")
    axes.legend(loc="upper left")
    _scatter(axes, y_true, y_pred)
    return figure


def _draw_residuals(y_true: Floats, y_pred: Floats, result: EvaluationResult) -> "Figure":
    """Draw how far the true values lie from the predicted ones."""
    rows, title = _choose_points(y_true, result, "Residuals")
    figure, axes = new_axes(title, f"Predicted {_shorten(result.target)}", "True less predicted")
    axes.axhline(0, color=MUTED, linewidth=1, linestyle=":")
    _scatter(axes, y_pred[rows], y_true[rows] - y_pred[rows])
    return figure


def _choose_points(y_true: Floats, result: EvaluationResult, what: str) -> tuple[Ints, str]:
    """Return the rows to draw, spread evenly over all, and a title that says how many."""
    num_points = min(len(y_true), MAX_POINTS)
    rows = np.linspace(0, len(y_true) - 1, num_points).round().astype(np.int64)
    part = result.main_part.part
    if num_points == len(y_true):
        return rows, f"{what}, {part} part"
    return rows, f"{what}, {num_points:,} of {len(y_true):,} {part} rows"


def _scatter(axes: "Axes", x: Floats, y: Floats) -> None:
    axes.scatter(x, y, s=9, color=BLUE, alpha=0.45, linewidths=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,.10g}")


_INLINE_COLORS = {
    f"fill: {PAPER}": "fill: none",
    f"stroke: {PAPER}": "stroke: var(--paper)",
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    BLUE: "var(--blue)",
    ORANGE: "var(--orange)",
    "font-family: 'DejaVu Sans'": "font-family: inherit",
}


def inline_svg(name: str, svg: str, description: str) -> str:
    """Return a saved picture as an element of a page.

    Its size follows the page, its colours the page's variables, and its ids are unique among
    pictures of other names.

    Args:
        name: Of the picture; letters and underscores.
        svg: As `save_pictures` wrote it.
        description: For people who cannot see it.
    """
    from html import escape

    body = svg[svg.index("<svg") :]
    body = re.sub(r"\s*<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", body)
    for color, variable in _INLINE_COLORS.items():
        body = body.replace(color, variable)
    view_box = re.search(r'viewBox="[^"]*"', body)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {view_box[0] if view_box else ""} '
        f'xmlns:xlink="http://www.w3.org/1999/xlink" role="img" aria-label="{escape(description)}">'
    )
    return opening + body[body.index(">") + 1 :]
