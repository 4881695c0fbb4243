"""How fast training is on a CPU: the trainer beside plain PyTorch, and what else is installed.

    python benchmarks/speed.py [--rows 100000] [--batch 32] [--epochs 3] [--rounds 3]
    python benchmarks/speed.py --peers DIR    # instead beside the peers that DIR holds

All train the network of the documented defaults on the rows of `epoch.py`, each in a process of
its own, in turn, on one thread, each round with another seed. Printed are the medians of CPU
seconds for the training part of an epoch, their ratios to the trainer, and the mean validation
accuracy after the last epoch. The trainer keeps journal and checkpoints; the others keep nothing.
scikit-learn has no dropout. `--peers` runs DIR's `side_by_side.py`, which prints ratios to its
fastest.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

HERE = Path(__file__).parent
EPOCH = [sys.executable, str(HERE / "epoch.py")]
LAYERS, DROPOUT, RATE, L2 = (128, 64, 32), 0.3, 1e-3, 1e-4
ONE_THREAD = {
    "BENCH_CLOCK": "cpu",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "PYTHONWARNINGS": "ignore",
}
Seconds = Iterator[tuple[float, float]]


def stack(num_features: int, num_classes: int):
    """Return the network as torch.nn has it."""
    from torch import nn

    layers: list[nn.Module] = []
    for n_in, n_out in pairwise((num_features, *LAYERS)):
        layers += [nn.Linear(n_in, n_out), nn.ReLU(), nn.Dropout(DROPOUT)]
    return nn.Sequential(*layers, nn.Linear(LAYERS[-1], num_classes))


def loader(rows, batch: int):
    """Return the rows in shuffled batches."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    return DataLoader(TensorDataset(*map(torch.from_numpy, rows)), batch, shuffle=True)


def accuracy(model, rows) -> float:
    """Return the share of rows that a torch model names right."""
    import torch

    model.eval()
    with torch.no_grad():
        return (model(torch.from_numpy(rows[0])).argmax(1).numpy() == rows[1]).mean()


def plain_pytorch(train, validation, asked: argparse.Namespace, clock) -> Seconds:
    """Train as most people would; yield the seconds and the accuracy of each epoch."""
    import torch

    torch.manual_seed(asked.seed)
    data, classes = loader(train, asked.batch), int(train[1].max()) + 1
    model = stack(train[0].shape[1], classes)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, weight_decay=L2)
    for _ in range(asked.epochs):
        started = clock()
        model.train()
        for features, target in data:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(features), target)
            loss.backward()
            optimizer.step()
        yield clock() - started, accuracy(model, validation)


def lightning(train, validation, asked: argparse.Namespace, clock) -> Seconds:
    """Train with Lightning, its logger and its checkpoints off."""
    import lightning as L
    import torch

    class Module(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.stack = stack(train[0].shape[1], int(train[1].max()) + 1)
            self.seconds: list[float] = []

        def training_step(self, batch, _):
            return torch.nn.functional.cross_entropy(self.stack(batch[0]), batch[1])

        def on_train_epoch_start(self) -> None:
            self.started = clock()

        def on_train_epoch_end(self) -> None:
            self.seconds.append(clock() - self.started)

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=RATE, weight_decay=L2)

    L.seed_everything(asked.seed)
    module = Module()
    off = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    trainer = L.Trainer(max_epochs=asked.epochs, accelerator="cpu", **dict.fromkeys(off, False))
    trainer.fit(module, loader(train, asked.batch))
    yield from ((seconds, accuracy(module.stack, validation)) for seconds in module.seconds)


def scikit_learn(train, validation, asked: argparse.Namespace, clock) -> Seconds:
    """Train an MLPClassifier epoch by epoch."""
    import numpy as np
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        LAYERS, alpha=L2, learning_rate_init=RATE, batch_size=asked.batch, random_state=asked.seed
    )
    for _ in range(asked.epochs):
        started = clock()
        model.partial_fit(*train, classes=np.unique(train[1]))
        yield clock() - started, model.score(*validation)


def jax_outputs(weights, hidden, key=None):
    """Return the outputs of the network; with a key, with dropout."""
    import jax
    import jax.numpy as jnp

    for weight, bias in weights[:-1]:
        hidden = jax.nn.relu(hidden @ weight + bias)
        if key is not None:
            key, drawn = jax.random.split(key)
            kept = jax.random.bernoulli(drawn, 1 - DROPOUT, hidden.shape)
            hidden = jnp.where(kept, hidden / (1 - DROPOUT), 0.0)
    return hidden @ weights[-1][0] + weights[-1][1]


def jax_adam(weights, mean, square, count, grad):
    """Return weights and state after an update; `count` includes it."""
    import jax
    import jax.numpy as jnp

    def update(w, m, s):
        return w - RATE * m / (1 - 0.9**count) / (jnp.sqrt(s / (1 - 0.999**count)) + 1e-8)

    each = jax.tree.map
    grad = each(lambda g, w: g + L2 * w, grad, weights)
    mean = each(lambda m, g: 0.9 * m + 0.1 * g, mean, grad)
    square = each(lambda s, g: 0.999 * s + 0.001 * g * g, square, grad)
    return each(update, weights, mean, square), mean, square


def jax_scan(train, validation, asked: argparse.Namespace, clock) -> Seconds:
    """Train with JAX, a whole epoch compiled as one scan; the rows of a last batch are left out."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    features, target = map(jnp.asarray, train)
    widths = (features.shape[1], *LAYERS, int(target.max()) + 1)
    num_steps = len(target) // asked.batch

    def loss(weights, rows, key):
        log_probs = jax.nn.log_softmax(jax_outputs(weights, features[rows], key))
        return -jnp.take_along_axis(log_probs, target[rows][:, None], 1).mean()

    def step(state, rows):
        weights, mean, square, count, key = state
        key, drawn = jax.random.split(key)
        grad = jax.grad(loss)(weights, rows, drawn)
        return (*jax_adam(weights, mean, square, count + 1, grad), count + 1, key), None

    draw = np.random.default_rng(asked.seed)
    weights = [
        (jnp.asarray(draw.uniform(-1, 1, (i, o)) / i**0.5, jnp.float32), jnp.zeros(o))
        for i, o in pairwise(widths)
    ]
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state = (weights, zeros, zeros, jnp.float32(0), jax.random.key(asked.seed))
    epoch = jax.jit(lambda state, order: jax.lax.scan(step, state, order)[0])
    for _ in range(asked.epochs):
        started = clock()
        order = draw.permutation(len(target))[: num_steps * asked.batch]
        state = jax.block_until_ready(epoch(state, order.reshape(num_steps, asked.batch)))
        seconds = clock() - started
        yield seconds, (jax_outputs(state[0], validation[0]).argmax(1) == validation[1]).mean()


WAYS: dict[str, tuple[str, Callable[..., Seconds]]] = {
    "plain PyTorch": ("torch", plain_pytorch),
    "Lightning": ("lightning", lightning),
    "scikit-learn": ("sklearn", scikit_learn),
    "JAX scan": ("jax", jax_scan),
}


def run_here(asked: argparse.Namespace) -> None:
    """Train one way in this process and print its JSON line."""
    from epoch import CLOCK, make_data

    seen = list(WAYS[asked.way][1](*make_data(asked.rows), asked, CLOCK))
    seconds = [each for each, _ in seen]
    middle = statistics.median(seconds[1:] or seconds)
    print(json.dumps({"s_epoch": middle, "val_acc": round(float(seen[-1][1]), 4)}), flush=True)


def ask(command: list[str]) -> dict[str, float]:
    """Run a command in a process on one thread; return the JSON line that it prints."""
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | ONE_THREAD)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(f"{command[1]} must print a JSON line, got: {done.stderr[-500:]}")
    return json.loads(lines[-1])


def compare(asked: argparse.Namespace) -> None:
    """Run all ways in turn and print the table."""
    given = ("rows", "batch", "epochs")
    tail = [word for name in given for word in (f"--{name}", str(getattr(asked, name)))]
    commands = {"iovalence": [*EPOCH, "--threads", "1", *tail]}
    for name, (module, _) in WAYS.items():
        if find_spec(module):
            commands[name] = [sys.executable, __file__, *tail, "--way", name]
    rounds = [
        {name: ask([*command, "--seed", str(seed)]) for name, command in commands.items()}
        for seed in range(asked.seed, asked.seed + asked.rounds)
    ]
    limits = f"{'least':>8}{'most':>8}"
    print(f"{'':16}{'s/epoch':>10}{'ratio':>8}{limits}{'val acc':>9}{limits}")
    for name in commands:
        middle = statistics.median(each[name]["s_epoch"] for each in rounds)
        ratios = [each[name]["s_epoch"] / each["iovalence"]["s_epoch"] for each in rounds]
        spread = f"{statistics.median(ratios):8.2f}{min(ratios):8.2f}{max(ratios):8.2f}"
        found = [each[name]["val_acc"] for each in rounds]
        print(
            f"{name:16}{middle:10.4f}{spread}"
            f"{statistics.mean(found):9.4f}{min(found):8.4f}{max(found):8.4f}"
        )


def beside_peers(asked: argparse.Namespace) -> None:
    """Run the peers of a folder with the trainer among them; they print their own table."""
    command = [sys.executable, str(asked.peers / "side_by_side.py"), "--reps", str(asked.rounds)]
    for name in ("rows", "batch", "epochs"):
        command += [f"--{name}", str(getattr(asked, name))]
    subprocess.run([*command, "--also", f"iovalence={' '.join(EPOCH)}"], check=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000, help="0 is breast_cancer")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--peers", type=Path, help="a folder that holds side_by_side.py")
    parser.add_argument("--way", choices=WAYS, help="run this one alone, in this process")
    asked = parser.parse_args()
    if asked.way:
        run_here(asked)
    elif asked.peers:
        beside_peers(asked)
    else:
        compare(asked)


if __name__ == "__main__":
    main()
