from pathlib import Path

import pytest

from iovalence.config.load import LoadedConfig, load_config
from iovalence.runs.manifest import Process
from iovalence.runs.sweep import Configuration, SweepRecord, Workers
from iovalence.sweeps.messages import Event
from tasks.sweep_progress import show_sweep

RECORD = SweepRecord(
    sweep_id="s",
    key="",
    experiment="e",
    config="c.yaml",
    space={},
    method="grid",
    by="val_loss",
    workers=Workers(number=1, reason=""),
    configurations=(
        Configuration(
            number=1,
            values={"training.dropout": "0.1"},
            config_hash="a",
            state="FINISHED",
            metrics={"val_loss": 0.25},
            rungs=(0.25,),
            num_epochs=7,
            seconds=1.5,
        ),
        Configuration(
            number=2,
            values={"training.dropout": "0.2"},
            config_hash="b",
            state="FAILED",
            failure=("the loss must be finite",),
        ),
    ),
    ranking=(1, 2),
    started_at="",
    process=Process(host="", pid=1, started=0),
)


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedConfig:
    path = tmp_path / "config.yaml"
    path.write_text("data: {train_file: x.csv}\n")
    return load_config(path)


def test_each_configuration_is_one_line_where_there_is_no_terminal(
    loaded: LoadedConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    with show_sweep(loaded, RECORD, 2) as observe:
        observe(Event(kind="epoch", number=1, epoch=3), RECORD)
        observe(Event(kind="died", number=1, failure=("its process ended by signal 9",)), RECORD)
        observe(Event(kind="ended", number=1), RECORD)
        observe(Event(kind="ended", number=2), RECORD)
    assert capsys.readouterr().err.splitlines() == [
        "warning: dropout=0.1: its process ended by signal 9; it is trained again",
        "2/2  val_loss 0.2500  dropout=0.1  7 epochs  1.50 s  best",
        "2/2  failed  dropout=0.2: the loss must be finite",
    ]


def test_a_terminal_has_one_bar_and_a_line_for_what_failed(
    loaded: LoadedConfig, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with show_sweep(loaded, RECORD, 2) as observe:
        observe(Event(kind="epoch", number=1, epoch=3), RECORD)
        observe(Event(kind="ended", number=1), RECORD)
        observe(Event(kind="ended", number=2), RECORD)
    err = capsys.readouterr().err
    assert "failed  dropout=0.2: the loss must be finite" in err
    assert "best val_loss 0.2500" in err
    assert "dropout=0.1" not in err
    assert "2/2" in err


def test_a_silent_sweep_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("data: {train_file: x.csv}\ntraining: {verbose: false}\n")
    with show_sweep(load_config(path), RECORD, 2) as observe:
        observe(Event(kind="ended", number=1), RECORD)
    assert capsys.readouterr() == ("", "")
