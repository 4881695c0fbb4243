"""Own how a finished model is used: predictions for a table, and its figures on other data."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.data.ingest import OtherRows
from iovalence.data.typed import arrow_schema
from iovalence.errors import DataError, StorageError
from iovalence.evaluation.evaluate import evaluate_part, take_predictions
from iovalence.evaluation.metrics import Floats, Ints
from iovalence.evaluation.result import PartResult
from iovalence.models.likeness import find_unseen
from iovalence.models.predictions import Predictions, concatenate
from iovalence.models.predictor import Predictor
from iovalence.quality.labels import respell
from iovalence.record import Record
from iovalence.runs.folder import RunFolder
from iovalence.stages.used_sequences import take_last_rows

OTHER_DATA = "data"
OWN_COLUMNS = ("row", "prediction", "unlike")
MAX_NAMES = 5
QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)


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
    """Predict for each row of a file, all at once; see `PredictedRows`."""
    return pa.concat_tables(stream_predictions(run, data, base))


def stream_predictions(run: RunFolder, data: str, base: Path) -> "PredictedRows":
    """Open a file to predict for each of its rows; see `PredictedRows`.

    Args:
        run: Whose model predicts.
        data: A file, a folder or a glob.
        base: Folder that `data` is relative to.

    Raises:
        DataError: The file is missing or cannot be read.
        StorageError: The run has no model.
    """
    return PredictedRows(load_predictor(run), data, base)


@dataclass
class _Seen:
    """Count what is to be told of rows as they pass by."""

    num_rows: int = 0
    num_unlike: int | None = None
    unseen: Counter[str] = field(default_factory=Counter)

    def add(self, predictor: Predictor, rows: pa.Table, unlike: NDArray[np.bool_] | None) -> None:
        self.num_rows += rows.num_rows
        if unlike is not None:
            self.num_unlike = (self.num_unlike or 0) + int(unlike.sum())
        for encoding in predictor.preprocessing.columns:
            if encoding.kind in ("one_hot", "embedded"):
                is_new = find_unseen(encoding, rows[encoding.column])
                self.unseen[encoding.column] += int(is_new.sum())

    def notes(self, predictor: Predictor) -> Iterator[str]:
        """Yield a line for each thing to know of the rows."""
        new = [(name, count) for name, count in self.unseen.most_common(MAX_NAMES) if count]
        if new:
            named = ", ".join(f"'{name}' in {count:,} rows" for name, count in new)
            yield f"categories that are new, or were too rare to be learned: {named}"
        if predictor.record.takes_sequences:
            yield (
                "whether sequences are unlike those trained on is not known: single rows alone are "
                "looked at for that"
            )
        elif predictor.likeness is None:
            yield (
                "whether rows are unlike those trained on is not known: the model was saved "
                "without that; train it again"
            )
        elif self.num_rows:
            num, likeness = self.num_unlike or 0, predictor.likeness
            yield (
                f"{num:,} of {self.num_rows:,} rows ({num / self.num_rows:.1%}) are unlike those "
                f"trained on; of rows like the {likeness.calibrated_on} part it would be about "
                f"{likeness.share:.0%}"
            )


def _open(predictor: Predictor, data: str, base: Path, *, need_target: bool | None) -> OtherRows:
    """Open the rows that a model is asked about; see `OtherRows`."""
    record = predictor.record
    return OtherRows(
        data,
        base,
        record.data,
        record.table,
        need_target=need_target,
        need_order=record.takes_sequences,
    )


def _walk(predictor: Predictor, rows: OtherRows) -> Iterator[pa.Table]:
    """Yield rows, one at least at a time; those of sequences all at once."""
    if predictor.record.takes_sequences:
        tables = iter([rows.at_once().combine_chunks()])
    else:
        tables = (pa.Table.from_batches([batch]) for batch in rows)
    yield from (table for table in tables if table.num_rows)


class PredictedRows:
    """Walk once through the predictions for a file's rows, in its order, a batch at a time.

    One table at least, with columns `row` (from 1), the id column where the model's table has
    one (`id_<name>` where its name is one of these), `prediction`, for classes `prob_<class>`, and
    `unlike` where the model knows it. Of a model of sequences it is one table with a line for
    each, see `Predictor.answer`: their rows are read all at once.

    Args:
        predictor: The model.
        data: A file, a folder or a glob.
        base: Folder that `data` is relative to.

    Raises:
        DataError: The file cannot be read; or, after the last batch, a line for each column that
            is missing or holds a value that does not fit; or a row of a sequence has no group or
            no time.
    """

    def __init__(self, predictor: Predictor, data: str, base: Path) -> None:
        self._predictor, self._seen = predictor, _Seen()
        self._rows = _open(predictor, data, base, need_target=False)

    def __iter__(self) -> Iterator[pa.Table]:
        for rows in _walk(self._predictor, self._rows):
            yield self._predict(rows)
        if not self._seen.num_rows:
            yield self._predict(arrow_schema(self._predictor.schema.columns).empty_table())

    def _predict(self, rows: pa.Table) -> pa.Table:
        if self._predictor.record.takes_sequences:
            self._seen.add(self._predictor, rows, None)
            return pa.table(self._predictor.answer(rows))
        first, judged = self._seen.num_rows + 1, self._predictor.judge(rows)
        columns: dict[str, object] = {"row": np.arange(first, first + rows.num_rows)}
        for name in self._predictor.schema.names("id"):
            columns[f"id_{name}" if name in OWN_COLUMNS else name] = rows[name]
        columns |= judged.predictions.columns()
        if judged.unlike is not None:
            columns["unlike"] = judged.unlike
        self._seen.add(self._predictor, rows, judged.unlike)
        return pa.table(columns)

    @property
    def num_rows(self) -> int:
        """Return how many rows were looked at so far."""
        return self._seen.num_rows

    @property
    def num_unlike(self) -> int | None:
        """Return how many of them are unlike those trained on; None where it is not known."""
        return self._seen.num_unlike

    def notes(self) -> list[str]:
        """Return a line for each thing that people should know, once all rows have passed."""
        threshold = self._predictor.explain_threshold()
        said = [] if threshold is None else [threshold]
        return [*self._rows.notes, *said, *self._seen.notes(self._predictor)]


class OtherData(Record):
    """Say what a model makes of other rows.

    Attributes:
        num_rows: All rows; of a model of sequences it is these that are counted here.
        num_labelled: Those with a label or a target value.
        num_unlike: Those unlike the rows trained on; None where it is not known.
        predicted: For classes, rows predicted as each; for a regression, the prediction's
            smallest, 5th percentile, median, 95th percentile and largest, by name.
        notes: What people should know, a line each.
        result: The figures of the labelled rows; None where there are none.
        is_of_classes: Whether `predicted` is of classes.
    """

    num_rows: int
    num_labelled: int
    num_unlike: int | None
    predicted: dict[str, float]
    notes: tuple[str, ...]
    result: PartResult | None
    is_of_classes: bool


def evaluate_other(run: RunFolder, data: str, base: Path) -> PartResult:
    """Measure the model of a run on other rows with their labels; see `judge_other`.

    Raises:
        DataError: No row has a label, or what `judge_other` raises.
        StorageError: The run has no model.
    """
    judged = judge_other(run, data, base)
    if judged.result is None:
        target = load_predictor(run).schema.target
        raise DataError(
            f"the data must have values of the target '{target}', got none in "
            f"{judged.num_rows} rows ({data})"
        )
    return judged.result


def judge_other(run: RunFolder, data: str, base: Path) -> OtherData:
    """Say what a model makes of other rows, and measure it on those that have a label.

    Labels that differ from a class in their spelling alone count as that class. Rows without a
    label are left out of the figures, and a note of the result says so. Where rows are sequences,
    these are what is judged and counted.

    Raises:
        DataError: There are no rows, a column is missing, or a value does not fit; or a sequence
            has two labels or weights.
        StorageError: The run has no model.
    """
    predictor = load_predictor(run)
    rows = _open(predictor, data, base, need_target=None)
    judged = _JudgedRows(predictor, rows.has_target)
    for table in _walk(predictor, rows):
        judged.add(table)
    if not judged.seen.num_rows:
        raise DataError(f"the data must have one row at least, found none ({data})")
    threshold = predictor.explain_threshold()
    said = [] if threshold is None else [threshold]
    return OtherData(
        num_rows=judged.num_rows,
        num_labelled=judged.num_labelled,
        num_unlike=judged.seen.num_unlike,
        predicted=_describe(concatenate(judged.predictions)),
        notes=(*rows.notes, *said, *judged.seen.notes(predictor)),
        result=judged.measure() if judged.num_labelled else None,
        is_of_classes=predictor.preprocessing.classes is not None,
    )


def _describe(predictions: Predictions) -> dict[str, float]:
    """Return how predictions are spread: counts of classes, or quantiles of values."""
    if predictions.classes is not None:
        counts = np.bincount(
            predictions.y_pred.astype(np.int64), minlength=len(predictions.classes)
        )
        return dict(zip(predictions.classes, counts.tolist(), strict=True))
    names = ("smallest", "5 %", "median", "95 %", "largest")
    return dict(zip(names, np.quantile(predictions.y_pred, QUANTILES).tolist(), strict=True))


class _JudgedRows:
    """Collect what the figures need of each row; the rows themselves pass by."""

    def __init__(self, predictor: Predictor, has_target: bool) -> None:
        self._predictor, self._has_target = predictor, has_target
        self._weighted = predictor.schema.names("weight") if has_target else ()
        self._y_true: list[NDArray[Any]] = []
        self._labelled: list[NDArray[np.bool_]] = []
        self._weight: list[Floats] = []
        self._unknown: Counter[str] = Counter()
        self.predictions: list[Predictions] = []
        self.seen = _Seen()
        self.num_rows, self.num_labelled = 0, 0

    def add(self, rows: pa.Table) -> None:
        """Predict for rows, one at least, and keep what is true of those with a label."""
        judged = self._predictor.judge(rows)
        self.seen.add(self._predictor, rows, judged.unlike)
        self.predictions.append(judged.predictions)
        self.num_rows += judged.predictions.num_rows
        if not self._has_target:
            return
        if self._predictor.record.takes_sequences:
            rows = take_last_rows(self._predictor, rows)
        target = rows[self._predictor.schema.target]
        labelled = pc.is_valid(target)
        self._labelled.append(labelled.to_numpy())
        self.num_labelled += int(self._labelled[-1].sum())
        self._y_true.append(self._encode(target.filter(labelled)))
        self._weight += [rows[name].filter(labelled).to_numpy() for name in self._weighted]

    def _encode(self, target: pa.ChunkedArray) -> Ints | Floats:
        preprocessing = self._predictor.preprocessing
        if preprocessing.classes is None:
            return np.asarray(target, np.float64)
        if not len(target):
            return np.zeros(0, np.int64)
        spelled = respell(target, preprocessing.classes)
        encoded = preprocessing.encode_target(spelled).astype(np.int64)
        self._unknown.update(spelled.filter(pa.array(encoded < 0)).to_pylist())
        return encoded

    def measure(self) -> PartResult:
        """Return the figures of the rows with a label, of which there is one at least."""
        predictions, labelled = concatenate(self.predictions), np.concatenate(self._labelled)
        if not labelled.all():
            predictions = take_predictions(predictions, np.flatnonzero(labelled))
        result = evaluate_part(
            OTHER_DATA,
            np.concatenate(self._y_true),
            predictions,
            weight=np.concatenate(self._weight) if self._weight else None,
            positive_index=self._predictor.preprocessing.positive_index,
        )
        return result.model_copy(update={"notes": (*self._notes(), *result.notes)})

    def _notes(self) -> Iterator[str]:
        if skipped := self.num_rows - self.num_labelled:
            judged = "sequences" if self._predictor.record.takes_sequences else "rows"
            yield f"{skipped} {judged} without a label are left out"
        if self._unknown:
            named = ", ".join(f"'{n}' ({c:,})" for n, c in self._unknown.most_common(MAX_NAMES))
            more = f" and {len(self._unknown) - MAX_NAMES} more"
            yield (
                f"labels that the model does not know: {named}"
                f"{more if len(self._unknown) > MAX_NAMES else ''}"
            )
