"""Own the first example: a real table, and a configuration that explains itself."""

from pathlib import Path

from iovalence.atomic import write_bytes
from iovalence.errors import ConfigError

TABLE_NAME = "breast_cancer.csv"
CONFIG_NAME = "breast_cancer.yaml"

CONFIG = """\
# A first configuration. Only data.train_file is needed: all else has a default.
# Every key, what it means and its default: iovalence init, or configs/template.yaml.

data:
  # A table: CSV, TSV, Parquet or Arrow, plain or compressed. Paths are relative to this file.
  # 569 tumours, 30 measurements of each: the Wisconsin diagnostic data set (UCI, CC BY 4.0).
  train_file: breast_cancer.csv
  # The column to predict. Text and few distinct integers are classes, other numbers values.
  target: diagnosis
  # The class that counts as positive in ROC AUC, precision and recall.
  positive_class: malignant
  # Fractions of all rows. What is left, 70 %, is trained on; the test part is opened once.
  validation_split: 0.15
  test_size: 0.15

training:
  # Widths of the hidden layers. More and wider ones fit more, and overfit sooner.
  layers: [64, 32]
  # Share of each hidden layer that is switched off in a training step, against overfitting.
  dropout: 0.3
  # Most passes over the train part; training stops sooner when validation no longer improves.
  epochs: 30
  patience: 5
  batch_size: 32
  learning_rate: 0.001
  # Decides every random choice: the same seed gives the same model, bit for bit.
  seed: 42

evaluation:
  # The run fails with status 4 when it does not reach this. Try ">= 0.999".
  require:
    test_accuracy: ">= 0.9"

# Logged with the run and shown in its report.
comments: My first run.
"""


def write_files(folder: Path) -> tuple[str, ...]:
    """Write the table and the configuration into a folder; return a line for each, for people.

    A file that is there and differs is the user's by now, and stays as it is.

    Raises:
        ConfigError: `folder` is a file.
        StorageError: The folder cannot be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"DIR must be a folder, got a file ({folder})")
    table = _write_once(folder / TABLE_NAME, make_table())
    return table, _write_once(folder / CONFIG_NAME, CONFIG)


def _write_once(path: Path, content: str) -> str:
    if not path.exists():
        write_bytes(path, content.encode())
        return f"wrote {path}"
    if path.read_bytes() == content.encode():
        return f"found {path}"
    return f"kept {path}, which differs from the example's; remove it to get that one"


def make_table() -> str:
    """Return scikit-learn's breast cancer data as CSV with readable names and labels."""
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    names = [name.replace(" ", "_") for name in found.feature_names]
    lines = [",".join([*names, "diagnosis"])]
    for values, label in zip(found.data.tolist(), found.target.tolist(), strict=True):
        lines.append(",".join([*map(repr, values), str(found.target_names[label])]))
    return "\n".join(lines) + "\n"
