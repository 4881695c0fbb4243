"""Own what a sweep takes down of a run that has ended: the run's folder is the truth."""

import math
from pathlib import Path

from iovalence.evaluation.result import EvaluationResult
from iovalence.runs.folder import RunFolder, runs_folder
from iovalence.runs.sweep import SweepRecord
from iovalence.stages.trained import TrainingResult


def run_of(workspace: Path, run_id: str) -> RunFolder:
    """Return the folder of a configuration's run."""
    return RunFolder(runs_folder(workspace) / run_id)


def settle(
    record: SweepRecord, number: int, *, workspace: Path, cause: str = "interrupted"
) -> SweepRecord:
    """Return the record with what became of a configuration, by its run.

    A run that nobody is at any more is closed as KILLED, by `cause`.
    """
    run_id = record.configuration(number).run_id
    if run_id is None:
        return record.changed(number, state="KILLED")
    run = run_of(workspace, run_id)
    manifest = run.manifest()
    if manifest.status == "FINISHED":
        return _finish(record, number, run)
    if manifest.status == "FAILED":
        return record.changed(number, state="FAILED", failure=manifest.failure)
    if manifest.status == "RUNNING":
        run.close("KILLED", (cause,))
    return record.changed(number, state="KILLED")


def _finish(record: SweepRecord, number: int, run: RunFolder) -> SweepRecord:
    """Return the record with the figures of a configuration: none of the test part."""
    validation = EvaluationResult.load(run.metrics).part("validation")
    found = {} if validation is None else validation.metrics
    metrics = {f"val_{name}": figure.value for name, figure in found.items()}
    rungs = record.configuration(number).rungs
    return record.changed(
        number,
        state="FINISHED",
        metrics=metrics,
        rungs=(*rungs, metrics.get(record.by, math.nan)),
        num_epochs=TrainingResult.load(run.training).num_epochs,
        seconds=run.manifest().seconds,
        failure=(),
        failure_status=None,
    )
