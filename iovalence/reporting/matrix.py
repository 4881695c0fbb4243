"""Own how a confusion matrix is shown: as a table, or as a picture where there are many classes."""

from collections.abc import Sequence
from dataclasses import dataclass

from iovalence.evaluation.result import ConfusionMatrix
from iovalence.evaluation.wording import format_count
from iovalence.reporting.charts import Chart
from iovalence.reporting.svg import Axis, Panel, draw_svg

MAX_TABLE_CLASSES = 10
MAX_CONFUSIONS = 12


@dataclass(frozen=True)
class MatrixCell:
    """Hold a cell of a confusion matrix: its count, and its share of the true class in [0, 1]."""

    count: int
    share: float

    @property
    def strength(self) -> str:
        """Return how strongly it is coloured, in per cent; text on it stays readable."""
        return f"{100 * self.share * 0.45:.0f}"


@dataclass(frozen=True)
class Matrix:
    """Hold a confusion matrix as the page shows it: as a table, or where it is large as a chart.

    Attributes:
        columns: Names of the predicted classes.
        lines: Name and cells of each true class; empty where it is large.
        chart: The picture of a large one.
        confusions: The most frequent mistakes: true, predicted, rows, and share of the class.
    """

    columns: tuple[str, ...]
    lines: tuple[tuple[str, tuple[MatrixCell, ...]], ...]
    chart: Chart | None
    confusions: tuple[tuple[str, str, int, str], ...]


def show_matrix(matrix: ConfusionMatrix) -> Matrix:
    """Return a confusion matrix as the page shows it."""
    lines = tuple(
        (name, tuple(MatrixCell(count, count / max(1, sum(counts))) for count in counts))
        for name, counts in zip(matrix.true_labels, matrix.counts, strict=True)
    )
    is_large = len(lines) > MAX_TABLE_CLASSES
    return Matrix(
        columns=matrix.predicted_labels,
        lines=() if is_large else lines,
        chart=_draw_matrix(matrix, lines) if is_large else None,
        confusions=_list_confusions(matrix, lines) if len(lines) > 2 else (),
    )


def _list_confusions(
    matrix: ConfusionMatrix, lines: Sequence[tuple[str, Sequence[MatrixCell]]]
) -> tuple[tuple[str, str, int, str], ...]:
    found = [
        (true, predicted, cell.count, f"{100 * cell.share:.1f} %")
        for true, cells in lines
        for predicted, cell in zip(matrix.predicted_labels, cells, strict=True)
        if cell.count and predicted != true
    ]
    return tuple(sorted(found, key=lambda one: -one[2])[:MAX_CONFUSIONS])


def _draw_matrix(
    matrix: ConfusionMatrix, lines: Sequence[tuple[str, Sequence[MatrixCell]]]
) -> Chart:
    width, height = len(matrix.predicted_labels), len(lines)
    panel = Panel(Axis(0, width, "Predicted class"), Axis(0, height, "True class"), height=298)
    for at, (true, cells) in enumerate(lines):
        for column, cell in enumerate(cells):
            if cell.count:
                title = f"{true} predicted as {matrix.predicted_labels[column]}: {cell.count}"
                y = (height - at - 1, height - at)
                panel.box((column, column + 1), y, "fill-c1", title, 0.15 + 0.85 * cell.share)
    merged = ""
    if matrix.num_merged:
        merged = f" The {format_count(matrix.num_merged)} smallest classes are one, the last."
    right = sum(counts[at] for at, counts in enumerate(matrix.counts) if at < width)
    return Chart(
        name="matrix",
        title="Confusion matrix",
        svg=draw_svg(
            [panel],
            f"Confusion matrix of {height} classes: {right} rows lie on the diagonal.",
        ),
        caption="True classes from above, predicted ones from the left, in the same order: what "
        "is not on the diagonal is a mistake. The darker, the larger the share of the true class."
        f"{merged}",
    )
