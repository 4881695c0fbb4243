"""How well near copies are found that were planted into real tables.

    python benchmarks/planted_copies.py [--noise 0.01] [--share 0.01] [--seeds 5] [--tolerance T]

For 1 % of the rows a copy is added whose numeric features get Gaussian noise of 1 % of their
column's standard deviation; exact copies are taken out before. Sets are those beside the project
(../shared/data) and some of scikit-learn's. Means over the seeds:

    within    pairs within the tolerance in the table as published, by comparing all rows
    own       rows that the check names in the table as published: what it takes for copies there,
              and nobody knows whether they are
    recall    planted copies that are named, of those planted
    precision planted copies, of the rows named that are not of the table's own
    all       planted copies, of all rows named: each of the table's own counts as an error
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from public_sets import ADULT, WINE

from iovalence.data.ingest import ingest, load_table
from iovalence.data.schema import TableSchema
from iovalence.data.section import DataSection
from iovalence.data.table import Table
from iovalence.quality.conflicting import find_alike
from iovalence.quality.distance import Numbers
from iovalence.quality.near import check_near, find_near_copies
from iovalence.quality.section import DuplicateChecks

DATA = Path(__file__).parents[2] / "shared" / "data"
FILES = {
    "Adult": {"train_file": "adult-train.csv", "target": "income", "column_names": ADULT},
    "wine quality, red": {
        "train_file": "winequality-red.csv",
        "target": "quality",
        "column_names": WINE,
    },
    "wine quality, white": {
        "train_file": "winequality-white.csv",
        "target": "quality",
        "column_names": WINE,
    },
    "mammography": {
        "train_file": "mammography.csv",
        "target": "class",
        "column_names": [*"abcdef", "class"],
    },
    "California housing": {
        "train_file": "california_housing.csv",
        "target": "median_house_value",
    },
    "penguins": {"train_file": "penguins.csv", "target": "species"},
}
PACKAGED = {
    "breast cancer": "load_breast_cancer",
    "wine recognition": "load_wine",
    "diabetes": "load_diabetes",
}


@dataclass(frozen=True)
class Outcome:
    """Hold what one planting gave: shares in [0, 1], and seconds."""

    recall: float
    precision: float
    all: float
    seconds: float


def read_sets() -> Iterator[tuple[str, Table]]:
    """Yield each table without its exact copies; say which are not there."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in FILES.items():
            if not (DATA / data["train_file"]).exists():
                print(f"{name}: skipped, {DATA / data['train_file']} is not there")
                continue
            yield name, read(DataSection(**data), DATA, Path(folder), name)
        for name, loader in PACKAGED.items():
            file = Path(folder) / f"{loader}.csv"
            write_packaged(file, loader)
            yield name, read(DataSection(train_file=file.name), Path(folder), Path(folder), name)


def write_packaged(file: Path, loader: str) -> None:
    """Write one of scikit-learn's sets as CSV."""
    import sklearn.datasets

    bunch = getattr(sklearn.datasets, loader)(as_frame=True)
    frame = bunch.frame.rename(columns={"target": "y"})
    if hasattr(bunch, "target_names"):
        frame["y"] = np.asarray(bunch.target_names)[frame["y"]]
    frame.to_csv(file, index=False)


def read(section: DataSection, base: Path, folder: Path, name: str) -> Table:
    """Return the typed table of a set, without exact copies and rows without a target."""
    store = folder / name
    store.mkdir()
    table = load_table(ingest_into(section, base, store))
    columns = table.columns.filter(table.columns[table.schema.target].is_valid())
    repeated = columns.to_pandas().duplicated().to_numpy()
    return sized(table.schema, columns.filter(pa.array(~repeated)))


def ingest_into(section: DataSection, base: Path, store: Path) -> Path:
    """Read files into a folder and return it."""
    ingest(section, base, store)
    return store


def sized(schema: TableSchema, columns: pa.Table) -> Table:
    """Return a table of one file with these rows."""
    return Table(schema.model_copy(update={"num_rows": (columns.num_rows, 0, 0)}), columns)


def numeric_features(table: Table) -> list[str]:
    """Return the names of the columns that get noise."""
    features = [column for column in table.schema.columns if column.role == "feature"]
    return [column.name for column in features if column.kind == "numeric"]


def plant(table: Table, share: float, noise: float, seed: int) -> tuple[Table, set[int]]:
    """Return the table with noisy copies after its rows, and the rows that they are."""
    rng = np.random.default_rng(seed)
    num_rows = table.num_rows
    chosen = rng.choice(num_rows, max(1, round(share * num_rows)), replace=False)
    copies = table.columns.take(pa.array(chosen))
    for name in numeric_features(table):
        deviation = np.nanstd(table.columns[name].to_numpy())
        noisy = copies[name].to_numpy() + noise * deviation * rng.standard_normal(len(chosen))
        at = copies.column_names.index(name)
        copies = copies.set_column(at, name, pa.array(noisy, from_pandas=True))
    planted = set(range(num_rows, num_rows + len(chosen)))
    return sized(table.schema, pa.concat_tables([table.columns, copies])), planted


def find(table: Table, tolerance: float) -> set[int]:
    """Return the rows that `quality.duplicates.near: fix` would take out."""
    target = table.columns[table.schema.target].combine_chunks()
    everything, alike = np.ones(table.num_rows, dtype=bool), find_alike(table)
    near = find_near_copies(table, target, tolerance, everything, alike)
    _, leaves = check_near(table, target, near, alike, everything, "fix")
    return set(np.flatnonzero(leaves).tolist())


def count_by_comparing(table: Table, tolerance: float) -> int:
    """Return how many near copies there are, by comparing each row with each other."""
    target = table.columns[table.schema.target].combine_chunks()
    numbers = Numbers.fit(table, target, np.ones(table.num_rows, dtype=bool))
    others = [name for name in table.columns.column_names if name not in numbers.names]
    equal = table.columns.select(others).to_pandas().assign(places=numbers.hash_missing_places())
    rows = numbers.read_block(0, table.num_rows).astype(np.float64)
    total, limit = 0, len(numbers.columns) * tolerance**2
    for group in equal.groupby([*equal], dropna=False, observed=True).indices.values():
        some = rows[np.asarray(group)]
        for at in range(len(some) - 1):
            square = np.square(some[at + 1 :] - some[at]).sum(axis=1)
            total += int(((square <= limit) & (square > 0)).sum())
    return total


def measure(table: Table, own: set[int], options: argparse.Namespace, seed: int) -> Outcome:
    """Plant once and look."""
    planted_table, planted = plant(table, options.share, options.noise, seed)
    started = time.perf_counter()
    found = find(planted_table, options.tolerance)
    seconds = time.perf_counter() - started
    hits = len(found & planted)
    return Outcome(
        recall=hits / len(planted),
        precision=hits / max(1, len(found - own)),
        all=hits / max(1, len(found)),
        seconds=seconds,
    )


def say(name: str, table: Table, options: argparse.Namespace) -> None:
    """Print the line of one set."""
    own, within = find(table, options.tolerance), count_by_comparing(table, options.tolerance)
    outcomes = [measure(table, own, options, seed) for seed in range(options.seeds)]
    recall, precision, everything, seconds = np.mean([astuple(one) for one in outcomes], axis=0)
    print(
        f"{name:20} {table.num_rows:7,} {len(numeric_features(table)):4} {within:6} {len(own):5} "
        f"{recall:8.4f} {precision:10.4f} {everything:8.4f} {seconds:8.2f}",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--noise", type=float, default=0.01, help="of the standard deviation")
    parser.add_argument("--share", type=float, default=0.01, help="of the rows are copied")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tolerance", type=float, default=DuplicateChecks().near_tolerance)
    options = parser.parse_args()
    print(f"tolerance {options.tolerance:g}, noise {options.noise:g}, copies {options.share:.0%}")
    print(
        f"{'':20} {'rows':>7} {'num.':>4} {'within':>6} {'own':>5} {'recall':>8} {'precision':>10} "
        f"{'all':>8} {'seconds':>8}"
    )
    for name, table in read_sets():
        say(name, table, options)


if __name__ == "__main__":
    main()
