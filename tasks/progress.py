"""Own what a person sees while a run goes on: on standard error, and in Prefect's log."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from iovalence.config.load import LoadedConfig
from tasks.live import can_redraw, print_above, region, waiting

if TYPE_CHECKING:
    from iovalence.runs.store import StageOutput
    from iovalence.training.trainer import EpochFigures

DONE = {
    "checks": "checked the rows",
    "comparison": "compared the table with that of the last accepted run",
    "suspects": "checked the labels",
    "split": "split the rows",
    "parts": "checked the parts",
    "prepared": "prepared the features",
}
SHOWN = ("train_loss", "val_loss", "train_accuracy", "val_accuracy", "train_rmse", "val_rmse")


def say(loaded: LoadedConfig, text: str) -> None:
    """Say in one line what a task did: in Prefect's log, and to people unless the run is silent."""
    from prefect import get_run_logger

    get_run_logger().info(text)
    if loaded.config.training.verbose:
        tell(text)


def tell(text: str) -> None:
    """Write one line for people, beside the results on standard output."""
    if not print_above(text):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def working(loaded: LoadedConfig, text: str) -> AbstractContextManager[None]:
    """Show what goes on in a block where it takes longer than a second; see `waiting`."""
    return waiting(text, is_shown=loaded.config.training.verbose)


def tell_stage(loaded: LoadedConfig, output: "StageOutput") -> None:
    """Say in one line that a stage is done, where no Prefect runs, unless that is to be silent."""
    if loaded.config.training.verbose:
        tell(describe_stage(output))


def describe_stage(output: "StageOutput") -> str:
    """Return what a stage before training did, and what it cost."""
    cost = "as before" if output.reused else f"{output.seconds:.2f} s"
    return f"{_describe_table(output) if output.stage == 'table' else DONE[output.stage]} ({cost})"


def _describe_table(output: "StageOutput") -> str:
    from iovalence.data.schema import TableSchema

    schema = TableSchema.load(output.folder / "schema.json")
    return (
        f"read {sum(schema.num_rows):,} rows of {len(schema.columns)} columns; {schema.task} of "
        f"'{schema.target}': {schema.task_reason}"
    )


@contextmanager
def show_epochs(loaded: LoadedConfig) -> Iterator["Callable[[EpochFigures], None] | None"]:
    """Yield what is to be called after each epoch; None for a run that is to be silent.

    On a terminal it takes the figures down, and another thread draws them a few times a second;
    elsewhere it writes a line.
    """
    from tasks.epoch_display import EpochDisplay

    training = loaded.config.training
    if not training.verbose:
        yield None
    elif not can_redraw():
        yield lambda figures: tell(_line(figures, training.epochs))
    else:
        display = EpochDisplay(training.epochs, may_stop=training.early_stopping)
        with region(display.draw):
            yield display.observe


def _line(figures: "EpochFigures", num_epochs: int) -> str:
    shown = [f"{name} {figures.metrics[name]:.4f}" for name in SHOWN if name in figures.metrics]
    seconds = figures.metrics.get("epoch_seconds", 0.0)
    width = len(str(num_epochs))
    best = "  best" if figures.is_best else ""
    return f"epoch {figures.epoch:>{width}}/{num_epochs}  {'  '.join(shown)}  {seconds:.2f} s{best}"
