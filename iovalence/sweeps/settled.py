"""Own what a sweep takes down of a run that has ended: the run's folder is the truth."""

import math
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from iovalence.config.space import name_values
from iovalence.errors import StorageError
from iovalence.evaluation.result import EvaluationResult
from iovalence.runs.folder import RunFolder, list_runs, runs_folder
from iovalence.runs.manifest import Manifest
from iovalence.runs.sweep import SweepRecord
from iovalence.stages.trained import TrainingResult


def run_of(workspace: Path, run_id: str) -> RunFolder:
    """Return the folder of a configuration's run."""
    return RunFolder(runs_folder(workspace) / run_id)


def settle_all(record: SweepRecord, workspace: Path) -> SweepRecord:
    """Return the record with what became of every configuration that was begun.

    Whoever is killed may have begun a run that the sweep was not told of: it is found by its name.
    """
    begun = {
        manifest.run_name: manifest.run_id
        for manifest in _whole_manifests(workspace)
        if manifest.sweep_id == record.sweep_id
    }
    for one in record.configurations:
        found = begun.get(name_values(one.values)) if one.run_id is None else None
        if found is not None:
            record = record.changed(one.number, run_id=found)
        if found is not None or one.state == "RUNNING":
            record = settle(record, one.number, workspace=workspace)
    return record


def _whole_manifests(workspace: Path) -> Iterator[Manifest]:
    for run in list_runs(workspace):
        # A damaged run that is none of ours ends no sweep.
        with suppress(StorageError):
            yield run.manifest()


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
