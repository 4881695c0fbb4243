"""Own evaluation as a stage: every part measured once more, the test part for the only time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from iovalence.config.load import LoadedConfig
from iovalence.data.ingest import load_table
from iovalence.data.prepared import Prepared, load_prepared
from iovalence.data.schema import SOURCES
from iovalence.data.table import Table
from iovalence.errors import GateError
from iovalence.evaluation.evaluate import (
    evaluate_part,
    majority_predictions,
    mean_predictions,
    spread_rows,
)
from iovalence.evaluation.metrics import Floats, Ints
from iovalence.evaluation.pictures import draw_pictures, save_pictures
from iovalence.evaluation.requirements import check_requirements
from iovalence.evaluation.result import EvaluationResult, PartResult
from iovalence.models.network import Network
from iovalence.models.predictions import Predictions
from iovalence.models.predictor import Predictor, interpret
from iovalence.runs.folder import RunFolder
from iovalence.runs.journal import metric_points, read_journal
from iovalence.stages.opened import timing
from iovalence.stages.rows import RowStages
from iovalence.stages.trained import TrainingResult
from iovalence.training.fit import Machine, arithmetic, objective_for
from iovalence.training.linear import fit_linear, sample_size
from iovalence.training.parts import Rows, load_part
from iovalence.training.trainer import compute_outputs, measure

PARTS = ("train", "validation", "test")
CANDIDATE_PARTS = ("train", "validation")
# What the train part's figures are of: a thousandth is exact enough for what has been learned.
MAX_TRAIN_ROWS = 2_000_000
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Measured:
    """Hold a model, the rows it is measured on, and the baselines beside it."""

    table: Table
    prepared: Prepared
    predictor: Predictor
    linear: Network | None
    class_weights: torch.Tensor | None


@dataclass(frozen=True)
class Judged:
    """Hold what was found on one part, and the rows it was found on."""

    result: PartResult
    y_true: Ints | Floats
    predictions: Predictions
    weight: Floats | None


def evaluate_stage(
    loaded: LoadedConfig,
    run: RunFolder,
    stages: RowStages,
    parts: Sequence[str] = PARTS,
    *,
    with_pictures: bool = True,
) -> EvaluationResult:
    """Measure the model; write metrics, test predictions and pictures.

    Args:
        loaded: The configuration.
        run: Where the model is.
        stages: What was done before training.
        parts: What is measured, where the run has it. Without the test part it is a candidate
            that others are compared with: only its figures are worked out, no baselines and no
            pictures, and nothing is required of it.
        with_pictures: Whether pictures are drawn.
    """
    config, manifest = loaded.config, run.manifest()
    machine = Machine(manifest.device or "cpu", manifest.threads or 1)
    is_final = "test" in parts
    with timing(run, "evaluate"), arithmetic(machine):
        baseline = is_final and config.evaluation.baseline
        measured = _open(run, stages, machine, baseline=baseline)
        there = measured.prepared.part
        present = [name for at, name in enumerate(PARTS) if name in parts and np.any(there == at)]
        results = []
        for part in present:
            judged = _judge(loaded, run, measured, part)
            results.append(judged.result)
        result = _gather(measured, results, config.evaluation.require if is_final else {})
        result.save(run.metrics)
    if is_final and with_pictures:
        with timing(run, "pictures"):
            # The last part is the main one; the others' predictions are not in memory any more.
            _draw(run, result, judged)
    return result


def _open(run: RunFolder, stages: RowStages, machine: Machine, *, baseline: bool) -> Measured:
    prepared = load_prepared(stages.prepared.folder)
    return Measured(
        table=load_table(stages.ingested.folder),
        prepared=prepared,
        predictor=Predictor.load(run.model),
        linear=fit_linear(prepared, machine) if baseline else None,
        class_weights=load_class_weights(run),
    )


def _gather(
    measured: Measured, results: list[PartResult], require: dict[str, str]
) -> EvaluationResult:
    schema, preprocessing = measured.table.schema, measured.prepared.preprocessing
    result = EvaluationResult(
        task=schema.task,
        target=schema.target,
        classes=preprocessing.classes,
        positive_class=_positive_class(measured.prepared),
        parts=tuple(results),
        require=require,
    )
    return result.model_copy(update={"unmet": check_requirements(require, result.flat())})


def _draw(run: RunFolder, result: EvaluationResult, main: Judged) -> None:
    """Draw the curves, and the main part as its figures are judged by."""
    history, kept_epoch = read_history(run), TrainingResult.load(run.training).kept_epoch
    figures = draw_pictures(result, history, kept_epoch, main.y_true, main.predictions, main.weight)
    save_pictures(figures, run.pictures)


def read_history(run: RunFolder) -> list[dict[str, float]]:
    """Return the figures of each epoch by name, with `epoch` from 1, from the journal."""
    epochs: dict[int, dict[str, float]] = {}
    for point in metric_points(read_journal(run.journal)[0]):
        epochs.setdefault(point.epoch, {"epoch": point.epoch})[point.key] = point.value
    return [epochs[epoch] for epoch in sorted(epochs)]


def load_class_weights(run: RunFolder) -> torch.Tensor | None:
    """Return the weight of each class that the model was trained with."""
    weights = TrainingResult.load(run.training).class_weights
    return None if weights is None else torch.tensor(weights)


def _positive_class(prepared: Prepared) -> str | None:
    preprocessing = prepared.preprocessing
    if preprocessing.classes is None or preprocessing.positive_index is None:
        return None
    return preprocessing.classes[preprocessing.positive_index]


def _judge(loaded: LoadedConfig, run: RunFolder, measured: Measured, part: str) -> Judged:
    prepared = measured.prepared
    every = np.flatnonzero(prepared.part == PARTS.index(part))
    rows = every[spread_rows(len(every), MAX_TRAIN_ROWS)] if part == "train" else every
    # Each row is needed once for each figure: reading it then costs no memory.
    tensors = load_part(prepared, rows, None, CPU, resident_bytes=0)
    outputs = compute_outputs(measured.predictor.network, tensors).numpy()
    predictions = measured.predictor.interpret(outputs)
    weight = None if prepared.weight is None else prepared.weight[rows].astype(np.float64)
    y_true = prepared.y_true(rows)
    result = evaluate_part(
        part,
        y_true,
        predictions,
        loss=_measure_loss(measured, every),
        weight=weight,
        slices=_slices(loaded, measured, rows),
        positive_index=prepared.preprocessing.positive_index,
        seed=loaded.config.training.seed,
        with_intervals=part != "train",
        baselines=_baselines(measured, tensors),
    )
    result = result.model_copy(
        update={"num_rows": len(every), "notes": (*_samples(measured, every, rows), *result.notes)}
    )
    if part == "test":
        write_predictions(run, measured, rows, predictions)
    return Judged(result, y_true, predictions, weight)


def _measure_loss(measured: Measured, rows: NDArray[np.int64]) -> float:
    prepared = measured.prepared
    tensors = load_part(prepared, rows, measured.class_weights, CPU, resident_bytes=0)
    return measure(measured.predictor.network, objective_for(prepared), tensors)["loss"]


def _samples(
    measured: Measured, every: NDArray[np.int64], rows: NDArray[np.int64]
) -> Iterator[str]:
    """Yield a line for what decides between two classes, and for what is not of all rows."""
    if (threshold := measured.predictor.explain_threshold()) is not None:
        yield threshold
    if len(rows) < len(every):
        yield (
            f"figures but the loss are of {len(rows):,} of the {len(every):,} rows, evenly spread"
        )
    num_rows, num_train = sample_size(measured.prepared), int((measured.prepared.part == 0).sum())
    if measured.linear is not None and num_rows < num_train:
        yield f"the linear baseline was fitted to {num_rows:,} of the {num_train:,} train rows"


def _slices(
    loaded: LoadedConfig, measured: Measured, rows: NDArray[np.int64]
) -> dict[str, NDArray[np.str_]]:
    """Return the text of each sliced column in each row; a missing value is `(missing)`."""
    taken = pa.array(measured.prepared.table_index[rows])
    return {
        name: np.array(
            measured.table.columns[name].take(taken).cast(pa.string()).fill_null("(missing)")
        ).astype(np.str_)
        for name in loaded.config.evaluation.slices
    }


def _baselines(measured: Measured, rows: Rows) -> dict[str, Predictions]:
    if measured.linear is None:
        return {}
    prepared = measured.prepared
    outputs = compute_outputs(measured.linear, rows).numpy()
    linear = {"linear": interpret(outputs, prepared.preprocessing)}
    train = np.asarray(prepared.target[prepared.part == 0])
    classes = prepared.preprocessing.classes
    if classes is None:
        return {
            "mean": mean_predictions(prepared.preprocessing.target_mean, rows.num_rows)
        } | linear
    shares = np.bincount(train, minlength=len(classes)) / len(train)
    named = dict(zip(classes, shares.tolist(), strict=True))
    return {"majority": majority_predictions(named, rows.num_rows)} | linear


def write_predictions(
    run: RunFolder, measured: Measured, rows: NDArray[np.int64], predictions: Predictions
) -> None:
    """Write what the model says of the test part, one line for each of its rows."""
    import pyarrow.parquet as pq

    from iovalence.atomic import replacing

    table, index = measured.table, measured.prepared.table_index[rows]
    columns: dict[str, object] = {
        "source": np.array(SOURCES)[table.source_of_rows()[index]],
        "row": table.row_numbers()[index],
        "target": table.columns[table.schema.target].take(pa.array(index)),
    }
    with replacing(run.test_predictions) as path:
        pq.write_table(pa.table(columns | predictions.columns()), path)


def raise_for_requirements(result: EvaluationResult) -> None:
    """Raise where the run did not reach what `evaluation.require` asks for.

    Raises:
        GateError: One line for each requirement that was not met.
    """
    if result.unmet:
        raise GateError(result.unmet)
