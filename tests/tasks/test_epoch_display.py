import pytest
from rich.console import Console

from iovalence.training.trainer import EpochFigures
from tasks.epoch_display import EpochDisplay, format_wait


class Clock:
    """A clock that stands still between two looks."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def figures(epoch: int, *, is_best: bool = False, **metrics: float) -> EpochFigures:
    return EpochFigures(epoch, epoch, {"train_loss": 1 / epoch, **metrics}, is_best)


def drawn(display: EpochDisplay, columns: int = 80) -> list[str]:
    console = Console(width=columns, highlight=False, force_terminal=False)
    with console.capture() as captured:
        console.print(display.draw(console))
    return captured.get().splitlines()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_before_the_first_epoch_it_says_how_many_there_are(clock: Clock) -> None:
    display = EpochDisplay(30, may_stop=True, clock=clock)
    assert display.seconds_left() is None
    assert [line.split() for line in drawn(display, 20)] == [["epoch", "0/30"]]


def test_the_time_left_is_that_of_the_epochs_seen_and_runs_down(clock: Clock) -> None:
    display = EpochDisplay(30, may_stop=False, clock=clock)
    for epoch in (21, 22):  # of a training that goes on after 20
        clock.now += 3
        display.observe(figures(epoch))
    assert display.seconds_left() == 24
    clock.now += 2
    assert display.seconds_left() == 22
    assert drawn(display)[0].rstrip().endswith("22 s left")


def test_the_best_epoch_stays_when_later_ones_are_worse(clock: Clock) -> None:
    display = EpochDisplay(30, may_stop=True, clock=clock)
    display.observe(figures(1, is_best=True, val_loss=0.5, val_rmse=12345.6))
    display.observe(figures(2, val_loss=0.75, val_rmse=2.0))
    assert drawn(display)[1:] == [
        "  train        loss 0.5000",
        "  validation   loss 0.7500, RMSE 2.000",
        "  best so far  loss 0.5000, RMSE 12,346, epoch 1",
    ]


def test_without_a_validation_part_the_train_loss_is_watched(clock: Clock) -> None:
    display = EpochDisplay(30, may_stop=True, clock=clock)
    display.observe(figures(1, is_best=True))
    assert drawn(display)[2] == "  best so far  loss 1.0000, epoch 1"


@pytest.mark.parametrize("columns", [10, 30, 60])
def test_no_line_is_wider_than_the_terminal(columns: int, clock: Clock) -> None:
    display = EpochDisplay(30, may_stop=True, clock=clock)
    display.observe(figures(1, is_best=True, val_loss=0.5, val_accuracy=0.875))
    lines = drawn(display, columns)
    assert len(lines) == 4
    assert max(map(len, lines)) <= columns


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (99.0, "99 s"), (130.0, "2 min"), (9000.0, "2 h")]
)
def test_a_wait_is_told_roughly(seconds: float, text: str) -> None:
    assert format_wait(seconds) == text
