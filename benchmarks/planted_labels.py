"""Planted label errors: how many are found, beside cleanlab run by hand, and in what time.

    python benchmarks/planted_labels.py [--seeds 5] [--adult-rows 6000]

5 and 10 % of the labels of real tables are replaced by another class at random. Ours is the check
`quality.labels.errors` as a run does it, from the typed table to the list of suspects. By hand is
what a person would write: features standardised and one-hot encoded, out-of-fold probabilities of
scikit-learn's MLPClassifier with the same layers (cross_val_predict, 5 folds), and cleanlab's
find_label_issues on them. Each has one thread, and seconds are those of the processor, so that
what else the machine does counts for neither. Means over the seeds; `equal` is the precision of
the most doubtful rows, as many as were planted, whatever each of the two flagged.
"""

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from public_sets import ADULT

from iovalence.config.load import load_config
from iovalence.data.ingest import load_table
from iovalence.quality.checks import CheckedRows
from iovalence.stages.stored import check_stage, ingest_stage
from iovalence.trials.suspects import check_label_errors

LAYERS = (128, 64, 32)
SHARED = Path(__file__).parents[2] / "shared" / "data"


def read_cancer() -> pd.DataFrame:
    """Return scikit-learn's breast_cancer, 569 rows x 30, two classes."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer(as_frame=True)
    return data.data.assign(label=data.target_names[data.target])


def read_digits() -> pd.DataFrame:
    """Return scikit-learn's digits, 1,797 rows x 64, ten classes."""
    from sklearn.datasets import load_digits

    data = load_digits(as_frame=True)
    return data.data.assign(label=[f"digit {number}" for number in data.target])


def read_adult(num_rows: int | None) -> pd.DataFrame:
    """Return Adult's train file x 14, two classes, or some of its rows at random."""
    path = SHARED / "adult-train.csv"
    table = pd.read_csv(
        path, names=[*ADULT[:-1], "label"], skipinitialspace=True, na_values="?"
    ).drop_duplicates()
    return table if num_rows is None else table.sample(num_rows, random_state=0)


def plant(table: pd.DataFrame, share: float, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the table with wrong labels in `share` of its rows, and in which, bool (N,)."""
    random = np.random.default_rng(seed)
    table = table.reset_index(drop=True)
    labels, classes = table["label"].to_numpy(object), sorted(set(table["label"]))
    rows = random.choice(len(table), round(share * len(table)), replace=False)
    for row in rows:
        labels[row] = random.choice([name for name in classes if name != labels[row]])
    is_wrong = np.zeros(len(table), bool)
    is_wrong[rows] = True
    return table.assign(label=labels), is_wrong


def find_ours(table: pd.DataFrame, seed: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Return seconds, what is suspect, bool (N,), and doubt where suspect, else 0, (N,)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table.to_csv(folder / "table.csv", index=False)
        text = "data: {train_file: table.csv, target: label}\nquality: {duplicates: off}\n"
        (folder / "config.yaml").write_text(text)
        loaded = load_config(folder / "config.yaml")
        ingested = ingest_stage(loaded)
        checked = CheckedRows.load(check_stage(loaded, ingested).folder)
        rows, scratch = load_table(ingested.folder), folder / "scratch"
        scratch.mkdir()
        started = time.process_time()
        found = check_label_errors(rows, checked, "warn", seed, scratch)
        seconds = time.process_time() - started
        suspect, doubt = np.zeros(len(table), bool), np.zeros(len(table))
        suspect[found.index], doubt[found.index] = True, 1 - found.score
    return seconds, suspect, doubt


def find_by_hand(table: pd.DataFrame, seed: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the same of cleanlab run by hand; doubt is that of all rows."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.model_selection import cross_val_predict
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from threadpoolctl import threadpool_limits

    features, (_, labels) = table.drop(columns="label"), np.unique(table["label"], return_inverse=1)
    numbers = features.select_dtypes("number").columns
    started = time.process_time()
    encoder = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), list(numbers)),
        (
            OneHotEncoder(handle_unknown="ignore", sparse_output=False),
            [name for name in features if name not in numbers],
        ),
    )
    model = MLPClassifier(LAYERS, random_state=seed)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that 200 epochs were not enough
        encoded = encoder.fit_transform(features)
        probs = cross_val_predict(model, encoded, labels, cv=5, method="predict_proba")
    suspect = find_label_issues(labels, probs, n_jobs=1)
    seconds = time.process_time() - started
    return seconds, suspect, 1 - get_label_quality_scores(labels, probs)


def judge(
    found: tuple[float, np.ndarray, np.ndarray], is_wrong: np.ndarray
) -> tuple[float, float, float, float, float]:
    """Return precision, recall, precision at an equal number, rows flagged, and seconds."""
    seconds, suspect, doubt = found
    hits = int((suspect & is_wrong).sum())
    most = np.argsort(-doubt, kind="stable")[: int(is_wrong.sum())]
    precision = hits / max(1, int(suspect.sum()))
    return precision, hits / is_wrong.sum(), is_wrong[most].mean(), suspect.sum(), seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--adult-rows", type=int, default=6000, help="0 for all 32,537: minutes by hand"
    )
    parser.add_argument("--tables", default="breast_cancer,digits,adult")
    options = parser.parse_args()
    readers = {
        "breast_cancer": read_cancer,
        "digits": read_digits,
        "adult": lambda: read_adult(options.adult_rows or None),
    }
    # What is imported, and measured never: the first of each kind.
    warm, _ = plant(read_cancer(), 0.05, 0)
    find_ours(warm, 0), find_by_hand(warm.head(100), 0)
    print(f"{'':28}precision      recall         equal          flagged          seconds")
    print(
        f"{'table':15}{'noise':>6}       "
        + "  ours by hand " * 3
        + "    ours by hand    ours by hand  ratio"
    )
    for name in options.tables.split(","):
        table = readers[name]()
        for share in (0.05, 0.1):
            planted = [plant(table, share, seed) for seed in range(options.seeds)]
            ours = [
                judge(find_ours(rows, seed), wrong) for seed, (rows, wrong) in enumerate(planted)
            ]
            theirs = [
                judge(find_by_hand(rows, seed), wrong) for seed, (rows, wrong) in enumerate(planted)
            ]
            mean, other = np.mean(ours, axis=0), np.mean(theirs, axis=0)
            pairs = "".join(f"{a:7.3f}{b:8.3f}" for a, b in zip(mean[:3], other[:3], strict=True))
            print(
                f"{name:15}{share:6.0%}{len(table):7,}{pairs}{mean[3]:8.0f}{other[3]:8.0f}"
                f"{mean[4]:8.2f}{other[4]:8.2f}{other[4] / mean[4]:6.0f}x",
                flush=True,
            )


if __name__ == "__main__":
    main()
