"""Run all stages in this process, without Prefect and MLflow."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from iovalence.config.load import LoadedConfig, load_config
from iovalence.evaluation.result import EvaluationResult
from iovalence.runs.folder import RunFolder, ending
from iovalence.stages.evaluated import evaluate_stage
from iovalence.stages.opened import open_run, record_findings, record_split
from iovalence.stages.reported import report_stage
from iovalence.stages.stored import check_stage, ingest_stage, prepare_stage, split_stage
from iovalence.stages.trained import TrainingResult, train_stage


@dataclass(frozen=True)
class Finished:
    """Hold a run that went through all stages."""

    loaded: LoadedConfig
    run: RunFolder
    training: TrainingResult
    result: EvaluationResult


def run_stages(config: Path, overrides: tuple[str, ...] = ()) -> Finished:
    loaded = load_config(config, overrides)
    ingested = ingest_stage(loaded)
    run = open_run(loaded, ingested)
    with ending(run):
        checked = check_stage(loaded, ingested)
        record_findings(run, ingested, checked)
        split = split_stage(loaded, ingested, checked)
        prepared = prepare_stage(loaded, ingested, checked, split)
        record_split(run, split, prepared)
        training = train_stage(loaded, run, ingested, checked, prepared)
        result = evaluate_stage(loaded, run, ingested, prepared)
        report_stage(loaded, run, ingested, result)
        run.close("FINISHED")
    return Finished(loaded, run, training, result)


@pytest.fixture
def project(tmp_path):
    """Return a function that writes a table and a config, and runs all stages on them."""

    def make(table: str, config: str, *overrides: str, name: str = "data.csv") -> Finished:
        (tmp_path / name).write_text(table)
        path = tmp_path / "config.yaml"
        path.write_text(config)
        return run_stages(path, overrides)

    return make


@pytest.fixture
def empty_store(tmp_path):
    """Return a function that removes what the stage store holds."""
    return lambda: shutil.rmtree(tmp_path / ".iovalence" / "store")
