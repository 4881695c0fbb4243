"""A whole training as people start it, where the disk is full."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from iovalence.runs.folder import list_runs
from iovalence.runs.journal import metric_points, read_journal
from iovalence.training.checkpoint import read_checkpoint
from tests.conftest import SmallDisk
from tests.stages.conftest import run_stages
from tests.stages.test_pipeline import make_table, same_weights

COMMAND = [sys.executable, "-c", "import sys; from flows.command import main; sys.exit(main())"]
CONFIG = """\
data: {train_file: data.csv}
training: {epochs: 6, early_stopping: false, checkpoint_interval: 1, keep_checkpoints: 9}
"""


def test_a_training_on_a_full_disk_ends_with_status_3_and_goes_on_when_there_is_room(
    tmp_path: Path, small_disk: SmallDisk
) -> None:
    config, workspace = tmp_path / "config.yaml", small_disk.folder
    (tmp_path / "data.csv").write_text(make_table())
    config.write_text(CONFIG)
    whole = run_stages(config)
    command = [*COMMAND, "train", str(config), "--set", f"run.workspace={workspace}", "--resume"]
    full = subprocess.run(command, capture_output=True, text=True)
    assert full.returncode == 3
    (fault,) = [line for line in full.stderr.splitlines() if line.startswith("error: ")]
    assert fault.startswith("error: a checkpoint must be saved to go on: writing must be possible")
    assert "Traceback" not in full.stderr
    (run,) = list_runs(workspace)
    kept = [read_checkpoint(path).state.position.epoch for path in run.checkpoints.iterdir()]
    assert sorted(kept) == [1, 2]
    small_disk.resize(50_000)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "training goes on after epoch 2" in done.stderr
    assert same_weights(whole, replace(whole, run=run))
    samples = {point.key for point in metric_points(read_journal(run.system)[0])}
    assert "system/cpu_utilization_percentage" in samples
