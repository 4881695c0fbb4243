"""What a sweep saves: 16 configurations in one sweep beside 16 trainings one after the other.

    python benchmarks/sweep.py [--rows 2000] [--epochs 10] [--rounds 1]

Whole processes, servers as by default: each `iovalence train` has a Prefect server of its own,
the sweep has one for all. Early stopping is off, so that both train the same epochs; both work on
the same table, with stages made once before, and each shows its runs in a SQLite store that is
there already. The validation losses of both are compared: they must be equal.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

COMMAND = [sys.executable, "-c", "import sys; from flows.command import main; sys.exit(main())"]
RATES = ("0.01", "0.003", "0.001", "0.0003")
DROPOUTS = ("0", "0.1", "0.3", "0.5")


def write_data(folder: Path, num_rows: int, num_epochs: int) -> Path:
    """Write a table of 20 features and two classes and a configuration; return its path."""
    from sklearn.datasets import make_classification

    features, labels = make_classification(num_rows, 20, n_informative=8, random_state=0)
    lines = [",".join([*(f"x{index}" for index in range(20)), "label"])]
    for values, label in zip(features.tolist(), labels.tolist(), strict=True):
        lines.append(",".join([*(f"{value:.5f}" for value in values), "yes" if label else "no"]))
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    config = folder / "config.yaml"
    config.write_text(
        "data: {train_file: table.csv}\n"
        f"training: {{epochs: {num_epochs}, early_stopping: false, verbose: false}}\n"
    )
    return config


def call(*arguments: str) -> tuple[float, dict[str, object]]:
    """Run a command to its end; return its seconds and its answer."""
    started = time.perf_counter()
    done = subprocess.run(
        [*COMMAND, *arguments, "--json"], check=True, capture_output=True, env=os.environ
    )
    return time.perf_counter() - started, json.loads(done.stdout)


def train_each(config: Path) -> tuple[float, list[float]]:
    """Train all configurations one after the other; return the seconds and validation losses."""
    seconds, losses = 0.0, []
    for rate, dropout in product(RATES, DROPOUTS):
        settings = [f"learning_rate={rate}", f"dropout={dropout}"]
        took, found = call("train", str(config), *(p for s in settings for p in ("--set", s)))
        seconds += took
        losses.append(found["metrics"]["val_loss"])
    return seconds, losses


def sweep(config: Path) -> tuple[float, list[float], str]:
    """Sweep over all configurations; return the seconds, validation losses, and processes."""
    vary = ["--vary", f"learning_rate={','.join(RATES)}", "--vary", f"dropout={','.join(DROPOUTS)}"]
    took, found = call("sweep", str(config), *vary)
    losses = [one["metrics"]["val_loss"] for one in found["configurations"]]
    return took, losses, f"{found['workers']['number']} ({found['workers']['reason']})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        config = write_data(Path(name), given.rows, given.epochs)
        call("train", str(config))  # first use makes the stores and the stages
        pairs = [(sweep(config), train_each(config)) for _ in range(given.rounds)]
    for (swept_s, swept, workers), (each_s, each) in pairs:
        equal = "equal" if swept == each else "DIFFERENT"
        print(f"16 trainings {each_s:7.1f} s   one sweep {swept_s:7.1f} s   processes {workers}")
        print(f"ratio {swept_s / each_s:.3f}   validation losses {equal}")
    if len(pairs) > 1:
        ratios = [swept_s / each_s for (swept_s, *_), (each_s, _) in pairs]
        print(f"median ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
