"""Run all stages in this process, without Prefect and MLflow."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from iovalence.config.load import LoadedConfig, load_config
from iovalence.evaluation.result import EvaluationResult
from iovalence.runs.folder import RunFolder, ending, holding
from iovalence.stages.diagnosed import diagnose_stage
from iovalence.stages.effects import effects_stage
from iovalence.stages.evaluated import evaluate_stage
from iovalence.stages.explained import importance_stage
from iovalence.stages.opened import open_run
from iovalence.stages.reported import report_stage
from iovalence.stages.resumed import resume_run
from iovalence.stages.rows import make_ready
from iovalence.stages.stored import ingest_stage
from iovalence.stages.trained import Observe, TrainingResult, train_stage


@dataclass(frozen=True)
class Finished:
    """Hold a run that went through all stages."""

    loaded: LoadedConfig
    run: RunFolder
    training: TrainingResult
    result: EvaluationResult


def run_stages(
    config: Path,
    overrides: tuple[str, ...] = (),
    resume: RunFolder | None = None,
    observe: Observe | None = None,
) -> Finished:
    loaded = load_config(config, overrides)
    ingested = ingest_stage(loaded)
    if resume is not None:
        resume_run(loaded, resume, ingested)
    run = resume or open_run(loaded, ingested)
    with holding(run), ending(run):
        stages = make_ready(loaded, ingested, run)
        training = train_stage(loaded, run, stages, observe)
        result = evaluate_stage(loaded, run, stages)
        importance_stage(loaded, run, stages)
        effects_stage(loaded, run, stages)
        diagnose_stage(loaded, run, stages, result)
        report_stage(loaded, run, ingested, result)
        run.close("FINISHED")
    return Finished(loaded, run, training, result)


class Project:
    """Write a table and a config, and run all stages on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "config.yaml"
        self.workspace = folder / ".iovalence"

    def write(self, table: str, config: str, name: str = "data.csv") -> None:
        (self.folder / name).write_text(table)
        self.path.write_text(config)

    def __call__(
        self, table: str, config: str, *overrides: str, name: str = "data.csv", **options: Any
    ) -> Finished:
        self.write(table, config, name)
        return run_stages(self.path, overrides, **options)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.fixture
def empty_store(tmp_path):
    """Return a function that removes what the stage store holds."""
    return lambda: shutil.rmtree(tmp_path / ".iovalence" / "store")
