"""Own the rule by which a column is said to give the target away; how it is scored, `alone` knows.

A strong feature is no leak: petals tell irises apart. So a column is accused only where it is the
label under other names (each class has a value of its own, in `RECODED` of its rows on average),
or where it leaves at most `NEARLY_ALL` of the target open and every honest rival at least `MARGIN`
times as much: the next best column; and, unless the column alone is all but perfect, a forest on
all the others together.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.schema import TableSchema
from iovalence.data.table import Table
from iovalence.quality.alone import (
    Sample,
    compute_open,
    compute_open_together,
    read_column,
    recodes,
    sample_rows,
)
from iovalence.quality.findings import MAX_EXAMPLES, Finding, severity_of
from iovalence.quality.labels import encode_labels
from iovalence.quality.section import Action

RECODED = 0.85
NEARLY_ALL = 0.05
PERFECT = 0.005
MARGIN = 3.0
MIN_ROWS = 50
Values = NDArray[np.float64] | NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """Hold how the features of a table do alone.

    Attributes:
        open: How much of the target each leaves open, in [0, 1].
        recoded: How far each is the label under other names, in [0, 1].
    """

    open: dict[str, float]
    recoded: dict[str, float]

    def next_best(self, accused: str) -> str | None:
        """Return the best column that is neither the accused nor beyond belief itself."""
        rivals = [
            name
            for name, left in self.open.items()
            if name != accused and left > PERFECT and self.recoded[name] < RECODED
        ]
        return min(rivals, key=lambda name: self.open[name], default=None)


def check_target(
    table: Table, target: pa.Array, rows: NDArray[np.int64], names: tuple[str, ...], action: Action
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Report the features that give the target away by themselves, and which are to be left out.

    Args:
        table: All N rows.
        target: Labels or values, (N,).
        rows: Indices of the train part, int64 (M,).
        names: Features to look at.
        action: `fix` leaves the columns out.
    """
    if action == "off":
        return (), ()
    sample = sample_rows(rows, _read_target(table.schema, target, rows))
    if len(sample.rows) < MIN_ROWS or sample.num_classes == 1:
        return (), ()
    columns = {name: read_column(table, name, sample.rows) for name in names}
    scores = score_alone(columns, sample)
    accused = find_giveaways(columns, sample, scores)
    if not accused:
        return (), ()
    finding = _report(accused, scores, sample, action)
    return (finding,), accused if action == "fix" else ()


def _read_target(schema: TableSchema, target: pa.Array, rows: NDArray[np.int64]) -> Values:
    chosen = target.take(pa.array(rows))
    if schema.task == "regression":
        return np.asarray(chosen.to_numpy(zero_copy_only=False), dtype=np.float64)
    return encode_labels(chosen)[0]


def score_alone(columns: dict[str, Values], sample: Sample) -> Scores:
    """Return how each column does alone."""
    return Scores(
        {name: compute_open(values, sample) for name, values in columns.items()},
        {
            name: recodes(values, sample) if sample.num_classes else 0.0
            for name, values in columns.items()
        },
    )


def find_giveaways(columns: dict[str, Values], sample: Sample, scores: Scores) -> tuple[str, ...]:
    """Return the columns that give the target away, by the rule of this module."""
    accused = [name for name, share in scores.recoded.items() if share >= RECODED]
    suspects = [
        name
        for name, left in scores.open.items()
        if name not in accused and _is_far_below(left, scores, name, sample)
    ]
    perfect = [name for name in suspects if scores.open[name] <= PERFECT]
    if len(perfect) == 1 and not any(
        left <= PERFECT for name, left in scores.open.items() if name not in (*accused, *perfect)
    ):
        accused += perfect
        suspects.remove(perfect[0])
    if suspects:
        beyond = {*accused, *suspects, *_perfect(scores)}
        honest = sorted((left, name) for name, left in scores.open.items() if name not in beyond)
        rivals = {name: columns[name] for _, name in honest}
        together = compute_open_together(rivals, sample) if rivals else 0.0
        accused += [
            name for name in suspects if together >= MARGIN * _bounded(scores.open[name], sample, 2)
        ]
    return tuple(name for name in columns if name in accused)


def _perfect(scores: Scores) -> list[str]:
    return [name for name, left in scores.open.items() if left <= PERFECT]


def _is_far_below(left: float, scores: Scores, name: str, sample: Sample) -> bool:
    rival = scores.next_best(name)
    if left > NEARLY_ALL or rival is None:
        return False
    return scores.open[rival] >= MARGIN * _bounded(left, sample, 0.5)


def _bounded(left: float, sample: Sample, num_rows: float) -> float:
    """Return what is left open, `num_rows` at least: of few rows none may be wrong by chance."""
    return max(left, num_rows / len(sample.rows))


def _report(accused: tuple[str, ...], scores: Scores, sample: Sample, action: Action) -> Finding:
    figure = "balanced accuracy" if sample.num_classes else "R2"
    shown = ", ".join(_describe(name, scores, sample) for name in accused[:MAX_EXAMPLES])
    more = f" and {len(accused) - MAX_EXAMPLES} more" if len(accused) > MAX_EXAMPLES else ""
    return Finding(
        check="leakage.target",
        severity=severity_of(action),
        count=len(accused),
        share=len(accused) / len(scores.open),
        message="no column may give the target away by itself, found "
        f"{shown}{more} ({figure} of a model of that column alone, on {len(sample.rows)} rows of "
        "train)",
        columns=accused,
        done="left out" if action == "fix" else "",
        advice=""
        if action == "fix"
        else "is it known when a prediction is made? If not, name it in data.exclude or set "
        "quality.leakage.target: fix; if so, set it to warn",
    )


def _describe(name: str, scores: Scores, sample: Sample) -> str:
    text = f"'{name}' with {_score(scores.open[name], sample):.3f}"
    if scores.recoded[name] >= RECODED:
        text += ", the label under other names"
    rival = scores.next_best(name)
    if rival is None:
        return text
    return f"{text}, where the next best, '{rival}', has {_score(scores.open[rival], sample):.3f}"


def _score(left: float, sample: Sample) -> float:
    """Return balanced accuracy, or R2, for how much is left open."""
    return 1 - left * (1 - 1 / sample.num_classes if sample.num_classes else 1)
