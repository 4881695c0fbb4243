"""What training takes of memory and time when the table is larger than it wants to hold.

    python benchmarks/streaming.py [--gigabytes 10] [--columns 256] [--folder /tmp]

Makes a table of so many GB of float32 on the spot, runs a whole `iovalence train` on it, and
the same on a small table that is trained in memory. Prints for each stage the peak of anonymous
memory (RssAnon of /proc/PID/status, twenty times a second; mapped pages apart).

Rows per second are compared apart: the real trainer takes epochs of the same rows in turn from
memory and from files, so that whatever else the machine does hits both.

The page cache is kept out so: before each epoch from files they are dropped from it with
posix_fadvise(DONTNEED), which works because nothing maps them then; an epoch takes each row once.
As a proof, the bytes that came from the disk during the epoch (/proc/PID/io) are printed.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

BATCH_ROWS = 1 << 16
# The table, its plain and its typed form in float64, and the features.
DISK_PER_TABLE = 5.5
RATE_BYTES = 500_000_000
LIMIT_BYTES = 2_000_000_000
IMPORTS_BYTES = 700_000_000
START = "import sys, iovalence.training.parts as p; p.RESIDENT_BYTES = int(sys.argv.pop(1)); "
START += "from flows.command import main; main()"
STAGE_LINES = {
    "read ": "ingest",
    "checked the rows": "check",
    "compared the table": "compare",
    "checked the labels": "labels",
    "split the rows": "split",
    "checked the parts": "check parts",
    "prepared the features": "prepare",
    "trained ": "train",
    "measured ": "evaluate",
    "wrote ": "report",
}


@dataclass
class Measured:
    """Hold what one training took; bytes and seconds by stage."""

    anonymous: dict[str, int] = field(default_factory=dict)
    resident: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    bytes_read: int = 0
    rates: list[float] = field(default_factory=list)

    @property
    def peak(self) -> int:
        """Return the peak of anonymous memory over all stages."""
        return max(self.anonymous.values())


def write_table(path: Path, num_rows: int, num_columns: int) -> None:
    """Write float32 columns and a class that a few of them decide."""
    rng = np.random.default_rng(0)
    names = [f"x{i}" for i in range(num_columns)]
    schema = pa.schema([*((name, pa.float32()) for name in names), ("label", pa.string())])
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        for start in range(0, num_rows, BATCH_ROWS):
            size = min(BATCH_ROWS, num_rows - start)
            x = rng.standard_normal((num_columns, size), dtype=np.float32)
            score = x[0] * x[1] + x[2] + rng.standard_normal(size, dtype=np.float32) / 2
            labels = np.where(score > 0, "yes", "no").astype(object)
            writer.write_batch(pa.record_batch([*x, pa.array(labels)], schema=schema))


def write_config(folder: Path, epochs: int, batch_size: int) -> Path:
    """Write the configuration: the defaults, but for what makes an epoch short."""
    config = folder / "config.yaml"
    config.write_text(
        "data: {train_file: table.arrow}\n"
        f"training: {{epochs: {epochs}, batch_size: {batch_size}, early_stopping: false}}\n"
    )
    return config


def read_status(pid: int) -> tuple[int, int]:
    """Return anonymous and all resident memory of a process, in bytes; zeros when it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0, 0
    found = dict(re.findall(r"(RssAnon|VmRSS):\s+(\d+) kB", text))
    return int(found.get("RssAnon", 0)) * 1024, int(found.get("VmRSS", 0)) * 1024


def read_disk(pid: int) -> int:
    """Return the bytes that a process had read from the disk."""
    text = Path(f"/proc/{pid}/io").read_text()
    return int(re.search(r"^read_bytes: (\d+)", text, re.MULTILINE)[1])


def drop_files(paths: Iterable[Path]) -> None:
    """Have the system forget the pages of files that nothing maps."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def train(config: Path, resident_bytes: int) -> Measured:
    """Run a whole training in a process of its own, watched from here."""
    measured, stage, started = Measured(), "ingest", time.perf_counter()
    command = [sys.executable, "-c", START, str(resident_bytes), "train", str(config), "--json"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=config.parent
    )

    def sample() -> None:
        while process.poll() is None:
            anonymous, resident = read_status(process.pid)
            measured.anonymous[stage] = max(measured.anonymous.get(stage, 0), anonymous)
            measured.resident[stage] = max(measured.resident.get(stage, 0), resident)
            time.sleep(0.05)

    watcher = threading.Thread(target=sample)
    watcher.start()
    stages = [*STAGE_LINES.values(), "publish"]
    for line in process.stderr:
        done = next((name for start, name in STAGE_LINES.items() if line.startswith(start)), None)
        if done is None:
            continue
        measured.seconds[done] = time.perf_counter() - started
        stage, started = stages[stages.index(done) + 1], time.perf_counter()
        if done == "prepare":
            drop_files(config.parent.glob(".iovalence/store/prepared/*/*.npy"))
            before = read_disk(process.pid)
        elif done == "train":
            measured.bytes_read = read_disk(process.pid) - before
    answer = json.loads(process.stdout.read())
    watcher.join()
    if process.wait():
        raise SystemExit(f"training must end well, got status {process.returncode}: {answer}")
    journal = (Path(answer["run_dir"]) / "journal.jsonl").read_text().splitlines()
    lines = map(json.loads, journal)
    measured.rates = [line["value"] for line in lines if line.get("key") == "rows_per_second"]
    return measured


def measure(where: Path, num_rows: int, options: argparse.Namespace, resident: int) -> Measured:
    """Make a table, train on it, and leave nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="streaming-", dir=where))
    try:
        write_table(folder / "table.arrow", num_rows, options.columns)
        return train(write_config(folder, options.epochs, options.batch), resident)
    finally:
        shutil.rmtree(folder)


def show(name: str, measured: Measured) -> None:
    """Print the stages of one training."""
    print(f"{name}: peak of anonymous memory {measured.peak / 1e6:,.0f} MB")
    print(f"  {'stage':10} {'anonymous MB':>13} {'with mapped MB':>15} {'seconds':>9}")
    for stage, peak in measured.anonymous.items():
        resident, seconds = measured.resident[stage], measured.seconds.get(stage, 0.0)
        print(f"  {stage:10} {peak / 1e6:13,.0f} {resident / 1e6:15,.0f} {seconds:9.1f}")
    rates = ", ".join(f"{rate:,.0f}" for rate in measured.rates)
    print(f"  rows/s by epoch: {rates}; read from the disk: {measured.bytes_read / 1e9:.2f} GB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--gigabytes", type=float, default=10.0, help="float32 table, streamed")
    parser.add_argument("--small", type=float, default=1.0, help="GB of the one in memory")
    parser.add_argument("--columns", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5, help="of the comparison of rates")
    parser.add_argument("--only-rates", action="store_true", help="compare the rates alone")
    parser.add_argument("--resident-bytes", type=int, help="largest part in memory; for trials")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    if options.only_rates:
        compare_rates(options.folder, options.columns, options.batch, options.rounds)
        return
    free = shutil.disk_usage(options.folder).free
    needed = DISK_PER_TABLE * options.gigabytes * 1e9
    if free < needed:
        raise SystemExit(f"{needed / 1e9:.0f} GB must be free, got {free / 1e9:.0f}")
    row_bytes = 4 * options.columns
    small_rows, large_rows = (
        int(size * 1e9 / row_bytes) for size in (options.small, options.gigabytes)
    )
    limit = 1 << 30 if options.resident_bytes is None else options.resident_bytes
    small = measure(options.folder, small_rows, options, 1 << 40)
    show(f"in memory, {options.small:g} GB", small)
    large = measure(options.folder, large_rows, options, limit)
    show(f"streamed, {options.gigabytes:g} GB", large)
    allowed = 2.5 * small_rows * row_bytes + IMPORTS_BYTES
    print(f"streamed: {large.peak / LIMIT_BYTES:.2f} of the 2 GB of anonymous memory allowed")
    print(f"in memory: {small.peak / allowed:.2f} of 2.5 float32 tables + 700 MB")
    print(f"  with all mapped pages: {max(small.resident.values()) / allowed:.2f}")
    compare_rates(options.folder, options.columns, options.batch, options.rounds)


def compare_rates(where: Path, num_columns: int, batch_size: int, rounds: int) -> None:
    """Take epochs of the same rows from memory and from files in turn; print the ratio."""
    import torch

    torch.set_num_threads(1)
    folder = Path(tempfile.mkdtemp(prefix="streaming-", dir=where))
    try:
        target = write_features(folder, int(RATE_BYTES / 4 / num_columns), num_columns)
        read, pairs = [], []
        for _ in range(rounds + 1):
            resident = epoch_rate(folder, target, batch_size, resident=True)
            drop_files(folder.glob("*.npy"))
            before = read_disk(os.getpid())
            streamed = epoch_rate(folder, target, batch_size, resident=False)
            read.append(read_disk(os.getpid()) - before)
            pairs.append((streamed, resident))
    finally:
        shutil.rmtree(folder)
    pairs, read = pairs[1:], read[1:]  # the first round warms up
    ratios = [streamed / resident for streamed, resident in pairs]
    print(
        f"rows/s in memory {statistics.median(rate for _, rate in pairs):,.0f}, streamed ", end=""
    )
    print(f"{statistics.median(rate for rate, _ in pairs):,.0f}; batch {batch_size}, one thread")
    print(f"  an epoch is {RATE_BYTES / 1e9:.2f} GB, {min(read) / 1e9:.2f} GB came from the disk")
    spread = f"({min(ratios):.2f} to {max(ratios):.2f}, {rounds} rounds)"
    print(f"rows per second streamed, of those in memory: {statistics.median(ratios):.2f} {spread}")


def write_features(folder: Path, num_rows: int, num_columns: int) -> np.ndarray:
    """Write features.npy and return the classes of its rows."""
    shape = (num_rows, num_columns)
    rng = np.random.default_rng(0)
    features = np.lib.format.open_memmap(folder / "features.npy", "w+", np.float32, shape)
    for start in range(0, num_rows, BATCH_ROWS):
        block = features[start : start + BATCH_ROWS]
        block[:] = rng.standard_normal(block.shape, dtype=np.float32)
    features.flush()
    return (features[:, 0] > 0).astype(np.int64)


def epoch_rate(folder: Path, target: np.ndarray, batch_size: int, *, resident: bool) -> float:
    """Train the default network for an epoch and return its rows per second."""
    import torch

    from iovalence.data.prepared import Prepared
    from iovalence.models.architecture import NetworkSpec
    from iovalence.models.network import Network
    from iovalence.training.objective import Objective
    from iovalence.training.parts import load_part
    from iovalence.training.section import TrainingSection
    from iovalence.training.trainer import Trainer

    num_rows = len(target)
    prepared = Prepared(
        preprocessing=None,
        features=np.load(folder / "features.npy", mmap_mode="r"),
        codes=np.empty((num_rows, 0), np.int32),
        target=target,
        weight=None,
        part=np.zeros(num_rows, np.int8),
        table_index=np.arange(num_rows),
    )
    section = TrainingSection(epochs=1, batch_size=batch_size)
    spec = NetworkSpec(
        num_features=prepared.features.shape[1],
        embedding_sizes=(),
        layers=section.layers,
        activation=section.activation,
        num_outputs=2,
    )
    network = Network(spec, torch.device("cpu"))
    network.initialise(1)
    limit = 1 << 40 if resident else 0
    rows = load_part(prepared, np.arange(num_rows), None, torch.device("cpu"), limit)
    seen = []
    Trainer(network, Objective("classification"), rows, None, section, observe=seen.append).fit()
    return seen[0].metrics["rows_per_second"]


if __name__ == "__main__":
    main()
