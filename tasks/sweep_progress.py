"""Own what a person sees while a sweep goes on: one calm line on a terminal, else plain lines."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from iovalence.config.load import LoadedConfig
from iovalence.config.space import name_values
from iovalence.evaluation.wording import format_seconds
from iovalence.runs.sweep import Configuration, SweepRecord
from iovalence.sweeps.messages import Event
from tasks.live import REFRESHES, can_redraw
from tasks.progress import tell

if TYPE_CHECKING:
    from rich.progress import Progress

Observe = Callable[[Event, SweepRecord], None]


@contextmanager
def show_sweep(loaded: LoadedConfig, record: SweepRecord, total: int) -> Iterator[Observe]:
    """Yield what is to be called after each event: it shows how far the sweep is.

    Args:
        loaded: The configuration; silent with `verbose: false`.
        record: As the sweep begins.
        total: Trainings, those that go on at a further rung counted anew.
    """
    if not loaded.config.training.verbose:
        yield _say_nothing
    elif can_redraw():
        with _bar() as progress:
            yield _Live(progress, record, total, loaded.config.training.epochs).show
    else:
        yield lambda event, record: _tell_event(event, record, total)


def _say_nothing(_event: Event, _record: SweepRecord) -> None:
    pass


def _tell_event(event: Event, record: SweepRecord, total: int) -> None:
    one = record.configuration(event.number)
    if event.kind == "died":
        tell(f"warning: {name_values(one.values)}: {event.failure[0]}; it is trained again")
    if event.kind == "ended":
        tell(f"{_count(record, total)}  {describe(one, record)}")


def _num_ended(record: SweepRecord) -> int:
    return sum(len(one.rungs) + (one.state == "FAILED") for one in record.configurations)


def _count(record: SweepRecord, total: int) -> str:
    return f"{_num_ended(record):>{len(str(total))}}/{total}"


def describe(one: Configuration, record: SweepRecord) -> str:
    """Return what became of a configuration, for people."""
    values = name_values(one.values)
    if one.state != "FINISHED":
        return f"failed  {values}: {'; '.join(one.failure)}"
    took = "" if one.seconds is None else f"  {format_seconds(one.seconds)}"
    best = "  best" if record.ranking[:1] == (one.number,) else ""
    figure = f"{record.by} {one.metrics[record.by]:.4f}" if record.by in one.metrics else "nan"
    return f"{figure}  {values}  {one.num_epochs} epochs{took}{best}"


class _Live:
    """Keep one bar up to date: what has ended, what is under way, and the best so far."""

    def __init__(
        self, progress: "Progress", record: SweepRecord, total: int, num_epochs: int
    ) -> None:
        self._progress = progress
        self._total = total
        self._num_epochs = num_epochs
        self._shares: dict[int, float] = {}
        count = _count(record, total)
        self._bar = progress.add_task("Sweep", total=total, count=count, best=_best(record))

    def show(self, event: Event, record: SweepRecord) -> None:
        self._shares[event.number] = min(event.epoch / self._num_epochs, 1.0)
        if event.kind in ("ended", "died"):
            del self._shares[event.number]
            if record.configuration(event.number).state != "FINISHED":
                line = describe(record.configuration(event.number), record)
                self._progress.console.print(line, highlight=False, markup=False, soft_wrap=True)
        completed = _num_ended(record) + sum(self._shares.values())
        count = _count(record, self._total)
        self._progress.update(self._bar, completed=completed, count=count, best=_best(record))


def _best(record: SweepRecord) -> str:
    if not record.ranking:
        return ""
    best = record.configuration(record.ranking[0])
    if best.state != "FINISHED":
        return ""
    return f"best {record.by} {best.metrics.get(record.by, float('nan')):.4f}"


def _bar() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        Remaining(),
        TextColumn("{task.fields[best]}"),
    )
    return Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=REFRESHES,
        redirect_stdout=False,
    )
