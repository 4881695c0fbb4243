"""What the checks of rows take of time and memory, beside reading the same file.

    python benchmarks/check_speed.py [--rows 1000000] [--rounds 3] [--folder /tmp]

Makes a CSV of so many rows of 54 columns on the spot: 44 numbers, 6 whole numbers, 2 categories, a
date and the class; 1 % of the rows are exact copies and 1 % near ones. Each job runs in a process
of its own, in turn with the others, so that whatever else the machine does hits all. Printed are
seconds of the job alone, without imports, and the growth of the peak of resident memory over it,
mapped pages of the table included, beside the peak of anonymous memory (RssAnon, fifty times a
second).
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

NUM_COLUMNS = 54
JOBS = ("pyarrow", "pandas", "ingest", "exact", "checks")
TITLES = {
    "pyarrow": "pyarrow.csv.read_csv",
    "pandas": "pandas.read_csv",
    "ingest": "ingest (ours)",
    "exact": "exact copies alone",
    "checks": "all checks of rows",
}


def write_csv(path: Path, num_rows: int) -> None:
    """Write the table; its last 2 % copy rows before them."""
    rng = np.random.default_rng(0)
    num_fresh = num_rows - 2 * (num_rows // 100)
    fresh = np.arange(num_fresh)
    copied = rng.choice(num_fresh, num_rows - num_fresh, replace=False)
    take = np.concatenate([fresh, copied])
    noisy = np.zeros(num_rows)
    noisy[num_fresh + len(copied) // 2 :] = 0.01
    columns = {}
    hidden = rng.standard_normal((num_fresh, 8))
    for at in range(44):
        values = hidden[:, at % 8] * 0.7 + rng.standard_normal(num_fresh) * 0.7
        values = values[take] + noisy * rng.standard_normal(num_rows)
        columns[f"x{at}"] = np.round(values, 5)
    for at in range(6):
        columns[f"n{at}"] = rng.poisson(20, num_fresh)[take]
    for name, size in (("colour", 7), ("city", 200)):
        names = np.array([f"{name}-{one}" for one in range(size)])
        columns[name] = names[rng.integers(size, size=num_fresh)][take]
    days = np.datetime64("2024-01-01") + rng.integers(700, size=num_fresh)
    columns["day"] = days[take].astype(str)
    columns["label"] = np.where(hidden[:, 0] > 0, "yes", "no")[take]
    pa.csv.write_csv(pa.table(columns), path)


def prepare_job(job: str, folder: Path) -> Callable[[], object]:
    """Return what is measured; its imports are done."""
    path = folder / "table.csv"
    if job == "pyarrow":
        return lambda: pa.csv.read_csv(path)
    import pandas as pd

    if job == "pandas":
        return lambda: pd.read_csv(path)
    from iovalence.data.ingest import ingest, load_table
    from iovalence.data.section import DataSection
    from iovalence.quality.checks import check_rows
    from iovalence.quality.duplicates import find_first_copies
    from iovalence.quality.section import QualitySection

    if job == "ingest":
        data = DataSection(train_file="table.csv")
        (folder / "store").mkdir(exist_ok=True)
        return lambda: ingest(data, folder, folder / "store")
    table = load_table(folder / "store")
    target = table.columns.column("label").combine_chunks()
    if job == "exact":
        return lambda: find_first_copies(table, target)
    return lambda: check_rows(table, QualitySection(), num_parts_split=3, class_weights_given=False)


def read_memory() -> tuple[int, int]:
    """Return anonymous and all resident memory of this process, in bytes."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return tuple(int(lines[key].split()[0]) * 1024 for key in ("RssAnon", "VmRSS"))


def run_job(job: str, folder: Path) -> None:
    """Do one job and print what it took, as JSON."""
    work, done = prepare_job(job, folder), threading.Event()
    before = peak = read_memory()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.02):
            peak = tuple(map(max, peak, read_memory()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    peak = tuple(map(max, peak, read_memory()))
    anonymous, resident = (after - first for after, first in zip(peak, before, strict=True))
    found = [f"{one.check}: {one.count}" for one in getattr(result, "findings", ())]
    print(json.dumps({"s": seconds, "anonymous": anonymous, "resident": resident, "found": found}))


def measure(job: str, folder: Path) -> dict:
    """Return what a job took in a process of its own."""
    command = [sys.executable, __file__, "--job", job, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def report(taken: dict[str, list[dict]], table_bytes: int, csv_bytes: int) -> None:
    """Print the medians side by side, and the ratios that count."""
    seconds = {job: statistics.median(one["s"] for one in taken[job]) for job in JOBS}
    print(f"CSV of {csv_bytes / 1e6:,.0f} MB; as float32 {table_bytes / 1e6:,.0f} MB")
    print(f"{'':24} {'seconds':>8} {'anonymous MB':>13} {'of float32':>11} {'with mapped':>12}")
    for job in JOBS:
        anonymous = max(one["anonymous"] for one in taken[job])
        resident = max(one["resident"] for one in taken[job])
        print(
            f"{TITLES[job]:24} {seconds[job]:8.2f} {anonymous / 1e6:13,.0f} "
            f"{anonymous / table_bytes:10.2f}x {resident / table_bytes:11.2f}x"
        )
    for other in ("pyarrow", "pandas"):
        ratio = seconds["exact"] / seconds[other]
        print(f"exact copies alone: {ratio:.2f} of the reading by {other} (at most 1.5)")
    for other in ("ingest", "pyarrow", "pandas"):
        limit = " (at most 5)" * (other == "ingest")
        print(
            f"all checks: {seconds['checks'] / seconds[other]:.2f} of the reading by {other}{limit}"
        )
    print("found by all checks:", ", ".join(taken["checks"][0]["found"]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        run_job(options.job, options.folder)
        return
    folder = Path(tempfile.mkdtemp(prefix="check-speed-", dir=options.folder))
    try:
        write_csv(folder / "table.csv", options.rows)
        taken: dict[str, list[dict]] = {job: [] for job in JOBS}
        for job in JOBS * options.rounds:
            taken[job].append(measure(job, folder))
        csv_bytes = (folder / "table.csv").stat().st_size
        report(taken, 4 * NUM_COLUMNS * options.rows, csv_bytes)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
