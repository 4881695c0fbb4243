"""Own what a run's model says of the rows of one part, and what is true of them.

Of the test part it was written down as the run ended; of another part it is predicted again.

Shapes: N rows, K classes.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from iovalence.comparison.side import Side
from iovalence.data.ingest import load_table
from iovalence.data.schema import SOURCES
from iovalence.data.table import Table
from iovalence.errors import StorageError
from iovalence.evaluation.metrics import Floats, Ints
from iovalence.models.predictions import Predictions
from iovalence.models.predictor import Predictor
from iovalence.quality.labels import respell
from iovalence.runs.store import folder_name, is_whole, store_folder
from iovalence.stages.used_sequences import take_last_rows

TABLE_STAGE = "table"


@dataclass(frozen=True)
class JudgedRows:
    """Hold what a run's model says of the rows of one part.

    Attributes:
        position: Of each row in the run's table, int64 (N,), from 0; of a sequence, its last.
        y_true: Class index in the run's order, int64 (N,), -1 for an unknown one; or values,
            float64 (N,).
        predictions: What the model says.
    """

    position: Ints
    y_true: Ints | Floats
    predictions: Predictions


def find_table(side: Side) -> Table | None:
    """Return the table of a run, or None where the stage store has it no more."""
    stage = side.manifest.stages.get(TABLE_STAGE)
    workspace = side.run.root.parents[1]
    folder = store_folder(workspace) / TABLE_STAGE / folder_name(stage.key if stage else "")
    return load_table(folder) if stage and stage.key and is_whole(folder) else None


def judge_rows(side: Side, table: Table | None, part: str) -> JudgedRows:
    """Return what a run's model says of a part.

    Args:
        side: The run.
        table: Its table; None will do for the test part.
        part: test or validation.

    Raises:
        StorageError: A file of the run is missing or damaged.
    """
    if part == "test":
        return _read_predictions(side)
    if table is None:
        raise ValueError("the validation part is predicted from the table, got none")
    return _predict_part(side, table, part)


def _read_predictions(side: Side) -> JudgedRows:
    """Return what the run wrote of its test part."""
    path, classes = side.run.test_predictions, side.result.classes
    rows = _read_parquet(path)
    try:
        numbers = rows["row"].to_numpy() - 1
        position = numbers + _starts(side)[_code_sources(rows["source"])]
        if classes is None:
            said = Predictions(None, np.asarray(rows["prediction"], np.float64), None)
        else:
            probs = [rows[f"prob_{name}"].to_numpy() for name in classes]
            said = Predictions(np.stack(probs, axis=1), None, classes)
        return JudgedRows(position, _read_target(side, rows["target"], position), said)
    except (KeyError, TypeError, pa.ArrowException) as err:
        raise StorageError(f"{path} must hold the predictions of the run, got '{err}'") from err


def _read_parquet(path: Path) -> pa.Table:
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as err:
        raise StorageError(f"{path} must be whole, got '{err}'") from err


def _predict_part(side: Side, table: Table, part: str) -> JudgedRows:
    """Return what the run's model says of a part, which it wrote nothing of."""
    position, predictor = find_positions(side, part), Predictor.load(side.run.model)
    rows = table.columns.take(pa.array(position)).combine_chunks()
    said = predictor.predict(rows)
    if predictor.record.takes_sequences:
        position = position[predictor.find_sequences(rows).last]
        rows = take_last_rows(predictor, rows)
    target = rows[table.schema.target]
    return JudgedRows(position, _read_target(side, target, position), said)


def find_positions(side: Side, part: str) -> Ints:
    """Return where the rows of a part are in the run's table, int64 (N,), from 0.

    Raises:
        StorageError: The run's split is damaged.
    """
    split = _read_parquet(side.run.split)
    try:
        rows = split.filter(pc.equal(split["part"], part))
        position = rows["row"].to_numpy() - 1 + _starts(side)[_code_sources(rows["source"])]
        return np.asarray(position, np.int64)
    except (KeyError, pa.ArrowException) as err:
        raise StorageError(f"{side.run.split} must hold the split, got '{err}'") from err


def _code_sources(sources: pa.ChunkedArray) -> Ints:
    codes: Ints = pc.index_in(sources, pa.array(SOURCES)).to_numpy().astype(np.int64)
    return codes


def _starts(side: Side) -> Ints:
    """Return at which position of the table each source begins, int64 (3,)."""
    return np.cumsum([0, *side.model.table.num_rows[:-1]], dtype=np.int64)


def _read_target(side: Side, target: pa.ChunkedArray, position: Ints) -> Ints | Floats:
    """Return what is true of rows, as the run was measured: with the labels that it changed."""
    classes = side.result.classes
    if classes is None:
        return np.asarray(target, np.float64)
    labels = np.asarray(respell(target, classes), dtype=object)
    changed = _changed_labels(side)
    if changed:
        labels = np.array(
            [changed.get(at, label) for at, label in zip(position.tolist(), labels, strict=True)],
            dtype=object,
        )
    encoded = side.model.preprocessing.encode_target(pa.chunked_array([pa.array(labels)]))
    return encoded.astype(np.int64)


def _changed_labels(side: Side) -> dict[int, str]:
    """Return the label that the run gave to rows in place of their own, by position."""
    from pyarrow import csv

    path = side.run.changed_labels
    if not path.is_file():
        return {}
    options = csv.ConvertOptions(column_types={"to": pa.string()})
    try:
        rows = csv.read_csv(path, convert_options=options)
        position = rows["row"].to_numpy() - 1 + _starts(side)[_code_sources(rows["source"])]
        return dict(zip(position.tolist(), rows["to"].to_pylist(), strict=True))
    except (OSError, KeyError, TypeError, pa.ArrowException) as err:
        raise StorageError(f"{path} must be whole, got '{err}'") from err
