"""Own how a finished model is used: predictions for a table, and its figures on other data."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.atomic import replacing
from iovalence.data.ingest import stream_rows
from iovalence.data.typed import arrow_schema
from iovalence.errors import ConfigError, DataError, StorageError
from iovalence.evaluation.evaluate import evaluate_part
from iovalence.evaluation.metrics import Floats, Ints
from iovalence.evaluation.result import PartResult
from iovalence.models.predictions import Predictions, concatenate
from iovalence.models.predictor import Predictor
from iovalence.quality.labels import respell
from iovalence.runs.folder import RunFolder
from iovalence.stages.used_sequences import judge_sequences, predict_sequences

STDOUT = "-"
OTHER_DATA = "data"


def load_predictor(run: RunFolder) -> Predictor:
    """Return the model of a run.

    Raises:
        StorageError: The run has no model, or its files are damaged.
    """
    if not run.model.is_dir():
        state = run.manifest().state()
        raise StorageError(
            f"run {run.run_id} must have a model, but it has none (its state is {state}); "
            "`iovalence runs` shows finished ones"
        )
    return Predictor.load(run.model)


def predict_table(run: RunFolder, data: str, base: Path) -> pa.Table:
    """Predict for each row of a file, all at once; see `stream_predictions`."""
    return pa.concat_tables(stream_predictions(run, data, base))


def stream_predictions(run: RunFolder, data: str, base: Path) -> Iterator[pa.Table]:
    """Predict for each row of a file, in its order, a batch at a time.

    Args:
        run: Whose model predicts.
        data: A file, a folder or a glob.
        base: Folder that `data` is relative to.

    Returns:
        Of a model of sequences one table with a line for each, see `Predictor.answer`. Else one
        table at least, with columns `row` (from 1), the id column where the model's table has
        one, `prediction`, and for classes `prob_<class>`.

    Raises:
        DataError: A column that the model needs is missing, or a value does not fit it; the last
            is known, and raised, after the last batch.
        StorageError: The run has no model.
    """
    predictor = load_predictor(run)
    record = predictor.record
    if record.takes_sequences:
        yield predict_sequences(predictor, data, base)
        return
    done = 0
    for batch in stream_rows(data, base, record.data, record.table, need_target=False):
        if batch.num_rows:
            yield _predict_rows(predictor, pa.Table.from_batches([batch]), done)
            done += batch.num_rows
    if not done:
        yield _predict_rows(predictor, arrow_schema(record.table.columns).empty_table(), done)


def _predict_rows(predictor: Predictor, rows: pa.Table, done: int) -> pa.Table:
    columns: dict[str, object] = {"row": np.arange(done + 1, done + rows.num_rows + 1)}
    columns |= {name: rows[name] for name in predictor.schema.names("id")}
    return pa.table(columns | predictor.predict(rows).columns())


def write_tables(tables: Iterable[pa.Table], out: str, source: str) -> int:
    """Write predictions as CSV or Parquet, as they come, whole or not at all; return the rows.

    Args:
        tables: What to write, one after the other, of the same columns; one at least.
        out: A path that ends in .csv, .tsv or .parquet, or `-` for CSV on standard output.
        source: The file that was predicted, which is not to be written over.

    Raises:
        ConfigError: `out` ends otherwise, or is the file that was read.
        StorageError: It cannot be written.
    """
    if out != STDOUT:
        open_writer = _writer(Path(out), source)
        with replacing(Path(out)) as temporary:
            return _write_each(tables, lambda schema: open_writer(temporary, schema))
    # Who reads from a pipe cannot tell half an answer from a whole one.
    with tempfile.TemporaryFile() as file:
        num_rows = _write_each(tables, lambda schema: _open_csv(file, schema, ","))
        file.seek(0)
        shutil.copyfileobj(file, sys.stdout.buffer)
    return num_rows


def _write_each(tables: Iterable[pa.Table], open_writer: Callable[[pa.Schema], Any]) -> int:
    tables = iter(tables)
    first = next(tables)
    num_rows = 0
    with open_writer(first.schema) as writer:
        for table in chain([first], tables):
            writer.write_table(table)
            num_rows += table.num_rows
    return num_rows


def check_out(out: str, source: str) -> None:
    """Refuse a path that predictions cannot be written to, before anything is done."""
    if out != STDOUT:
        _writer(Path(out), source)


def _writer(path: Path, source: str) -> Callable[[Path, pa.Schema], Any]:
    import pyarrow.parquet as pq

    if path.exists() and Path(source).exists() and path.samefile(source):
        raise ConfigError(f"--out must be another file than the data, got {path} for both")
    writers: dict[str, Callable[[Path, pa.Schema], Any]] = {
        ".csv": lambda to, schema: _open_csv(to, schema, ","),
        ".tsv": lambda to, schema: _open_csv(to, schema, "\t"),
        ".parquet": pq.ParquetWriter,
    }
    if path.suffix.lower() not in writers:
        raise ConfigError(f"--out must end in {', '.join(writers)}, or be -, got '{path}'")
    return writers[path.suffix.lower()]


def _open_csv(to: object, schema: pa.Schema, delimiter: str) -> Any:
    from pyarrow import csv

    options = csv.WriteOptions(delimiter=delimiter, quoting_style="needed")
    return csv.CSVWriter(to, schema, write_options=options)


def evaluate_other(run: RunFolder, data: str, base: Path) -> PartResult:
    """Measure the model of a run on other rows with their labels.

    Labels that differ from a class in their spelling alone count as that class. Rows without a
    label are left out, and a note of the result says so.

    Raises:
        DataError: A column is missing, a value does not fit, or no row has a label.
        StorageError: The run has no model.
    """
    predictor = load_predictor(run)
    judged = _judge_rows(predictor, data, base)
    if not judged.num_rows:
        raise DataError(
            f"the data must have values of the target '{predictor.schema.target}', got none in "
            f"{judged.num_skipped} rows ({data})"
        )
    result = evaluate_part(
        OTHER_DATA,
        np.concatenate(judged.y_true),
        concatenate(judged.predictions),
        weight=np.concatenate(judged.weight) if judged.weight else None,
        positive_index=predictor.preprocessing.positive_index,
    )
    skipped = judged.num_skipped
    note = (f"{skipped} rows without a label are left out",) if skipped else ()
    return result.model_copy(update={"notes": (*note, *result.notes)})


@dataclass
class _JudgedRows:
    """Collect what the figures need of each row that has a label; the rows themselves pass by."""

    y_true: list[NDArray[Any]] = field(default_factory=list)
    predictions: list[Predictions] = field(default_factory=list)
    weight: list[Floats] = field(default_factory=list)
    num_rows: int = 0
    num_skipped: int = 0


def _judge_sequences(predictor: Predictor, data: str, base: Path) -> _JudgedRows:
    found = judge_sequences(predictor, data, base)
    return _JudgedRows(
        y_true=[_y_true(predictor, pa.chunked_array([found.y_true]))],
        predictions=[found.predictions],
        weight=[] if found.weight is None else [found.weight],
        num_rows=len(found.y_true),
        num_skipped=found.num_skipped,
    )


def _judge_rows(predictor: Predictor, data: str, base: Path) -> _JudgedRows:
    record, judged = predictor.record, _JudgedRows()
    if record.takes_sequences:
        return _judge_sequences(predictor, data, base)
    weighted = record.table.names("weight")
    for batch in stream_rows(data, base, record.data, record.table, need_target=True):
        rows = pa.Table.from_batches([batch])
        labelled = rows.filter(pc.is_valid(rows[record.table.target]))
        judged.num_rows += labelled.num_rows
        judged.num_skipped += rows.num_rows - labelled.num_rows
        if labelled.num_rows:
            target = respell(labelled[record.table.target], predictor.preprocessing.classes)
            judged.y_true.append(_y_true(predictor, target))
            judged.predictions.append(predictor.predict(labelled))
            judged.weight += [labelled[name].to_numpy() for name in weighted]
    return judged


def _y_true(predictor: Predictor, target: pa.ChunkedArray) -> Ints | Floats:
    if predictor.preprocessing.classes is None:
        return np.asarray(target, np.float64)
    return predictor.preprocessing.encode_target(target).astype(np.int64)
