"""What a person sees, in a terminal that is looked at."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.terminal import Terminal

TRAINING = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from iovalence.config.load import load_config
from tasks.progress import show_epochs, tell
losses = {"train_loss": 0.5, "val_loss": 0.25, "val_accuracy": 0.875, "epoch_seconds": 0.2}
with show_epochs(load_config(Path(sys.argv[1]))) as observe:
    for epoch in range(1, 4):
        figures = SimpleNamespace(epoch=epoch, metrics=losses, is_best=epoch == 2)
        observe and observe(figures)
        tell(f"a line after epoch {epoch}")
    time.sleep(float(sys.argv[2]))
tell("trained")
"""


def train(
    tmp_path: Path, *, sleep_s: float = 0.5, columns: int = 80, config: str = "", **env: str
) -> Terminal:
    path = tmp_path / "config.yaml"
    path.write_text("data: {train_file: x.csv}\n" + config)
    command = [sys.executable, "-c", TRAINING, str(path), str(sleep_s)]
    return Terminal(command, columns=columns, env=env)


LINES = [*(f"a line after epoch {epoch}" for epoch in (1, 2, 3)), "trained"]
FIGURES = [
    "  train        loss 0.5000",
    "  validation   loss 0.2500, Accuracy 87.5 %",
    "  best so far  loss 0.2500, Accuracy 87.5 %, epoch 2",
]


def test_a_training_is_one_region_below_the_lines(tmp_path: Path) -> None:
    terminal = train(tmp_path, sleep_s=30)
    terminal.wait_for("Accuracy 87.5 %, epoch 2")
    shown = terminal.screen().shown()
    assert shown[:3] == LINES[:3]
    assert shown[3].startswith("epoch 3/30 ━")
    assert shown[3].endswith("left at most")
    assert shown[4:] == FIGURES
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == -signal.SIGINT
    assert terminal.screen().is_cursor_shown


def test_the_region_is_gone_at_the_end_and_the_cursor_is_there(tmp_path: Path) -> None:
    terminal = train(tmp_path)
    assert terminal.end() == 0
    assert "best so far" in terminal.written
    assert terminal.screen().shown() == LINES
    assert terminal.screen().is_cursor_shown


@pytest.mark.parametrize("columns", [20, 40])
def test_a_narrow_terminal_folds_none_of_it(tmp_path: Path, columns: int) -> None:
    terminal = train(tmp_path, columns=columns)
    assert terminal.end() == 0
    assert "train" in terminal.written
    assert terminal.screen().shown() == LINES


def test_without_colours_there_are_none(tmp_path: Path) -> None:
    terminal = train(tmp_path, NO_COLOR="1")
    assert terminal.end() == 0
    assert "best so far" in terminal.written
    assert not any(f"\x1b[{colour}" in terminal.written for colour in (3, 4, 9))


def test_a_terminal_that_cannot_redraw_has_plain_lines(tmp_path: Path) -> None:
    terminal = train(tmp_path, TERM="dumb")
    assert terminal.end() == 0
    assert "\x1b" not in terminal.written
    assert "epoch  2/30  train_loss 0.5000  val_loss 0.2500" in terminal.written


def test_a_silent_training_draws_nothing(tmp_path: Path) -> None:
    terminal = train(tmp_path, config="training: {verbose: false}\n")
    assert terminal.end() == 0
    assert "\x1b" not in terminal.written


WAITING = """
import sys, time
from tasks.live import waiting
from tasks.progress import tell
with waiting("reading the rows"):
    time.sleep(float(sys.argv[1]))
    tell("half of it " + 10 * "is long ")
    time.sleep(0.2)
print("done", file=sys.stderr)
"""


def wait(arguments: Sequence[str]) -> Terminal:
    terminal = Terminal([sys.executable, "-c", WAITING, *arguments])
    assert terminal.end() == 0
    return terminal


def test_what_takes_longer_than_a_second_has_a_spinner() -> None:
    terminal = wait(["1.6"])
    assert "reading the rows" in terminal.written
    assert "reading the rows" not in "".join(terminal.screen().shown())
    assert terminal.screen().is_cursor_shown


def test_what_takes_less_has_none_and_its_lines_are_whole() -> None:
    terminal = wait(["0.1"])
    assert "\x1b" not in terminal.written
    line = "half of it " + 10 * "is long "
    assert terminal.written.replace("\r", "") == f"{line}\ndone\n"
