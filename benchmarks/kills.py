"""What is left of a training that is killed again and again, and of checkpoints that are damaged.

    python benchmarks/kills.py [--kills 100] [--damages 300] [--seed 0]

A table made on the spot is trained on once without a disturbance. Then `iovalence train --resume`
is started, killed (SIGKILL) at a random moment of its life or at one that is aimed at, started
again, and so on until it ends: its weights must equal the undisturbed ones bit for bit, MLflow
must have one run with every figure once, and no process may be left. At last bits of checkpoints
are flipped and their ends cut off: each damage must be found, and the run go on from the file
before. Ends with status 1 where anything differs.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import psutil

from flows.server import start_own
from iovalence.errors import CheckpointError
from iovalence.runs.folder import RunFolder, list_runs
from iovalence.runs.journal import metric_points, read_journal
from iovalence.tracking.sync import is_sent
from iovalence.training.checkpoint import Checkpoints, read_checkpoint

COMMAND = [sys.executable, "-c", "import sys; from flows.command import main; sys.exit(main())"]
NUM_ROWS, EPOCHS = 44_000, 12
CONFIG = f"""\
data: {{train_file: data.csv, validation_split: 0.03, test_size: 0.03}}
training:
  epochs: {EPOCHS}
  batch_size: 64
  early_stopping: false
  checkpoint_interval: 1
  checkpoint_minutes: 0.0002
evaluation: {{baseline: false}}
"""
TIMED = {"epoch_seconds", "rows_per_second"}
MAX_KILLS = 8
FRESH_EVERY = 5
USUAL_S, LIFE_S, GONE_S = 8, 240, 20


@dataclass
class Tally:
    """Count what was done and what was found.

    Attributes:
        kills: Kills by the phase that they came in.
        ended: Trainings that were killed and ended.
        equal: Those whose weights and figures equal the undisturbed ones.
        whole: Those that MLflow has once and whole.
        repeated: Those that were killed more than once.
        faults: A line for each thing that differs.
    """

    kills: Counter[str] = field(default_factory=Counter)
    ended: int = 0
    equal: int = 0
    whole: int = 0
    repeated: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Project:
    """Hold a table and its configuration in a folder of their own.

    Attributes:
        folder: Where they are, beside those of the other projects.
        server: The Prefect server to use; None for one that each process starts for itself.
    """

    folder: Path
    server: str | None = None

    @property
    def workspace(self) -> Path:
        """Return where its runs are."""
        return self.folder / ".iovalence"

    def write(self) -> None:
        """Write both."""
        self.folder.mkdir()
        rng = np.random.default_rng(0)
        x = rng.normal(size=(NUM_ROWS, 8)).round(4)
        noisy = x[:, 0] * x[:, 1] + x[:, 2] + rng.normal(size=NUM_ROWS) / 2
        header = ",".join([*(f"x{number}" for number in range(8)), "label"])
        rows = np.column_stack([x, noisy > 0])
        np.savetxt(
            self.folder / "data.csv", rows, "%g", ",", header=header, comments="", newline="\n"
        )
        (self.folder / "config.yaml").write_text(CONFIG)

    def start(self) -> subprocess.Popen[bytes]:
        """Start or resume the training."""
        command = [*COMMAND, "train", str(self.folder / "config.yaml"), "--resume", "--json"]
        with (self.folder / "err.txt").open("ab") as err:
            # Temporary files of its own: so its Prefect server is found by its command line.
            environment = os.environ | {"TMPDIR": str(self.folder.parent / "tmp")}
            environment |= {"PREFECT_API_URL": self.server} if self.server else {}
            return subprocess.Popen(
                command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=err, env=environment
            )

    def newest(self) -> RunFolder | None:
        """Return the newest run."""
        return next(iter(list_runs(self.workspace)), None)


def processes_of(folder: Path) -> list[psutil.Process]:
    """Return the processes whose command line names a folder, zombies apart."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(str(folder) in part for part in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def end_with_parent(folder: Path) -> bool:
    """Say whether no process of a training is left, soon after it was killed."""
    deadline = time.monotonic() + GONE_S
    while time.monotonic() < deadline:
        if not processes_of(folder):
            return True
        time.sleep(0.05)
    return False


# Moments to kill at. Each waits for its moment, and says no when the process ended before.
Moment = Callable[[subprocess.Popen[bytes], Project, random.Random], bool]


def wait_for(child: subprocess.Popen[bytes], is_there: Callable[[], bool]) -> bool:
    """Wait for something as closely as one can; say no when the process ended before."""
    while not is_there():
        if child.poll() is not None:
            return False
        time.sleep(0.0002)
    return child.poll() is None


def run_of(child: subprocess.Popen[bytes], project: Project) -> RunFolder | None:
    """Wait for the run that a process begins or takes up."""
    found: list[RunFolder] = []

    def is_there() -> bool:
        time.sleep(0.01)
        run = project.newest()
        found[:] = [run] if run and run.manifest().process.pid == child.pid else []
        return bool(found)

    return found[0] if wait_for(child, is_there) else None


def at_any_time(child: subprocess.Popen[bytes], _: Project, chance: random.Random) -> bool:
    """Wait for a moment of a whole life."""
    return sleeping(child, chance.uniform(0, USUAL_S))


def sleeping(child: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait; say no when the process ended before."""
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def at_its_beginning(
    child: subprocess.Popen[bytes], project: Project, chance: random.Random
) -> bool:
    """Wait for the folder of the run, or its taking up, and a moment more."""
    runs = project.workspace / "runs"
    before = len(list(runs.glob("*")))
    if chance.random() < 0.5 and wait_for(child, lambda: len(list(runs.glob("*"))) > before):
        return sleeping(child, chance.uniform(0, 0.02))
    found = run_of(child, project) is not None
    return found and sleeping(child, chance.uniform(0, 0.3))


def in_training(child: subprocess.Popen[bytes], project: Project, chance: random.Random) -> bool:
    """Wait for an epoch that is yet to come, and for some of the next."""
    run = run_of(child, project)
    if run is None or not wait_for(child, lambda: any(run.checkpoints.glob("*"))):
        return False
    # One epoch is a tenth of a second, or some under load: epochs, not seconds, reach all of it.
    wanted = chance.randint(min(num_epochs(run), EPOCHS - 1), EPOCHS - 1)
    there = wait_for(child, lambda: num_epochs(run) >= wanted)
    return there and sleeping(child, chance.uniform(0, 0.1))


def num_epochs(run: RunFolder) -> int:
    """Return how many epochs the journal of a run has."""
    return len({point.epoch for point in metric_points(read_journal(run.journal)[0])})


def in_a_checkpoint(
    child: subprocess.Popen[bytes], project: Project, chance: random.Random
) -> bool:
    """Wait for a checkpoint that is being written, after some that were."""
    if not in_training(child, project, chance):
        return False
    run = project.newest()
    pattern = chance.choice([".last*.tmp", ".epoch*.tmp", ".*.tmp"])
    return run is not None and wait_for(child, lambda: any(run.checkpoints.glob(pattern)))


def after_training(child: subprocess.Popen[bytes], project: Project, chance: random.Random) -> bool:
    """Wait for the trained model, and for some of what follows."""
    run = run_of(child, project)
    there = run is not None and wait_for(child, run.training.is_file)
    return there and sleeping(child, chance.uniform(0, 2))


def in_publishing(child: subprocess.Popen[bytes], project: Project, chance: random.Random) -> bool:
    """Wait for the end of the run, and for some of its way to MLflow."""
    run = run_of(child, project)
    ended = run is not None and wait_for(child, lambda: has_finished(run))
    return ended and sleeping(child, chance.uniform(0, 1))


def has_finished(run: RunFolder) -> bool:
    """Say whether a run is noted as finished."""
    time.sleep(0.01)
    return run.manifest().status == "FINISHED"


MOMENTS: dict[Moment, int] = {
    at_any_time: 5,
    at_its_beginning: 2,
    in_training: 4,
    in_a_checkpoint: 5,
    after_training: 2,
    in_publishing: 2,
}


def phase_of(run: RunFolder | None, pid: int) -> str:
    """Say what a process was killed in, from what it left."""
    if run is None or run.manifest().process.pid != pid:
        return "start-up"
    if any(run.checkpoints.glob(f".*.{pid}.tmp")):
        return "inside a checkpoint write"
    if run.manifest().status == "FINISHED":
        return "publishing"
    journal = read_journal(run.journal)[0]
    events = [line["event"] for line in journal if line["type"] == "event"]
    if events[-1] == "trained":
        is_measured = run.metrics.is_file() and is_newer(run.metrics, run.training)
        return "pictures and report" if is_measured else "evaluation"
    return "training" if any(run.checkpoints.glob("*")) else "before the first checkpoint"


def is_newer(one: Path, other: Path) -> bool:
    """Say whether a file was written after another."""
    return one.stat().st_mtime_ns > other.stat().st_mtime_ns


def live(project: Project, moment: Moment | None, chance: random.Random, tally: Tally) -> bool:
    """Start a process, and kill it at a moment; say whether it ended by itself."""
    with project.start() as child:
        if moment is not None and moment(child, project, chance):
            child.kill()
        else:
            child.wait(LIFE_S)
    if not end_with_parent(project.folder.parent):
        tally.faults.append(f"processes are left: {processes_of(project.folder.parent)}")
    if child.returncode == -9:
        tally.kills[phase_of(project.newest(), child.pid)] += 1
        return False
    if child.returncode != 0:
        words = (project.folder / "err.txt").read_text().splitlines()[-3:]
        tally.faults.append(f"ended with status {child.returncode}: {' / '.join(words)}")
    return True


def kill_until_it_ends(project: Project, chance: random.Random, tally: Tally, most: int) -> int:
    """Train, killed so many times or fewer; return how many times it was."""
    earlier = project.newest()
    wanted, kills = min(most, chance.randint(1, MAX_KILLS)), 0
    moments = chance.choices([*MOMENTS], [*MOMENTS.values()], k=wanted)
    for moment in moments:
        if live(project, moment, chance, tally):
            return kills
        kills += 1
        if is_over(project.newest(), earlier):
            # Killed on its last steps: to resume would be to begin another run.
            return kills
    if not live(project, None, chance, tally):
        tally.faults.append("a life that nobody ended was killed")
    return kills


def is_over(run: RunFolder | None, earlier: RunFolder | None) -> bool:
    """Say whether a run that was not there earlier has finished and MLflow has all of it."""
    if run is None or run == earlier:
        return False
    return run.manifest().status == "FINISHED" and is_sent(run)


def compare(run: RunFolder, reference: RunFolder) -> list[str]:
    """Return a line for each result in which a run differs from the undisturbed one."""
    names = ["training.json", "metrics.json", "split.parquet", "test_predictions.parquet"]
    different = [
        f"{run.run_id}: {name} differs"
        for name in names
        if (run.root / name).read_bytes() != (reference.root / name).read_bytes()
    ]
    if weights(run) != weights(reference):
        different.append(f"{run.run_id}: the weights differ")
    if curve(run) != curve(reference):
        different.append(f"{run.run_id}: the journal differs")
    return different


def weights(run: RunFolder) -> dict[str, bytes]:
    """Return the bytes of each tensor of the model."""
    from safetensors.numpy import load_file

    found = load_file(run.model / "weights.safetensors")
    return {name: value.tobytes() for name, value in found.items()}


def curve(run: RunFolder) -> list[tuple[str, int, int, float]]:
    """Return all points of the journal but those that measure time."""
    points = metric_points(read_journal(run.journal)[0])
    return [(p.key, p.epoch, p.step, p.value) for p in points if p.key not in TIMED]


def look_in_mlflow(run: RunFolder) -> list[str]:
    """Return a line for each thing that MLflow lacks of a run, or has twice."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{run.root.parents[1] / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(run.manifest().experiment)
    tag = f"tags.`iovalence.run_id` = '{run.run_id}'"
    found = client.search_runs([experiment.experiment_id], tag)
    if [one.info.status for one in found] != ["FINISHED"]:
        return [f"{run.run_id}: MLflow has {[one.info.status for one in found]}"]
    (shown,) = found
    sent = {
        key: [
            (p.step, p.timestamp, p.value)
            for p in client.get_metric_history(shown.info.run_id, key)
        ]
        for key in shown.data.metrics
    }
    expected: dict[str, list[tuple[int, int, float]]] = {}
    for p in metric_points(read_journal(run.journal)[0]):
        expected.setdefault(p.key, []).append((p.epoch, p.time_ms, p.value))
    lines = [
        f"{run.run_id}: MLflow's {key} differs"
        for key in expected
        if sorted(sent.get(key, [])) != expected[key]
    ]
    finals = [key for key in sent if key not in expected]
    lines += [
        f"{run.run_id}: MLflow has {key} {len(sent[key])} times"
        for key in finals
        if len(sent[key]) != 1
    ]
    if len(expected["val_loss"]) != EPOCHS or not any(key.startswith("test_") for key in finals):
        lines.append(f"{run.run_id}: MLflow lacks figures")
    files = [file.path for file in client.list_artifacts(shown.info.run_id)]
    return (
        lines
        if {"report.html", "model"} <= {*files}
        else [*lines, f"{run.run_id}: artifacts {files}"]
    )


@contextmanager
def kept_server() -> Iterator[str]:
    """Keep a Prefect server for a block: to start one takes half of a short life."""
    server = start_own()
    try:
        server.wait()
        yield server.url
    finally:
        server.stop()


def kill_trainings(
    folder: Path, server: str, reference: RunFolder, num_kills: int, chance: random.Random
) -> Tally:
    """Kill trainings so many times in all, and look at what each of them came to."""
    tally, project = Tally(), Project(folder)
    while tally.kills.total() < num_kills:
        project = replace(project, server=server)
        if tally.ended % FRESH_EVERY == 0:
            # A fresh workspace and a server of its own: all that can be made is made anew. Under
            # a new name: MLflow remembers a database that is gone by its old one.
            project = Project(folder / f"killed-{tally.ended}")
            project.write()
        most, faults = num_kills - tally.kills.total(), len(tally.faults)
        kill_one_training(project, reference, chance, tally, most)
        done = f"{tally.kills.total():3} kills, {tally.ended} trainings"
        print("\n".join([done, *tally.faults[faults:]]), flush=True)
    return tally


def kill_one_training(
    project: Project, reference: RunFolder, chance: random.Random, tally: Tally, most: int
) -> None:
    """Kill a training so many times or fewer until it ends, and look at what it came to."""
    before = {run.run_id for run in list_runs(project.workspace)}
    kills = kill_until_it_ends(project, chance, tally, most)
    runs = [run for run in list_runs(project.workspace) if run.run_id not in before]
    if len(runs) != 1:
        seen = [f"{run.run_id} {run.manifest().state()}" for run in runs]
        raise SystemExit(f"one run must be there, got {seen}")
    differences, missing = compare(runs[0], reference), look_in_mlflow(runs[0])
    tally.ended += 1
    tally.repeated += kills > 1
    tally.equal += not differences
    tally.whole += not missing
    tally.faults += differences + missing


def damage(content: bytes, chance: random.Random) -> bytes:
    """Return a file with a bit flipped, or its end cut off."""
    if chance.random() < 0.5:
        return content[: chance.randrange(len(content))]
    altered = bytearray(content)
    altered[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(altered)


@contextmanager
def damaged(path: Path, chance: random.Random) -> Iterator[None]:
    """Damage a file for a block."""
    content = path.read_bytes()
    path.write_bytes(damage(content, chance))
    try:
        yield
    finally:
        path.write_bytes(content)


def is_found(path: Path) -> bool:
    """Say whether a damaged checkpoint is refused."""
    try:
        read_checkpoint(path)
    except CheckpointError:
        return True
    return False


def damage_checkpoints(
    run: RunFolder, each: int, chance: random.Random
) -> tuple[Counter[str], Counter[str]]:
    """Damage every checkpoint of a run many times; return how often it was found, and passed over.

    Passed over: with the newest files damaged, the newest that is whole is the one gone on from.
    """
    found: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    for path in sorted(run.checkpoints.glob("*.safetensors")):
        for _ in range(each):
            with damaged(path, chance):
                found[path.name] += is_found(path)
                told: list[str] = []
                checkpoints = Checkpoints(run.checkpoints, keep=3, interval=1)
                newest = checkpoints.newest(told.append)
                used = newest is not None and newest.path != path
                named = path.name == "best.safetensors" or any(path.name in line for line in told)
                passed[path.name] += used and named
    return found, passed


def resume_from_damage(folder: Path, reference: RunFolder, chance: random.Random) -> list[str]:
    """Kill a training, damage its newest checkpoints, and let it go on; return what differs."""
    project, tally = Project(folder / "damaged"), Tally()
    project.write()
    while live(project, in_training, chance, tally):
        shutil.rmtree(project.workspace)
    (run,) = list_runs(project.workspace)
    newest = Checkpoints(run.checkpoints, keep=3, interval=1).newest(print)
    for path in (newest.path, *sorted(run.checkpoints.glob("epoch-*"))[-1:]):
        path.write_bytes(damage(path.read_bytes(), chance))
    live(project, None, chance, tally)
    said = (project.folder / "err.txt").read_text()
    if "the one before it is used" not in said:
        tally.faults.append("the damaged checkpoints were not named")
    return tally.faults + compare(run, reference) + look_in_mlflow(run)


def main() -> int:
    """Kill, damage, compare and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--damages", type=int, default=300, help="of each checkpoint file")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        folder = Path(name)
        (folder / "tmp").mkdir()
        reference = train_undisturbed(folder)
        with kept_server() as server:
            tally = kill_trainings(folder, server, reference, asked.kills, chance)
        found, passed = damage_checkpoints(reference, asked.damages, chance)
        faults = tally.faults + resume_from_damage(folder, reference, chance)
    show(tally, found, passed, asked.damages)
    faults += [f"a damage was missed ({name})" for name in found if found[name] < asked.damages]
    faults += [f"not passed over ({name})" for name in passed if passed[name] < asked.damages]
    print("\n".join(faults) or f"nothing was lost ({time.monotonic() - started:.0f} s)")
    return bool(faults)


def train_undisturbed(folder: Path) -> RunFolder:
    """Train without a disturbance, and return the run."""
    project, tally = Project(folder / "undisturbed"), Tally()
    project.write()
    live(project, None, random.Random(), tally)
    (run,) = list_runs(project.workspace)
    faults = tally.faults + look_in_mlflow(run)
    if faults:
        raise SystemExit("\n".join(faults))
    costs = {name: round(cost.seconds, 2) for name, cost in run.manifest().stages.items()}
    print(f"undisturbed, in seconds: {costs}")
    return run


def show(tally: Tally, found: Counter[str], passed: Counter[str], each: int) -> None:
    """Print what was done and what was found."""
    for phase, count in tally.kills.most_common():
        print(f"{count:4} kills: {phase}")
    print(f"{tally.ended:4} trainings, {tally.repeated} of them killed more than once")
    print(f"{tally.equal:4} equal bit for bit, {tally.whole} whole and once in MLflow")
    for name in found:
        print(f"{each:4} damages of {name}: {found[name]} found, {passed[name]} passed over")


if __name__ == "__main__":
    sys.exit(main())
