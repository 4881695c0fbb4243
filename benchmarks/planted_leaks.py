"""Which planted leaks are found, and what is said of clean sets.

    python benchmarks/planted_leaks.py [--seeds 5] [--rows 4000] [--data ../shared/data]

Into the table of each public set one column is put that gives the target away; then it is read,
split and checked as a run would. For each set it prints how many of the clean splits raised a false
alarm, and how many leaks of each kind were found. Sets that are not there are left out; those of
scikit-learn are always there. `--rows` is the most rows taken of a set, at random.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from public_sets import ADULT, WINE
from sklearn import datasets

from iovalence.data.ingest import ingest, load_table
from iovalence.data.section import DataSection
from iovalence.quality.checks import check_rows
from iovalence.quality.parts import check_parts
from iovalence.quality.section import LeakageChecks, QualitySection
from iovalence.splitting.split import split_rows

FILES = {
    "adult-train": (ADULT, "income"),
    "winequality-red": (WINE, "quality"),
    "winequality-white": (WINE, "quality"),
    "mammography": ([*"abcdef", "class"], "class"),
    "california_housing": (None, "median_house_value"),
    "penguins": (None, "species"),
}
OWN = ("breast_cancer", "iris", "digits", "wine", "diabetes")


def load_sets(folder: Path) -> Iterator[tuple[str, pd.DataFrame, str]]:
    """Yield name, table and target of each set."""
    for name, (columns, target) in FILES.items():
        file = folder / f"{name}.csv"
        if file.exists():
            frame = pd.read_csv(
                file, names=columns, sep=None, engine="python", skipinitialspace=True
            )
            yield name, frame, target
    for name in OWN:
        found = getattr(datasets, f"load_{name}")(as_frame=True)
        frame = found.frame
        if name != "diabetes":
            frame["target"] = np.asarray(found.target_names, dtype=str)[frame["target"]]
        yield name, frame, "target"


def plant(target: pd.Series, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """Yield kinds of leaks with their columns, (N,)."""
    if pd.api.types.is_numeric_dtype(target) and target.nunique() > 20:
        values = target.to_numpy(dtype=float)
        scaled = (values - values.min()) / values.std()
        yield "logarithm", np.log1p(scaled)
        yield "cube", scaled**3
        yield "2 % noise", scaled + rng.normal(0, 0.02, len(scaled))
        yield "order", np.argsort(np.argsort(values, kind="stable")) * 2.5
        return
    codes, classes = pd.factorize(target)
    for share in (0.0, 0.02, 0.05):
        wrong = rng.random(len(codes)) < share
        others = (codes + rng.integers(1, len(classes), len(codes))) % len(classes)
        noisy = np.where(wrong, others, codes)
        yield f"text, {share:.0%} wrong", np.array([f"k{code}" for code in noisy])
        yield f"code, {share:.0%} wrong", noisy * 1.5
    yield "code, jitter 0.1", codes + rng.normal(0, 0.1, len(codes))
    yield "order", np.argsort(np.lexsort((rng.random(len(codes)), codes))) * 2.5


def find_leaks(frame: pd.DataFrame, target: str, seed: int) -> tuple[str, ...]:
    """Return the columns that are said to give the target away."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        frame.to_csv(folder / "rows.csv", index=False)
        section = DataSection(train_file="rows.csv", target=target)
        ingest(section, folder, folder)
        table = load_table(folder)
        checked = check_rows(table, QualitySection(), num_parts_split=3, class_weights_given=False)
        part = split_rows(table, checked, section, seed)
        leakage = LeakageChecks(target="fix", id="off")
        return check_parts(table, checked, part, leakage).report.left_out


def measure(name: str, frame: pd.DataFrame, target: str, seeds: int) -> tuple[int, int, int]:
    """Print the line of one set, and return leaks planted and found, and false alarms."""
    alarms, found, planted, missed = 0, 0, 0, []
    for seed in range(seeds):
        alarms += bool(find_leaks(frame, target, seed))
        for kind, values in plant(frame[target], np.random.default_rng(seed)):
            leaks = find_leaks(frame.assign(planted_column=values), target, seed)
            planted += 1
            found += "planted_column" in leaks
            alarms += bool(set(leaks) - {"planted_column"})
            missed += [kind] * ("planted_column" not in leaks)
    lost = f"  missed: {', '.join(missed)}" if missed else ""
    print(f"{name:20} {len(frame):6} rows  found {found:3} of {planted:3}  ", end="")
    print(f"false alarms {alarms} of {planted + seeds}{lost}", flush=True)
    return planted, found, alarms


def main() -> None:
    """Measure all sets and print the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    options = parser.parse_args()
    sums = np.zeros(3, dtype=int)
    for name, frame, target in load_sets(options.data):
        frame = frame.dropna(subset=[target])
        if len(frame) > options.rows:
            frame = frame.sample(options.rows, random_state=0).reset_index(drop=True)
        sums += measure(name, frame, target, options.seeds)
    print(f"all together: found {sums[1]} of {sums[0]}, false alarms {sums[2]}")


if __name__ == "__main__":
    main()
