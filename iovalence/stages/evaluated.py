"""Own evaluation as a stage: every part measured once more, the test part for the only time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

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
from iovalence.evaluation.contest import hold_contest
from iovalence.evaluation.curves import trace_curves
from iovalence.evaluation.evaluate import (
    evaluate_part,
    majority_predictions,
    mean_predictions,
    spread_rows,
)
from iovalence.evaluation.metrics import Floats, Ints
from iovalence.evaluation.mistakes import Mistakes, PartMistakes, find_mistakes
from iovalence.evaluation.pictures import draw_pictures, save_pictures
from iovalence.evaluation.requirements import check_requirements
from iovalence.evaluation.result import Contest, EvaluationResult, PartResult
from iovalence.evaluation.section import Baseline
from iovalence.models.build import AnyNetwork
from iovalence.models.predictions import Predictions
from iovalence.models.predictor import Predictor, interpret
from iovalence.quality.findings import RowNumber, name_rows
from iovalence.runs.folder import RunFolder
from iovalence.runs.journal import metric_points, read_journal
from iovalence.stages.opened import timing
from iovalence.stages.rows import RowStages
from iovalence.stages.trained import TrainingResult
from iovalence.training.boosting import Boosting, fit_boosting
from iovalence.training.fit import Machine, arithmetic, objective_for
from iovalence.training.linear import fit_linear, sample_size
from iovalence.training.parts import load_part
from iovalence.training.summary import summarise
from iovalence.training.trainer import compute_outputs, measure

PARTS = ("train", "validation", "test")
CANDIDATE_PARTS = ("train", "validation")
# What the train part's figures are of: a thousandth is exact enough for what has been learned.
MAX_TRAIN_ROWS = 2_000_000
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Measured:
    """Hold a model, the rows it is measured on, and the baselines beside it.

    Of sequences the baselines that learn see `plain`, which sums each up in one row.
    """

    table: Table
    prepared: Prepared
    plain: Prepared
    predictor: Predictor
    simple: bool
    linear: AnyNetwork | None
    boosting: Boosting | None
    class_weights: torch.Tensor | None


@dataclass(frozen=True)
class Judged:
    """Hold what was found on one part, and the rows it was found on.

    Attributes:
        result: The part's figures.
        rows: Positions of its rows among the prepared ones, int64 (N,).
        y_true: What is true of them; see `Prepared.y_true`.
        predictions: What the model says of them.
        weight: Their weights, float64 (N,); None for equal ones.
    """

    result: PartResult
    rows: Ints
    y_true: Ints | Floats
    predictions: Predictions
    weight: Floats | None
    contest: Contest | None = None


def evaluate_stage(
    loaded: LoadedConfig,
    run: RunFolder,
    stages: RowStages,
    parts: Sequence[str] = PARTS,
    *,
    with_pictures: bool = True,
    with_baselines: bool = False,
) -> EvaluationResult:
    """Measure the model; write metrics, test predictions, pictures and the worst mistakes.

    Args:
        loaded: The configuration.
        run: Where the model is.
        stages: What was done before training.
        parts: What is measured, where the run has it. Without the test part it is a candidate
            that others are compared with: only its figures are worked out, no baselines and no
            pictures, and nothing is required of it.
        with_pictures: Whether pictures are drawn, and mistakes looked for.
        with_baselines: Whether baselines are measured for a candidate too.
    """
    config, manifest = loaded.config, run.manifest()
    machine = Machine(manifest.device or "cpu", manifest.threads or 1)
    is_final = "test" in parts
    with timing(run, "evaluate"), arithmetic(machine):
        baselines = config.evaluation.baselines if is_final or with_baselines else ()
        measured = _open(loaded, run, stages, machine, baselines)
        there = measured.prepared.part
        present = [name for at, name in enumerate(PARTS) if name in parts and np.any(there == at)]
        results, mistakes, contest = [], [], None
        for part in present:
            judged = _judge(loaded, run, measured, part)
            results.append(judged.result)
            contest = judged.contest or contest
            # What the model learned from says little of what it gets wrong.
            if part != "train" or len(present) == 1:
                mistakes.append(_find_mistakes(measured, judged))
        result = _gather(measured, results, config.evaluation.require if is_final else {})
        result = result.model_copy(update={"contest": contest})
        result.save(run.metrics)
    if is_final and with_pictures:
        with timing(run, "pictures"):
            # The last part is the main one; the others' predictions are not in memory any more.
            _draw(run, result, judged, measured.prepared.preprocessing.positive_index)
            Mistakes(parts=tuple(mistakes)).save(run.mistakes)
    return result


def _open(
    loaded: LoadedConfig,
    run: RunFolder,
    stages: RowStages,
    machine: Machine,
    baselines: Sequence[Baseline],
) -> Measured:
    prepared, table = load_prepared(stages.prepared.folder), load_table(stages.ingested.folder)
    learns = not {"linear", "boosting"}.isdisjoint(baselines)
    plain = summarise(prepared) if learns else prepared
    seed = loaded.config.training.seed
    return Measured(
        table=table,
        prepared=prepared,
        plain=plain,
        predictor=Predictor.load(run.model),
        simple=not {"majority", "mean"}.isdisjoint(baselines),
        linear=fit_linear(plain, machine) if "linear" in baselines else None,
        boosting=fit_boosting(table, plain, seed, _means(prepared, plain))
        if "boosting" in baselines
        else None,
        class_weights=load_class_weights(run),
    )


def _means(prepared: Prepared, plain: Prepared) -> NDArray[np.float32] | None:
    """Return the means of each sequence, float32 (M, F); None where rows stand by themselves."""
    if prepared.sequences is None:
        return None
    return plain.features[:, : prepared.features.shape[1]]


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


def _draw(
    run: RunFolder, result: EvaluationResult, main: Judged, positive_index: int | None
) -> None:
    """Draw the curves, and the main part as its figures are judged by; keep what they show."""
    history, kept_epoch = read_history(run), TrainingResult.load(run.training).kept_epoch
    figures = draw_pictures(result, history, kept_epoch, main.y_true, main.predictions, main.weight)
    save_pictures(figures, run.pictures)
    trace_curves(
        main.result.part,
        main.y_true,
        main.predictions,
        weight=main.weight,
        positive_index=positive_index,
    ).save(run.curves)


def _find_mistakes(measured: Measured, judged: Judged) -> PartMistakes:
    table, index = measured.table, measured.prepared.table_index

    def name_row(at: int) -> RowNumber:
        return name_rows(table, index[judged.rows[at : at + 1]])[0]

    return find_mistakes(judged.result.part, judged.y_true, judged.predictions, name_row)


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
    baselines = _baselines(measured, rows)
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
        baselines=baselines,
    )
    result = result.model_copy(
        update={"num_rows": len(every), "notes": (*_samples(measured, every, rows), *result.notes)}
    )
    if part == "test":
        write_predictions(run, measured, rows, predictions)
    judged = Judged(result, rows, y_true, predictions, weight)
    if part == "validation" and "boosting" in baselines:
        contest = _hold_contest(loaded, measured, judged, baselines["boosting"])
        judged = replace(judged, contest=contest)
    return judged


def _hold_contest(
    loaded: LoadedConfig, measured: Measured, judged: Judged, other: Predictions
) -> Contest | None:
    return hold_contest(
        "boosting",
        judged.y_true,
        judged.predictions,
        other,
        is_weighed=measured.class_weights is not None,
        weight=judged.weight,
        positive_index=measured.prepared.preprocessing.positive_index,
        seed=loaded.config.training.seed,
    )


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
    num_rows, num_train = sample_size(measured.plain), int((measured.prepared.part == 0).sum())
    if measured.linear is not None and num_rows < num_train:
        yield f"the linear baseline was fitted to {num_rows:,} of the {num_train:,} train rows"
    yield from measured.boosting.notes() if measured.boosting is not None else ()


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


def _baselines(measured: Measured, rows: NDArray[np.int64]) -> dict[str, Predictions]:
    """Return what each baseline says of rows, by their positions, int64 (N,), by its name."""
    said = _simple_baseline(measured.prepared, len(rows)) if measured.simple else {}
    if measured.linear is not None:
        tensors = load_part(measured.plain, rows, None, CPU, resident_bytes=0)
        outputs = compute_outputs(measured.linear, tensors).numpy()
        said["linear"] = interpret(outputs, measured.prepared.preprocessing)
    if measured.boosting is not None:
        said["boosting"] = measured.boosting.predict(rows)
    return said


def _simple_baseline(prepared: Prepared, num_rows: int) -> dict[str, Predictions]:
    classes = prepared.preprocessing.classes
    if classes is None:
        return {"mean": mean_predictions(prepared.preprocessing.target_mean, num_rows)}
    train = np.asarray(prepared.target[prepared.part == 0])
    shares = np.bincount(train, minlength=len(classes)) / len(train)
    named = dict(zip(classes, shares.tolist(), strict=True))
    return {"majority": majority_predictions(named, num_rows)}


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
    }
    if measured.prepared.sequences is None:
        columns["target"] = table.columns[table.schema.target].take(pa.array(index))
    else:
        columns |= _name_sequences(measured, rows)
    with replacing(run.test_predictions) as path:
        pq.write_table(pa.table(columns | predictions.columns()), path)


def _name_sequences(measured: Measured, rows: NDArray[np.int64]) -> dict[str, object]:
    """Return the columns that say which sequences these are: their groups, rows and labels.

    The label is the sequence's, which its last row need not have.
    """
    table, prepared = measured.table, measured.prepared
    if prepared.sequences is None:
        raise ValueError("rows must be sequences to be named as such")
    (group,), index = table.schema.names("group"), pa.array(prepared.table_index[rows])
    y_true, classes = prepared.y_true(rows), prepared.preprocessing.classes
    target: object = y_true
    if classes is not None:
        target = pa.array(classes).take(pa.array(y_true, mask=y_true < 0))
    return {
        group: table.columns[group].take(index),
        "num_rows": prepared.sequences.lengths[rows],
        "target": target,
    }


def raise_for_requirements(result: EvaluationResult) -> None:
    """Raise where the run did not reach what `evaluation.require` asks for.

    Raises:
        GateError: One line for each requirement that was not met.
    """
    if result.unmet:
        raise GateError(result.unmet)
