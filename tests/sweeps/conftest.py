"""Sweeps on a small table; most are trained in this process, by the code that the others run."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from iovalence.config.space import load_space
from iovalence.runs.folder import RunFolder
from iovalence.runs.sweep import SweepFolder, SweepRecord
from iovalence.sweeps.messages import Event, Group
from iovalence.sweeps.opened import ReadySweep, open_sweep, ready_sweep
from iovalence.sweeps.settled import run_of
from iovalence.sweeps.trained import train_with
from iovalence.sweeps.worker import train_group
from tests.stages.test_pipeline import make_table

CONFIG = """\
data: {train_file: data.csv}
training: {epochs: 9, early_stopping: false, verbose: false, layers: [8], dropout: 0}
"""


class Here:
    """Train in this process."""

    def run(self, groups: Sequence[Group]) -> Iterator[Event]:
        for group in groups:
            said: list[Event] = []
            train_group(group, said.append)
            yield from said


def ready(
    folder: Path,
    *vary: str,
    overrides: Sequence[str] = (),
    num_random: int | None = None,
    by: str = "val_loss",
    halving: bool = False,
) -> ReadySweep:
    """Write a table and a configuration where there are none, and make a sweep ready."""
    path = folder / "config.yaml"
    if not path.exists():
        (folder / "data.csv").write_text(make_table())
        path.write_text(CONFIG)
    space = load_space(path, overrides, vary, num_random=num_random)
    return ready_sweep(space, method="grid", by=by, halving=halving)


def train_here(made: ReadySweep, sweep: SweepFolder | None = None) -> SweepFolder:
    """Train what waits of a sweep, a new one where none is given."""
    sweep = sweep or open_sweep(made)
    train_with(Here(), made, sweep, lambda event, record: None, lambda record, number: None)
    return sweep


def runs_by_number(sweep: SweepFolder) -> dict[int, RunFolder]:
    return {
        one.number: run_of(sweep.workspace, str(one.run_id))
        for one in sweep.record().configurations
        if one.run_id is not None
    }


def states(record: SweepRecord) -> list[str]:
    return [one.state for one in record.configurations]


RATES = "learning_rate=0.01,1e30,0.001"


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReadySweep, SweepFolder]:
    """Train three configurations, of which the second cannot be."""
    made = ready(tmp_path_factory.mktemp("grid"), RATES, overrides=["optimizer=sgd"])
    return made, train_here(made)
