"""Predicting many rows: memory, and speed against plain PyTorch.

    python benchmarks/predicting.py [--rows 1000000] [--columns 54] [--rounds 3] [--kinds csv]

A network of the default shape is trained on 20,000 rows; then, in interleaved rounds:

- the arithmetic: the model's own predictions from features that are encoded and in memory, against
  `torch.nn.Sequential` with the same weights and `softmax` in batches of 65,536 rows;
- the whole command: `iovalence predict` from CSV to CSV and from Parquet to Parquet, each with its
  flag for unlike rows, against a script that reads the same file with pandas, standardises,
  predicts in batches of 65,536 and writes the same columns with pandas.

Speeds are ratios of medians: above 1, IOValence is faster. Those of the arithmetic are of the
processor's seconds in one thread; those of commands by the clock, and by the processor, which
other work on the machine disturbs less. Memory is the peak of RssAnon in /proc, every 10 ms, of
the process and those that it starts.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import psutil
import torch

from iovalence.models.predictor import BATCH_ROWS, Predictor, interpret
from iovalence.runs.folder import RunFolder, find_run

IOVALENCE = (sys.executable, "-c", "from flows.command import main; main()")
LARGE = 65_536
SCRIPT = """
import sys, numpy as np, pandas as pd, torch
data, out, weights = sys.argv[1:4]
kept = torch.load(weights, weights_only=True)
read = pd.read_csv if data.endswith(".csv") else pd.read_parquet
frame = read(data)
x = (frame.to_numpy(np.float32) - kept["mean"].numpy()) / kept["std"].numpy()
layers = []
for weight, bias in kept["layers"]:
    layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight.data, layer.bias.data = weight, bias
    layers += [layer, torch.nn.ReLU()]
net = torch.nn.Sequential(*layers[:-1]).eval()
with torch.no_grad():
    probs = torch.cat([
        torch.softmax(net(torch.from_numpy(x[i:i + 65536])), 1) for i in range(0, len(x), 65536)
    ]).numpy()
said = pd.DataFrame({
    "row": np.arange(1, len(x) + 1), "prediction": np.array(["no", "yes"])[probs.argmax(1)],
    "prob_no": probs[:, 0], "prob_yes": probs[:, 1],
})
said.to_csv(out, index=False) if out.endswith(".csv") else said.to_parquet(out)
"""


def make_rows(num_rows: int, num_columns: int, seed: int) -> pd.DataFrame:
    """Return rows of numbers with three digits, and a label that follows from them."""
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(num_rows, num_columns), scale=10).round(3)
    frame = pd.DataFrame(numbers, columns=[f"x{i}" for i in range(num_columns)])
    signal = numbers[:, :5].sum(axis=1) + generator.normal(size=num_rows, scale=10)
    return frame.assign(label=np.where(signal > 0, "yes", "no"))


def train(folder: Path, num_columns: int) -> RunFolder:
    """Train the model that all predict with."""
    make_rows(20_000, num_columns, 0).to_csv(folder / "train.csv", index=False)
    config = (
        "data: {train_file: train.csv}\ntraining: {epochs: 2, batch_size: 256, verbose: false}\n"
    )
    (folder / "config.yaml").write_text(config + "quality: {labels: {errors: off}}\n")
    command = [*IOVALENCE, "train", str(folder / "config.yaml")]
    subprocess.run(command, check=True, capture_output=True)
    return find_run(folder / ".iovalence", "latest")


def list_layers(predictor: Predictor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return weight (out, in) and bias of each layer, as PyTorch keeps them."""
    state = predictor.network.state()
    weights = [value for value in state.values() if value.ndim == 2]
    biases = [value for value in state.values() if value.ndim == 1]
    paired = zip(weights, biases, strict=True)
    return [
        ((w if w.shape[0] == len(b) else w.T).contiguous().clone(), b.clone()) for w, b in paired
    ]


def build_plain(predictor: Predictor) -> torch.nn.Sequential:
    """Return the same network as PyTorch's own modules."""
    layers: list[torch.nn.Module] = []
    for weight, bias in list_layers(predictor):
        layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
        layer.weight.data, layer.bias.data = weight, bias
        layers += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1]).eval()


@torch.no_grad()
def predict_plain(net: torch.nn.Sequential, features: torch.Tensor) -> np.ndarray:
    """Predict in large batches."""
    found = [torch.softmax(net(features[i : i + LARGE]), 1) for i in range(0, len(features), LARGE)]
    return torch.cat(found).numpy()


@torch.no_grad()
def predict_ours(predictor: Predictor, features: torch.Tensor) -> np.ndarray:
    """Predict as a model does once its rows are encoded."""
    outputs = [
        predictor.network.forward(features[i : i + BATCH_ROWS], None).numpy()
        for i in range(0, len(features), BATCH_ROWS)
    ]
    return interpret(np.concatenate(outputs), predictor.preprocessing).probs


def time_arithmetic(predictor: Predictor, num_rows: int, num_columns: int, rounds: int) -> None:
    """Print the ratio of the two ways to predict from features in memory."""
    generator = np.random.default_rng(1)
    features = torch.from_numpy(generator.normal(size=(num_rows, num_columns)).astype(np.float32))
    net, seconds = build_plain(predictor), {"plain": [], "ours": []}
    # Threads that wait for each other on a busy machine use the processor for nothing.
    torch.set_num_threads(1)
    for _ in range(3 * rounds + 1):
        for name, predict in (
            ("plain", lambda: predict_plain(net, features)),
            ("ours", lambda: predict_ours(predictor, features)),
        ):
            started = time.process_time()
            found = predict()
            seconds[name].append(time.process_time() - started)
            assert abs(found.sum() - num_rows) < 1
    plain, ours = (median(seconds[name][1:]) for name in ("plain", "ours"))
    rate = num_rows / ours
    print(
        f"arithmetic: {plain / ours:.2f} of plain PyTorch ({rate:,.0f} rows a second)", flush=True
    )


def watch(command: list[str], folder: Path) -> tuple[float, float, float]:
    """Return seconds by clock and processor, and peak anonymous memory, in MB, of a command."""
    started, used, peak = time.perf_counter(), processor_seconds(), 0
    with (folder / "log").open("w") as log:
        process = psutil.Popen(command, cwd=folder, stdout=log, stderr=log)
        while process.poll() is None:
            peak = max(peak, sum(read_anonymous(one) for one in [process.pid, *children(process)]))
            time.sleep(0.01)
    if process.returncode:
        raise SystemExit((folder / "log").read_text())
    return time.perf_counter() - started, processor_seconds() - used, peak / 1000


def processor_seconds() -> float:
    """Return what the processes that have ended took of the processor."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def children(process: psutil.Popen) -> list[int]:
    """Return the processes that a process has started."""
    try:
        return [child.pid for child in process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def read_anonymous(pid: int) -> int:
    """Return the anonymous memory of a process, in kB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)


def time_command(run: RunFolder, folder: Path, kind: str, num_rows: int, rounds: int) -> None:
    """Print speed and memory of the whole command, against the script."""
    data, said = f"new.{kind}", f"out.{kind}"
    ours = [*IOVALENCE, "predict", run.run_id, data, "-o", said]
    script = [sys.executable, "-c", SCRIPT, data, f"plain.{kind}", "weights.pt"]
    found = {"ours": [], "plain": []}
    for _ in range(rounds):
        for name, command in (("plain", script), ("ours", ours)):
            found[name].append(watch(command, folder))
    seconds = {name: median(one[0] for one in of) for name, of in found.items()}
    used = {name: median(one[1] for one in of) for name, of in found.items()}
    memory = {name: max(one[2] for one in of) for name, of in found.items()}
    print(
        f"{kind}: {seconds['plain'] / seconds['ours']:.2f} of pandas and PyTorch by the clock, "
        f"{used['plain'] / used['ours']:.2f} by the processor ({num_rows / seconds['ours']:,.0f} "
        f"rows a second, start included); peak "
        f"{memory['ours']:,.0f} MB against {memory['plain']:,.0f} MB",
        flush=True,
    )


def main() -> None:
    """Print all ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=54)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", default=["csv", "parquet"])
    given = parser.parse_args()
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        run = train(folder, given.columns)
        predictor = Predictor.load(run.model)
        rows = make_rows(given.rows, given.columns, 1).drop(columns="label")
        if "csv" in given.kinds:
            rows.to_csv(folder / "new.csv", index=False)
        rows.to_parquet(folder / "new.parquet")
        kept = {
            "mean": torch.tensor(rows.mean().to_numpy(np.float32)),
            "std": torch.tensor(rows.std().to_numpy(np.float32)),
            "layers": list_layers(predictor),
        }
        torch.save(kept, folder / "weights.pt")
        time_arithmetic(predictor, given.rows, given.columns, given.rounds)
        del rows
        for kind in given.kinds:
            time_command(run, folder, kind, given.rows, given.rounds)


if __name__ == "__main__":
    main()
