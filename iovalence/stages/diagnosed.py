"""Own the diagnosis as a stage: gather what a run shows, and leave diagnosis.json in it.

Of the test part neither rows nor figures are looked at: what is advised would be chosen on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from iovalence.config.load import LoadedConfig
from iovalence.data.prepared import Prepared, load_prepared
from iovalence.diagnosis.diagnose import diagnose
from iovalence.diagnosis.evidence import ClassRecall, Evidence, Gain, Losses
from iovalence.diagnosis.verdict import Diagnosis
from iovalence.errors import StorageError, TrainingError
from iovalence.evaluation.evaluate import spread_rows
from iovalence.evaluation.result import EvaluationResult, PartResult
from iovalence.models.predictor import Predictor
from iovalence.quality.checks import QualityReport
from iovalence.quality.findings import Finding
from iovalence.runs.choices import BATCH_SIZE, LEARNING_RATE
from iovalence.runs.folder import RunFolder
from iovalence.runs.manifest import Manifest
from iovalence.stages.evaluated import load_class_weights, read_history
from iovalence.stages.opened import timing
from iovalence.stages.rows import RowStages
from iovalence.stages.trained import TrainingResult, choose_class_weights
from iovalence.training.fit import TRAIN, VALIDATION, objective_for, weigh_classes
from iovalence.training.parts import PartTensors, read_part
from iovalence.training.section import TrainingSection
from iovalence.training.sequences import SequenceTensors
from iovalence.training.trainer import compute_outputs

# A hundred thousand rows say it exactly enough, and in milliseconds.
MAX_ROWS = 100_000
LEARNING_BASELINES = ("linear", "boosting")

PartRows = PartTensors | SequenceTensors


def diagnose_stage(
    loaded: LoadedConfig, run: RunFolder, stages: RowStages, result: EvaluationResult
) -> Diagnosis:
    """Say what happened in a training that ended, and write it into the run.

    Args:
        loaded: The configuration.
        run: Where the model is.
        stages: What was done before training.
        result: Its figures; those of the test part are left out.

    Raises:
        StorageError: The run cannot be read or written to.
    """
    with timing(run, "diagnose"):
        diagnosis = diagnose(gather_evidence(loaded, run, stages, result))
        diagnosis.save(run.diagnosis)
    return diagnosis


def diagnose_failure(
    loaded: LoadedConfig, run: RunFolder, stages: RowStages, failure: TrainingError
) -> Diagnosis:
    """Say what happened in a training whose loss became infinite, and write it into the run.

    Raises:
        StorageError: The run cannot be read or written to.
    """
    diagnosis = diagnose(gather_failure(loaded, run, stages, failure))
    diagnosis.save(run.diagnosis)
    return diagnosis


def gather_failure(
    loaded: LoadedConfig, run: RunFolder, stages: RowStages, failure: TrainingError
) -> Evidence:
    """Return all that the rules may look at where there is no model; see `diagnose_failure`."""
    evidence = _open_evidence(loaded, run, load_prepared(stages.prepared.folder), stages)
    failed = {"failed_step": failure.step, "failed_epoch": failure.epoch}
    return evidence.model_copy(update=failed)


def load_diagnosis(run: RunFolder) -> Diagnosis | None:
    """Return what was said of a run, or None."""
    return Diagnosis.load(run.diagnosis) if run.diagnosis.is_file() else None


def gather_evidence(
    loaded: LoadedConfig, run: RunFolder, stages: RowStages, result: EvaluationResult
) -> Evidence:
    """Return all that the rules may look at; see `diagnose_stage`."""
    prepared = load_prepared(stages.prepared.folder)
    evidence = _open_evidence(loaded, run, prepared, stages)
    trained = TrainingResult.load(run.training)
    train, validation = result.part("train"), result.part("validation")
    found: dict[str, object] = {
        "kept_epoch": trained.kept_epoch,
        "stopped_early": trained.stopped_early,
        "num_parameters": trained.num_parameters,
    }
    if train is not None and validation is not None:
        found |= {
            "gain": _measure_gain(run, prepared),
            "plain": _plain_losses(prepared, train, validation),
            "baselines": _baseline_losses(prepared, train, validation),
            "classes": _recalls(train, validation),
        }
    return evidence.model_copy(update=found)


def _open_evidence(
    loaded: LoadedConfig, run: RunFolder, prepared: Prepared, stages: RowStages
) -> Evidence:
    """Return what is known of every run, however it ended."""
    history, manifest = read_history(run), run.manifest()
    weights = choose_class_weights(loaded.config.training, stages.checked)
    class_weights = weigh_classes(weights, prepared, np.flatnonzero(prepared.part == TRAIN))
    return Evidence(
        task="regression" if prepared.preprocessing.classes is None else "classification",
        section=_settle(loaded.config.training, manifest),
        is_weighed=class_weights is not None,
        device=manifest.device or "cpu",
        num_rows={
            "train": int((prepared.part == TRAIN).sum()),
            "validation": int((prepared.part == VALIDATION).sum()),
        },
        train_loss=_curve(history, "train_loss"),
        val_loss=_curve(history, "val_loss"),
        epoch_seconds=_curve(history, "epoch_seconds"),
        constant=_constant_losses(prepared, class_weights),
        findings=_findings(run),
    )


def _findings(run: RunFolder) -> tuple[Finding, ...]:
    try:
        return QualityReport.load(run.quality).findings
    except StorageError:
        return ()


def _settle(section: TrainingSection, manifest: Manifest) -> TrainingSection:
    """Return the section with what was chosen where it says `auto`."""
    keys = {"batch_size": BATCH_SIZE, "learning_rate": LEARNING_RATE}
    chosen = {
        name: manifest.choices[key].value for name, key in keys.items() if key in manifest.choices
    }
    return section.model_copy(update=chosen)


def _curve(history: list[dict[str, float]], name: str) -> tuple[float, ...]:
    return tuple(epoch[name] for epoch in history if name in epoch)


def _take(prepared: Prepared, part: int, weights: torch.Tensor | None) -> PartRows:
    """Return rows of a part, at most so many, without those of a class unknown."""
    rows = np.flatnonzero(prepared.part == part)
    rows = rows[spread_rows(len(rows), MAX_ROWS)]
    if prepared.preprocessing.classes is not None:
        rows = rows[prepared.target[rows] >= 0]
    return read_part(prepared, rows, weights)


def _constant_losses(prepared: Prepared, class_weights: torch.Tensor | None) -> Losses | None:
    """Return the loss of the best constant of the train part, on both parts."""
    train = _take(prepared, TRAIN, class_weights)
    validation = _take(prepared, VALIDATION, class_weights)
    if not validation.num_rows:
        validation = train
    outputs = _constant_outputs(prepared, train)
    return Losses(
        train=_mean_loss(prepared, train, outputs),
        validation=_mean_loss(prepared, validation, outputs),
    )


def _weights(rows: PartRows) -> torch.Tensor:
    return torch.ones(rows.num_rows) if rows.weight is None else rows.weight


def _constant_outputs(prepared: Prepared, train: PartRows) -> torch.Tensor:
    """Return what the best constant says, float32 (1, K): log shares, or the mean."""
    weight = _weights(train)
    classes = prepared.preprocessing.classes
    if classes is None:
        return ((train.target * weight).sum() / weight.sum()).reshape(1, 1)
    shares = torch.bincount(train.target, weights=weight, minlength=len(classes))
    return (shares / shares.sum()).clamp_min(1e-12).log().float().reshape(1, -1)


def _row_losses(prepared: Prepared, rows: PartRows, outputs: torch.Tensor) -> torch.Tensor:
    spread = outputs.expand(rows.num_rows, -1).contiguous()
    return objective_for(prepared).row_losses(spread, rows.target, None)


def _mean_loss(prepared: Prepared, rows: PartRows, outputs: torch.Tensor) -> float:
    weight = _weights(rows)
    return float((_row_losses(prepared, rows, outputs) * weight).sum() / weight.sum())


def _measure_gain(run: RunFolder, prepared: Prepared) -> Gain | None:
    """Return how far the model is below the best constant on the validation rows."""
    class_weights = load_class_weights(run)
    rows = _take(prepared, VALIDATION, class_weights)
    if rows.num_rows < 2:
        return None
    constant = _constant_outputs(prepared, _take(prepared, TRAIN, class_weights))
    outputs = compute_outputs(Predictor.load(run.model).network, rows)
    saved = _row_losses(prepared, rows, constant) - _row_losses(prepared, rows, outputs)
    return _weighted_mean(saved.double().numpy(), _weights(rows).double().numpy())


@dataclass(frozen=True)
class RowLosses:
    """Hold the loss of each validation row, without class weights.

    Attributes:
        losses: float64 (N,).
        weight: Weight of each row, float64 (N,).
        classes: Class of each row, int64 (N,); zeros for regression.
    """

    losses: NDArray[np.float64]
    weight: NDArray[np.float64]
    classes: NDArray[np.int64]


def measure_rows(run: RunFolder, prepared: Prepared) -> RowLosses:
    """Return what a run's model makes of each validation row, of 100,000 at most."""
    rows = _take(prepared, VALIDATION, None)
    outputs = compute_outputs(Predictor.load(run.model).network, rows)
    has_classes = prepared.preprocessing.classes is not None
    return RowLosses(
        _row_losses(prepared, rows, outputs).double().numpy(),
        _weights(rows).double().numpy(),
        rows.target.long().numpy() if has_classes else np.zeros(rows.num_rows, np.int64),
    )


def _weighted_mean(values: NDArray[np.float64], weight: NDArray[np.float64]) -> Gain:
    """Return a mean with its standard error, by the linearised ratio of two sums."""
    total = weight.sum()
    mean = float((values * weight).sum() / total)
    error = float(np.sqrt((((values - mean) * weight) ** 2).sum()) / total)
    return Gain(mean=mean, error=error, num_rows=len(values))


def _plain_losses(prepared: Prepared, train: PartResult, validation: PartResult) -> Losses | None:
    found = [
        _plain(prepared, {name: figure.value for name, figure in part.metrics.items()})
        for part in (train, validation)
    ]
    if found[0] is None or found[1] is None:
        return None
    return Losses(train=found[0], validation=found[1])


def _plain(prepared: Prepared, metrics: Mapping[str, float]) -> float | None:
    """Return the loss without class weights, from metrics; for regression in standard units."""
    if prepared.preprocessing.classes is not None:
        return metrics.get("log_loss")
    rmse = metrics.get("rmse")
    return None if rmse is None else (rmse / prepared.preprocessing.target_scale) ** 2


def _baseline_losses(
    prepared: Prepared, train: PartResult, validation: PartResult
) -> dict[str, Losses]:
    found = {}
    for name in LEARNING_BASELINES:
        parts = [_plain(prepared, part.baselines.get(name, {})) for part in (train, validation)]
        if parts[0] is not None and parts[1] is not None:
            found[name] = Losses(train=parts[0], validation=parts[1])
    return found


def _recalls(train: PartResult, validation: PartResult) -> tuple[ClassRecall, ...]:
    rows = {one.name: one.num_rows for one in train.per_class}
    return tuple(
        ClassRecall(
            name=one.name,
            num_train=rows.get(one.name, 0),
            num_rows=one.num_rows,
            recall=one.recall,
        )
        for one in validation.per_class
        if one.recall is not None
    )
