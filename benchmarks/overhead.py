"""What IOValence costs around training: `iovalence train` beside a bare script, whole processes.

    python benchmarks/overhead.py [--rounds 5]

569 rows (scikit-learn's breast_cancer) x 30 epochs, early stopping off, local servers up, both
logging to the same kind of SQLite store. The two run in turn; medians, and the ratio round by
round, are printed, and what each stage cost.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
IOVALENCE = Path(sys.executable).with_name("iovalence")


def write_data(folder: Path) -> tuple[Path, Path]:
    """Write the table and the configuration, and return their paths."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer(as_frame=True)
    table = data.frame.assign(label=data.target_names[data.target]).drop(columns="target")
    table.to_csv(folder / "cancer.csv", index=False)
    config = folder / "cancer.yaml"
    config.write_text("data:\n  train_file: cancer.csv\ntraining:\n  early_stopping: false\n")
    return folder / "cancer.csv", config


def timed(command: list[str], **environment: str) -> float:
    """Run a command to its end and return its seconds."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=os.environ | environment)
    return time.perf_counter() - started


def stage_costs(workspace: Path) -> dict[str, dict[str, float]]:
    """Return what each stage of the newest run cost."""
    newest = max((workspace / "runs").iterdir())
    return json.loads((newest / "manifest.json").read_text())["stages"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table, config = write_data(folder)
        workspace = folder / ".iovalence"
        uri = f"sqlite:///{folder / 'bare.db'}"
        bare = [sys.executable, str(HERE / "bare_script.py"), str(table), uri]
        ours = [str(IOVALENCE), "train", str(config), "--json"]
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
        subprocess.run(
            [str(IOVALENCE), "up", "--workspace", str(workspace)], check=True, cwd=folder
        )
        try:
            timed(bare, **quiet), timed(ours)  # first use makes the stores
            pairs = [(timed(bare, **quiet), timed(ours)) for _ in range(rounds)]
            costs = stage_costs(workspace)
        finally:
            subprocess.run(
                [str(IOVALENCE), "down", "--workspace", str(workspace)], check=True, cwd=folder
            )
    ratios = [ours_s / bare_s for bare_s, ours_s in pairs]
    print(f"bare script     {statistics.median(bare for bare, _ in pairs):6.2f} s")
    print(f"iovalence train {statistics.median(ours for _, ours in pairs):6.2f} s")
    spread = f"({min(ratios):.2f} to {max(ratios):.2f}, {rounds} rounds)"
    print(f"ratio           {statistics.median(ratios):6.2f}   {spread}")
    for stage, cost in costs.items():
        print(f"  {stage:12} {cost['seconds']:6.3f} s{'  (reused)' if cost['reused'] else ''}")


if __name__ == "__main__":
    main()
