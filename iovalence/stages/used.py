"""Own how a finished model is used: predictions for a table, and its figures on other data."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from iovalence.atomic import replacing
from iovalence.data.ingest import read_rows
from iovalence.errors import ConfigError, DataError, StorageError
from iovalence.evaluation.evaluate import evaluate_part
from iovalence.evaluation.metrics import Floats, Ints
from iovalence.evaluation.result import PartResult
from iovalence.models.predictor import Predictor
from iovalence.quality.labels import canonical_key
from iovalence.runs.folder import RunFolder

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
    """Predict for each row of a file, in its order.

    Args:
        run: Whose model predicts.
        data: A file, a folder or a glob.
        base: Folder that `data` is relative to.

    Returns:
        Columns `row` (from 1), the id column where the model's table has one, `prediction`, and
        for classes `prob_<class>`.

    Raises:
        DataError: A column that the model needs is missing, or a value does not fit it.
        StorageError: The run has no model.
    """
    predictor = load_predictor(run)
    record = predictor.record
    rows = read_rows(data, base, record.data, record.table, need_target=False)
    columns: dict[str, object] = {"row": np.arange(1, rows.num_rows + 1)}
    columns |= {name: rows[name] for name in record.table.names("id")}
    return pa.table(columns | predictor.predict(rows).columns())


def write_table(table: pa.Table, out: str, source: str) -> None:
    """Write predictions as CSV or Parquet, whole or not at all.

    Args:
        table: What to write.
        out: A path that ends in .csv, .tsv or .parquet, or `-` for CSV on standard output.
        source: The file that was predicted, which is not to be written over.

    Raises:
        ConfigError: `out` ends otherwise, or is the file that was read.
        StorageError: It cannot be written.
    """
    import sys

    if out == STDOUT:
        _write_csv(table, sys.stdout.buffer, ",")
        return
    path = Path(out)
    write = _writer(path, source)
    with replacing(path) as temporary:
        write(table, temporary)


def check_out(out: str, source: str) -> None:
    """Refuse a path that predictions cannot be written to, before anything is done."""
    if out != STDOUT:
        _writer(Path(out), source)


def _writer(path: Path, source: str) -> Callable[[pa.Table, Path], None]:
    import pyarrow.parquet as pq

    if path.exists() and Path(source).exists() and path.samefile(source):
        raise ConfigError(f"--out must be another file than the data, got {path} for both")
    writers: dict[str, Callable[[pa.Table, Path], None]] = {
        ".csv": lambda table, to: _write_csv(table, to, ","),
        ".tsv": lambda table, to: _write_csv(table, to, "\t"),
        ".parquet": pq.write_table,
    }
    if path.suffix.lower() not in writers:
        raise ConfigError(f"--out must end in {', '.join(writers)}, or be -, got '{path}'")
    return writers[path.suffix.lower()]


def _write_csv(table: pa.Table, to: object, delimiter: str) -> None:
    from pyarrow import csv

    csv.write_csv(table, to, csv.WriteOptions(delimiter=delimiter, quoting_style="needed"))


def evaluate_other(run: RunFolder, data: str, base: Path) -> PartResult:
    """Measure the model of a run on other rows with their labels.

    Labels that differ from a class in their spelling alone count as that class. Rows without a
    label are left out, and a note of the result says so.

    Raises:
        DataError: A column is missing, a value does not fit, or no row has a label.
        StorageError: The run has no model.
    """
    predictor = load_predictor(run)
    record = predictor.record
    rows = read_rows(data, base, record.data, record.table, need_target=True)
    labelled = rows.filter(pc.is_valid(rows[record.table.target]))
    if labelled.num_rows == 0:
        raise DataError(
            f"the data must have values of the target '{record.table.target}', got none in "
            f"{rows.num_rows} rows ({data})"
        )
    target = respell(labelled[record.table.target], predictor.preprocessing.classes)
    result = evaluate_part(
        OTHER_DATA,
        _y_true(predictor, target),
        predictor.predict(labelled),
        weight=_weight(labelled, record.table.names("weight")),
        positive_index=predictor.preprocessing.positive_index,
    )
    skipped = rows.num_rows - labelled.num_rows
    note = (f"{skipped} rows without a label are left out",) if skipped else ()
    return result.model_copy(update={"notes": (*note, *result.notes)})


def _y_true(predictor: Predictor, target: pa.ChunkedArray) -> Ints | Floats:
    if predictor.preprocessing.classes is None:
        return np.asarray(target, np.float64)
    return predictor.preprocessing.encode_target(target).astype(np.int64)


def respell(target: pa.ChunkedArray, classes: tuple[str, ...] | None) -> pa.ChunkedArray:
    """Return labels, (N,), with the spelling of the class that each one means."""
    if classes is None:
        return target
    by_key = {canonical_key(name): name for name in classes}
    encoded = pc.dictionary_encode(target.combine_chunks())
    names = [
        name if name in classes else by_key.get(canonical_key(name), name)
        for name in encoded.dictionary.to_pylist()
    ]
    return pa.chunked_array([pa.array(names, pa.string()).take(encoded.indices)])


def _weight(rows: pa.Table, names: tuple[str, ...]) -> np.ndarray | None:
    return rows[names[0]].to_numpy() if names else None
