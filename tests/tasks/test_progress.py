from pathlib import Path

import pytest

from iovalence.config.load import LoadedConfig, load_config
from iovalence.training.trainer import EpochFigures
from tasks.progress import show_epochs

FIGURES = EpochFigures(
    epoch=3,
    step=39,
    metrics={"train_loss": 0.5, "val_loss": 0.25, "learning_rate": 0.001, "epoch_seconds": 0.128},
    is_best=True,
)


def load(tmp_path: Path, *, verbose: bool) -> LoadedConfig:
    path = tmp_path / "config.yaml"
    path.write_text(f"data: {{train_file: x.csv}}\ntraining: {{verbose: {str(verbose).lower()}}}\n")
    return load_config(path)


def test_an_epoch_is_one_line_where_there_is_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with show_epochs(load(tmp_path, verbose=True)) as observe:
        assert observe is not None
        observe(FIGURES)
    line = "epoch  3/30  train_loss 0.5000  val_loss 0.2500  0.13 s  best\n"
    assert capsys.readouterr() == ("", line)


def test_a_silent_run_watches_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with show_epochs(load(tmp_path, verbose=False)) as observe:
        assert observe is None
    assert capsys.readouterr() == ("", "")
