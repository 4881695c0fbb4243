"""Own how a model of sequences is used: a line for each sequence, its rows read all at once.

The rows of a sequence may be anywhere in the files, so none is known whole before the last row.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.data.ingest import read_rows
from iovalence.data.sequences import find_sequences
from iovalence.data.table import Table
from iovalence.models.predictions import Predictions
from iovalence.models.predictor import Predictor
from iovalence.quality.labels import respell
from iovalence.quality.sequences import join_labels, require_one_weight


@dataclass(frozen=True)
class JudgedSequences:
    """Hold what the figures need of the sequences that have a label.

    Attributes:
        y_true: Labels, or values in the target's own unit, (S,), as the table has them.
        predictions: What the model says of each.
        weight: float64 (S,), or None where no column holds weights.
        num_skipped: Sequences without a label.
    """

    y_true: pa.Array
    predictions: Predictions
    weight: NDArray[np.float64] | None
    num_skipped: int


def predict_sequences(predictor: Predictor, data: str, base: Path) -> pa.Table:
    """Predict for each sequence of a file, in the order of their first rows.

    Raises:
        DataError: A column that the model needs is missing, a value does not fit it, or a row has
            no group or no time.
    """
    return pa.table(predictor.answer(_read(predictor, data, base, need_target=False)))


def judge_sequences(predictor: Predictor, data: str, base: Path) -> JudgedSequences:
    """Predict for each sequence of a file that has a label.

    Raises:
        DataError: As `predict_sequences`; or a sequence has two labels or weights.
    """
    rows, schema = _read(predictor, data, base, need_target=True), predictor.schema
    table = Table(schema.model_copy(update={"num_rows": (rows.num_rows, 0, 0)}), rows)
    whole, sequences = find_sequences(table), predictor.find_sequences(rows)
    target = respell(rows[schema.target], predictor.preprocessing.classes)
    joined = join_labels(table, target.combine_chunks(), whole)[0].take(pa.array(whole.last))
    require_one_weight(table, whole)
    labelled = np.flatnonzero(pc.is_valid(joined).to_numpy(zero_copy_only=False))
    kept = sequences.take(labelled)
    weights = [rows[name].to_numpy()[kept.last] for name in schema.names("weight")]
    return JudgedSequences(
        y_true=joined.take(pa.array(labelled)),
        predictions=predictor.predict_sequences(rows, kept),
        weight=weights[0] if weights else None,
        num_skipped=whole.number - len(labelled),
    )


def _read(predictor: Predictor, data: str, base: Path, *, need_target: bool) -> pa.Table:
    record = predictor.record
    rows = read_rows(
        data, base, record.data, record.table, need_target=need_target, need_order=True
    )
    return rows.combine_chunks()
