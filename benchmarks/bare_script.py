"""What a person writes without IOValence: torch and mlflow, the same network, the same figures.

    python bare_script.py DATA.csv TRACKING_URI

Trains on 70 % of the rows, validates on 15 % after every epoch, tests on 15 %, and logs
parameters, the four curves and the test figures. No checks, no intervals, no report, no
checkpoints, no record.
"""

import sys

import mlflow
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS, BATCH, SEED = 30, 32, 42


def read(path: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return features (N, F) and labels (N,) of a CSV whose last column is the label."""
    rows = np.genfromtxt(path, delimiter=",", skip_header=1, dtype=str)
    labels = np.unique(rows[:, -1], return_inverse=True)[1]
    return torch.tensor(rows[:, :-1].astype(np.float32)), torch.tensor(labels)


def build(num_features: int, num_classes: int) -> nn.Sequential:
    """Return the network of the documented defaults."""
    layers: list[nn.Module] = []
    for width in (128, 64, 32):
        layers += [nn.Linear(num_features, width), nn.ReLU(), nn.Dropout(0.3)]
        num_features = width
    return nn.Sequential(*layers, nn.Linear(num_features, num_classes))


@torch.no_grad()
def measure(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    """Return loss and accuracy without dropout."""
    model.eval()
    logits = model(x)
    return nn.functional.cross_entropy(logits, y).item(), (
        logits.argmax(1) == y
    ).float().mean().item()


def main(path: str, uri: str) -> None:
    """Train and log."""
    torch.manual_seed(SEED)
    x, y = read(path)
    order = torch.randperm(len(y))
    num_test = num_val = round(0.15 * len(y))
    test, val, train = order.split([num_test, num_val, len(y) - num_test - num_val])
    mean, std = x[train].mean(0), x[train].std(0) + 1e-9
    x = (x - mean) / std
    model = build(x.shape[1], int(y.max()) + 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    loader = DataLoader(TensorDataset(x[train], y[train]), batch_size=BATCH, shuffle=True)
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("bare")
    with mlflow.start_run():
        mlflow.log_params(
            {"epochs": EPOCHS, "batch_size": BATCH, "optimizer": "adam", "seed": SEED}
        )
        for epoch in range(1, EPOCHS + 1):
            model.train()
            total = hits = 0.0
            for rows, labels in loader:
                optimizer.zero_grad()
                logits = model(rows)
                loss = nn.functional.cross_entropy(logits, labels)
                loss.backward()
                optimizer.step()
                total += loss.item() * len(labels)
                hits += (logits.argmax(1) == labels).sum().item()
            val_loss, val_accuracy = measure(model, x[val], y[val])
            figures = {
                "train_loss": total / len(train),
                "train_accuracy": hits / len(train),
                "val_loss": val_loss,
                "val_accuracy": val_accuracy,
            }
            mlflow.log_metrics(figures, step=epoch)
        test_loss, test_accuracy = measure(model, x[test], y[test])
        mlflow.log_metrics({"test_loss": test_loss, "test_accuracy": test_accuracy})


if __name__ == "__main__":
    main(*sys.argv[1:3])
