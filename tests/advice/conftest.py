"""Runs of a small real table, with their diagnosis, whose advice can be tried."""

from iovalence.config.load import load_config
from iovalence.errors import TrainingError
from iovalence.runs.folder import ending, holding
from iovalence.stages.diagnosed import diagnose_failure, diagnose_stage
from iovalence.stages.evaluated import evaluate_stage
from iovalence.stages.opened import open_run
from iovalence.stages.rows import make_ready
from iovalence.stages.stored import ingest_stage
from iovalence.stages.trained import train_stage
from tests.diagnosis.tables import write_wine
from tests.stages.conftest import Project

CONFIG = """\
data: {train_file: data.csv, target: label}
quality: {labels: {errors: off}}
training: {verbose: false, save_checkpoint: false, batch_size: 16, seed: 5, SETTINGS}
"""


def train(folder, settings, test=None, num_epochs=12):
    """Train a run with its diagnosis; return its folder."""
    project = Project(folder)
    config = CONFIG.replace("SETTINGS", f"epochs: {num_epochs}, {settings}")
    if test is not None:
        (folder / "test.csv").write_text(test)
        config = config.replace("label}", "label, test_file: test.csv}").replace(
            "errors: off}", "errors: off}, leakage: {copies: off}"
        )
    project.write(write_wine(), config)
    loaded = load_config(project.path)
    ingested = ingest_stage(loaded)
    run = open_run(loaded, ingested)
    with holding(run), ending(run):
        stages = make_ready(loaded, ingested, run)
        try:
            train_stage(loaded, run, stages)
        except TrainingError as err:
            diagnose_failure(loaded, run, stages, err)
            raise
        result = evaluate_stage(loaded, run, stages, with_pictures=False)
        diagnose_stage(loaded, run, stages, result)
        run.close("FINISHED")
    return run
