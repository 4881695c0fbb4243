"""Own the rows that a model is most wrong about: which, what it said, and what is given.

Names rows by their number; what is in them it refuses to know.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from iovalence.evaluation.metrics import Floats, Ints
from iovalence.models.predictions import Predictions
from iovalence.quality.findings import RowNumber
from iovalence.record import Record

MAX_MISTAKES = 10
ROW_VALUES = frozenset({"given", "predicted", "prob_predicted", "prob_given", "error"})
"""Fields that stand for the values of a row: they leave the machine with those alone."""

NameRow = Callable[[int], RowNumber]


class Mistake(Record):
    """Hold one row that is predicted wrong.

    Attributes:
        row: Its number.
        given: Its label, or its value in the target's own unit.
        predicted: What the model says.
        prob_predicted: Probability given to the predicted class; None for regression.
        prob_given: Probability given to the label; None for regression.
        error: What the row adds to the loss, -log of `prob_given`; for regression true less
            predicted, in the target's own unit.
    """

    row: RowNumber
    given: str | float
    predicted: str | float
    prob_predicted: float | None = None
    prob_given: float | None = None
    error: float


class PartMistakes(Record):
    """Hold the worst mistakes of one part.

    Attributes:
        part: Its name.
        num_rows: Its rows.
        num_wrong: Rows of known classes that are predicted wrong; for regression all rows.
        mistakes: The ten that cost most, the worst first.
    """

    part: str
    num_rows: int
    num_wrong: int
    mistakes: tuple[Mistake, ...]


class Mistakes(Record):
    """Hold the worst mistakes, as mistakes.json has them, the main part last."""

    parts: tuple[PartMistakes, ...]

    @property
    def rows(self) -> tuple[RowNumber, ...]:
        """Return all rows that are named."""
        return tuple(one.row for part in self.parts for one in part.mistakes)


def find_mistakes(
    part: str, y_true: Ints | Floats, predictions: Predictions, name_row: NameRow
) -> PartMistakes:
    """Return the rows that the model is most wrong about.

    A row of a class that the model does not know can only be wrong: such rows are left out.

    Args:
        part: The part's name.
        y_true: Class index, int64 (N,), -1 for an unknown class; or values, float64 (N,).
        predictions: What the model says of the rows, values in the same unit.
        name_row: Names a row by its position, in [0, N).
    """
    if predictions.probs is None:
        return _find_values(part, y_true.astype(np.float64), predictions, name_row)
    probs, labels = predictions.probs, y_true.astype(np.int64)
    y_pred = predictions.y_pred.astype(np.int64)
    wrong = np.flatnonzero((labels >= 0) & (labels != y_pred))
    of_given = probs[wrong, labels[wrong]]
    classes = predictions.classes or ()

    def describe(at: int) -> Mistake:
        row = int(wrong[at])
        prob = float(of_given[at])
        return Mistake(
            row=name_row(row),
            given=classes[labels[row]],
            predicted=classes[y_pred[row]],
            prob_predicted=float(probs[row, y_pred[row]]),
            prob_given=prob,
            error=float(-np.log(max(prob, np.finfo(np.float64).eps))),
        )

    return PartMistakes(
        part=part,
        num_rows=len(labels),
        num_wrong=len(wrong),
        mistakes=tuple(map(describe, _smallest(of_given))),
    )


def _find_values(
    part: str, y_true: Floats, predictions: Predictions, name_row: NameRow
) -> PartMistakes:
    y_pred = predictions.y_pred.astype(np.float64)
    errors = y_true - y_pred
    return PartMistakes(
        part=part,
        num_rows=len(y_true),
        num_wrong=len(y_true),
        mistakes=tuple(
            Mistake(
                row=name_row(at),
                given=float(y_true[at]),
                predicted=float(y_pred[at]),
                error=float(errors[at]),
            )
            for at in _smallest(-np.abs(errors))
        ),
    )


def _smallest(values: NDArray[np.float64]) -> list[int]:
    """Return the positions of the ten smallest values, the smallest first."""
    order: list[int] = np.argsort(values, kind="stable")[:MAX_MISTAKES].tolist()
    return order
