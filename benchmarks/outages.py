"""What an MLflow server that is killed again and again costs a training, and what arrives.

    python benchmarks/outages.py [--rounds 3] [--epochs 40]

A real MLflow server (loopback, SQLite) is killed (SIGKILL, with its workers) and brought back five
times while `iovalence train` runs, killed once and left away until the training has ended, or left
alone: the three in turn, in each round. The CPU seconds of the trainer's process are compared with
those of the same round without an outage. After `iovalence sync` each point of the journal and each
final figure must be in MLflow exactly once, and the run must be FINISHED there. Ends with status 1
where one is not, or where the median ratio is above 1.05.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from flows.server import start_own
from iovalence.evaluation.result import EvaluationResult
from iovalence.runs.folder import RunFolder, list_runs
from iovalence.runs.journal import metric_points, read_journal
from iovalence.tracking.environment import SETTINGS, prepare_environment
from iovalence.tracking.findings import count_findings
from iovalence.tracking.publish import final_name
from iovalence.tracking.record import TrackingRecord

COMMAND = [sys.executable, "-c", "import sys; from flows.command import main; sys.exit(main())"]
NUM_ROWS, NUM_KILLS, MOST = 60_000, 5, 1.05
DOWN_S, START_S, POLL_S = 3.0, 180, 0.2
KINDS = ("steady", "killed five times", "never back")


class Server:
    """Run an MLflow server that can be killed and brought back.

    Args:
        folder: Where its database, its artifacts and its log are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            self._port = listening.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return where it answers."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
        command += ["--port", str(self._port), "--workers", "1"]
        command += ["--backend-store-uri", f"sqlite:///{self.folder / 'mlflow.db'}"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, env=os.environ | SETTINGS
            )
        deadline = time.monotonic() + START_S
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"the MLflow server must start ({self.folder / 'server.log'})")
            time.sleep(POLL_S)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/health", timeout=2):
                return True
        except OSError:
            return False

    def kill(self) -> None:
        """Kill it, with the processes that it started."""
        if self._process is None:
            return
        processes = [*psutil.Process(self._process.pid).children(recursive=True)]
        for process in [*processes, self._process]:
            process.kill()
        self._process.wait()
        self._process = None


@dataclass(frozen=True)
class Project:
    """Hold a table and its configuration.

    Attributes:
        folder: Where they are; its workspace is made anew for each training.
        epochs: How long a training is.
        prefect: Address of the Prefect server: its work is not the trainer's.
    """

    folder: Path
    epochs: int
    prefect: str

    @property
    def workspace(self) -> Path:
        """Return where its runs are."""
        return self.folder / ".iovalence"

    def write(self, address: str) -> None:
        """Write the table and the configuration."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(NUM_ROWS, 8)).round(4)
        noisy = x[:, 0] * x[:, 1] + x[:, 2] + rng.normal(size=NUM_ROWS) / 2
        header = ",".join([*(f"x{number}" for number in range(8)), "label"])
        rows = np.column_stack([x, noisy > 0])
        np.savetxt(self.folder / "data.csv", rows, "%g", ",", header=header, comments="")
        (self.folder / "config.yaml").write_text(
            "data: {train_file: data.csv}\n"
            f"training: {{epochs: {self.epochs}, early_stopping: false}}\n"
            "quality: {labels: {errors: 'off'}, duplicates: {near: 'off'}}\n"
            "run: {threads: 1}\n"
            f"tracking: {{uri: '{address}', experiment: outages}}\n"
        )

    def start(self) -> subprocess.Popen[bytes]:
        """Start a training."""
        command = [*COMMAND, "train", str(self.folder / "config.yaml"), "--json"]
        with (self.folder / "err.txt").open("ab") as err:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
                stderr=err,
                env=os.environ | {"PREFECT_API_URL": self.prefect},
            )

    def run(self) -> RunFolder | None:
        """Return the run that goes on, or has ended."""
        return next(iter(list_runs(self.workspace)), None)

    def sync(self) -> None:
        """Send what MLflow missed, as a person would."""
        command = [*COMMAND, "sync", "--workspace", str(self.workspace)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"`iovalence sync` must succeed, got {done.stderr}")


@dataclass(frozen=True)
class Outcome:
    """Hold what one training cost and left.

    Attributes:
        kind: One of `KINDS`.
        cpu_s: CPU seconds of the trainer's process.
        wall_s: From its start to its end.
        faults: A line for each thing that is not right in MLflow after `iovalence sync`.
    """

    kind: str
    cpu_s: float
    wall_s: float
    faults: tuple[str, ...]


def train(project: Project, server: Server, kind: str) -> Outcome:
    """Train once, with the outages of a kind, and look at what arrived."""
    shutil.rmtree(project.workspace, ignore_errors=True)
    started = time.perf_counter()
    process = project.start()
    kills = _disturb(project, server, kind, process)
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - started
    faults = [] if status == 0 else [f"the training ended with {status}"]
    expected = {"steady": 0, "killed five times": NUM_KILLS, "never back": 1}[kind]
    if kills != expected:
        faults.append(f"{kills} kills during the training instead of {expected}; more --epochs")
    if kind == "never back":
        server.start()
    project.sync()
    faults += _look(project, server)
    return Outcome(kind, usage.ru_utime + usage.ru_stime, wall_s, tuple(faults))


def _disturb(project: Project, server: Server, kind: str, process: subprocess.Popen[bytes]) -> int:
    """Kill the server when a sixth of the epochs is done, two sixths, and so on."""
    if kind == "steady":
        return 0
    for kill in range(1, NUM_KILLS + 1):
        while _num_epochs(project) < project.epochs * kill / (NUM_KILLS + 1):
            if not psutil.pid_exists(process.pid) or _has_ended(process.pid):
                return kill - 1
            time.sleep(POLL_S)
        server.kill()
        if kind == "never back":
            return 1
        time.sleep(DOWN_S)
        server.start()
    return NUM_KILLS


def _has_ended(pid: int) -> bool:
    return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def _num_epochs(project: Project) -> int:
    run = project.run()
    if run is None:
        return 0
    return max((point.epoch for point in metric_points(read_journal(run.journal)[0])), default=0)


def _look(project: Project, server: Server) -> Iterator[str]:
    """Yield a line for each thing that is not in MLflow exactly once, or not right."""
    prepare_environment()
    from mlflow import MlflowClient

    run = project.run()
    client = MlflowClient(server.address)
    found = client.search_runs(
        [client.get_experiment_by_name("outages").experiment_id],
        f"tags.`iovalence.run_id` = '{run.run_id}'",
    )
    if len(found) != 1:
        yield f"MLflow must have the run once, got {len(found)}"
        return
    if (status := found[0].info.status) != "FINISHED":
        yield f"the run must be FINISHED, got {status}"
    mlflow_run_id = found[0].info.run_id
    sent = Counter(
        (point.key, point.step, point.timestamp, point.value)
        for key in found[0].data.metrics
        for point in client.get_metric_history(mlflow_run_id, key)
    )
    expected = _expect(run)
    yield from (f"missing {point}" for point in expected - sent)
    yield from (f"too much {point}" for point in sent - expected)


def _expect(run: RunFolder) -> Counter[tuple[str, int, int, float]]:
    """Return every point that MLflow is to have, once."""
    from iovalence.runs.manifest import to_ms

    points = metric_points(read_journal(run.journal)[0])
    samples = metric_points(read_journal(run.system)[0])
    expected = Counter((p.key, p.epoch, p.time_ms, p.value) for p in [*points, *samples])
    curves, record = {p.key for p in points}, TrackingRecord.load(run.tracking)
    for key, value in EvaluationResult.load(run.metrics).flat().items():
        expected[final_name(key, curves), 0, record.figures_ms, value] += 1
    for key, value in count_findings(run).items():
        expected[key, 0, to_ms(run.manifest().started_at), value] += 1
    return expected


@contextmanager
def _servers(folder: Path) -> Iterator[tuple[Server, str]]:
    server = Server(folder)
    prefect = start_own()
    try:
        server.start()
        prefect.wait()
        yield server, prefect.url
    finally:
        server.kill()
        prefect.stop()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=40)
    given = parser.parse_args()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as name, _servers(Path(name)) as (server, prefect):
        project = Project(Path(name), given.epochs, prefect)
        project.write(server.address)
        for at in range(given.rounds):
            for kind in KINDS[at % 3 :] + KINDS[: at % 3]:
                outcomes.append(train(project, server, kind))
                last = outcomes[-1]
                print(f"{kind:18} {last.cpu_s:7.1f} s CPU {last.wall_s:7.1f} s", flush=True)
                print("".join(f"  {fault}\n" for fault in last.faults), end="", flush=True)
    sys.exit(not _judge(outcomes))


def _judge(outcomes: list[Outcome]) -> bool:
    """Print the ratios round by round, and return whether all is as it must be."""
    steady = [one.cpu_s for one in outcomes if one.kind == "steady"]
    good = not any(one.faults for one in outcomes)
    for kind in KINDS[1:]:
        costs = [one.cpu_s for one in outcomes if one.kind == kind]
        ratios = [cost / base for cost, base in zip(costs, steady, strict=True)]
        median = statistics.median(ratios)
        good &= median <= MOST
        told = ", ".join(f"{ratio:.3f}" for ratio in ratios)
        print(f"{kind:18} CPU ratio to steady {median:.3f} ({told})")
    print(f"{sum(not one.faults for one in outcomes)} of {len(outcomes)} runs whole in MLflow")
    return good


if __name__ == "__main__":
    main()
