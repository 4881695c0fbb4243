"""Real processes: fed, killed, replaced, interrupted, and left alone by their sweep."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from iovalence.errors import WorkerError
from iovalence.runs.sweep import list_sweeps
from iovalence.sweeps.messages import Group
from iovalence.sweeps.opened import jobs_of, open_sweep
from iovalence.sweeps.pool import MAX_ATTEMPTS, WorkerPool
from iovalence.sweeps.trained import train_all
from tests.sweeps.conftest import ready, runs_by_number, states

LONG = ["epochs=100000", "checkpoint_interval=100000"]


def workers() -> list[psutil.Process]:
    """Return the processes of sweeps that this one has started."""
    children = psutil.Process().children()
    return [child for child in children if "iovalence.sweeps.worker" in " ".join(child.cmdline())]


def ignore(*_: object) -> None:
    pass


def test_a_killed_process_loses_its_configuration_alone_which_is_trained_again(tmp_path):
    made = ready(tmp_path, "learning_rate=0.01,1e30,0.001", overrides=["optimizer=sgd"])
    sweep = open_sweep(made)
    sweep.update(workers=sweep.record().workers.model_copy(update={"number": 1}))
    seen = []

    def observe(event, record):
        seen.append((event.kind, event.number))
        if event.kind == "started" and seen.count(("started", 1)) == 1:
            workers()[0].kill()

    record = train_all(made, sweep, observe, ignore)
    assert states(record) == ["FINISHED", "FAILED", "FINISHED"]
    assert seen.count(("started", 1)) == 2
    assert ("died", 1) in seen
    assert [number for kind, number in seen if kind == "ended"] == [1, 2, 3]
    assert runs_by_number(sweep)[1].manifest().status == "FINISHED"
    assert workers() == []


def test_an_interruption_ends_the_processes_and_closes_their_runs(tmp_path):
    made = ready(tmp_path, "learning_rate=0.01,0.001", overrides=LONG)
    sweep = open_sweep(made)
    sweep.update(workers=sweep.record().workers.model_copy(update={"number": 1}))

    def observe(event, record):
        if event.kind == "epoch":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_all(made, sweep, observe, ignore)
    assert states(sweep.record()) == ["KILLED", "WAITING"]
    run = runs_by_number(sweep)[1]
    assert run.manifest().status == "KILLED"
    assert (run.checkpoints / "last.safetensors").is_file()
    assert workers() == []


SWEEP = """
import sys
from pathlib import Path
from iovalence.sweeps.opened import open_sweep
from iovalence.sweeps.trained import train_all
from tests.sweeps.conftest import ready
made = ready(Path(sys.argv[1]), "learning_rate=0.01,0.001", overrides=sys.argv[2:])
ignore = lambda *_: None
train_all(made, open_sweep(made), lambda event, record: print(event.kind, flush=True), ignore)
"""


def test_processes_end_when_that_of_their_sweep_is_killed(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", SWEEP, str(tmp_path), *LONG, "run.workers=1"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as child:
        while child.stdout.readline() != "epoch\n":
            pass
        orphans = psutil.Process(child.pid).children()
        os.kill(child.pid, signal.SIGKILL)
    psutil.wait_procs(orphans, timeout=30)
    assert not any(process.is_running() for process in orphans)
    (sweep,) = list_sweeps(tmp_path / ".iovalence")
    assert sweep.record().state() == "DIED"
    run = runs_by_number(sweep)[1]
    deadline = time.monotonic() + 60
    while run.manifest().status == "RUNNING" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert run.manifest().status == "KILLED"


def test_processes_that_never_live_are_an_error_not_a_loop(tmp_path, monkeypatch):
    made = ready(tmp_path, "dropout=0.1,0.2")
    sweep = open_sweep(made)
    (job, _) = jobs_of(made, sweep, sweep.record(), 0)
    monkeypatch.setattr("sys.executable", "/bin/false")
    with (
        WorkerPool(1, tmp_path / "log") as pool,
        pytest.raises(WorkerError, match=f"ended with status 1, {MAX_ATTEMPTS} times"),
    ):
        list(pool.run([Group(jobs=(job,))]))
