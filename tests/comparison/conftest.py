"""Runs that differ in one thing each, trained once; tests that change a run copy it first."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from iovalence.config.load import load_config
from iovalence.runs.folder import RunFolder
from iovalence.stages.evaluated import evaluate_stage
from iovalence.stages.opened import open_run
from iovalence.stages.rows import make_ready
from iovalence.stages.stored import ingest_stage
from iovalence.stages.trained import train_stage

# The split goes by what a row holds: a seed, or more rows, leave each row in its part.
CONFIG = """\
data: {train_file: data.csv, split: hash, test_size: 0.3}
training: {epochs: 2, layers: [8], learning_rate: 0.01, early_stopping: false, verbose: false}
quality: {labels: {errors: "off"}, duplicates: {near: "off"}}
evaluation: {baseline: false}
"""
CHANGES = {
    "first": (),
    "faster": ("learning_rate=0.05", "tracking.run_name=faster"),
    "seed_1": ("seed=1",),
    "seed_2": ("seed=2",),
    "grown": ("data.train_file=grown.csv",),
    "numbers": ("data.target=number",),
}


def make_lines(num_rows: int, seed: int = 0) -> list[str]:
    """Return a CSV file's lines: two features, a number and a class to predict."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(num_rows, 2))
    noise = rng.normal(size=num_rows)
    labels = np.where(x[:, 0] + noise > 0, "yes", "no")
    rows = zip(*x.T, noise + x[:, 1], labels, strict=True)
    return [f"{a:.6f},{b:.6f},{y:.6f},{label}" for a, b, y, label in rows]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunFolder]:
    folder = tmp_path_factory.mktemp("compared")
    lines = ["a,b,number,label", *make_lines(300)]
    (folder / "data.csv").write_text("\n".join(lines))
    (folder / "grown.csv").write_text("\n".join([*lines, *make_lines(100, seed=1)]))
    config = folder / "config.yaml"
    config.write_text(CONFIG)
    return {name: train(config, changes) for name, changes in CHANGES.items()}


def train(config: Path, changes: tuple[str, ...]) -> RunFolder:
    """Return a finished run, without pictures and report: nothing here looks at them."""
    loaded = load_config(config, changes)
    ingested = ingest_stage(loaded)
    run = open_run(loaded, ingested)
    stages = make_ready(loaded, ingested, run)
    train_stage(loaded, run, stages)
    evaluate_stage(loaded, run, stages, with_pictures=False)
    run.close("FINISHED")
    return run


@pytest.fixture
def first(trained: dict[str, RunFolder]) -> RunFolder:
    return trained["first"]


@pytest.fixture
def faster(trained: dict[str, RunFolder]) -> RunFolder:
    return trained["faster"]


@pytest.fixture
def altered(first: RunFolder) -> Iterator[RunFolder]:
    """Yield a copy of the first run in the same workspace, to be altered."""
    copy = RunFolder(first.root.with_name("20200101-000000-0000"))
    shutil.copytree(first.root, copy.root)
    copy.update(run_id=copy.run_id)
    yield copy
    shutil.rmtree(copy.root)


def without_test_part(run: RunFolder, folder: Path) -> RunFolder:
    """Return a copy of a run as a sweep leaves one that it did not choose."""
    import json

    copy = RunFolder(folder / run.run_id)
    shutil.copytree(run.root, copy.root)
    copy.test_predictions.unlink()
    result = json.loads(copy.metrics.read_text())
    result["parts"] = [part for part in result["parts"] if part["part"] != "test"]
    copy.metrics.write_text(json.dumps(result))
    return copy
