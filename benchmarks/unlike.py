"""How well rows unlike the training data are found, and how often others are flagged.

    python benchmarks/unlike.py [--data ../shared/data] [--splits 20] [--seed 0]

Each real set is split at random into train, validation and test, 70/15/15, again and again. `same`
is the share of test rows that is flagged: 1 % is promised. Then faults are planted in all test
rows: one column of numbers after the other moved by five standard deviations; the values of each
column dealt to other rows; each column of numbers filled with those of the next; and with those of
another set. The share of rows flagged is what is found. A column
whose values already reach that far by nature, or that has no partner to be torn from, cannot
show it: `worst` is the set's column that shows least when moved, `median` the middle one. The last
line is of speed: flagging beside predicting, both as a share of encoding 200,000 rows.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.random import Generator
from public_sets import ADULT, WINE

from iovalence.data.ingest import ingest, load_table
from iovalence.data.preprocessing import Preprocessing
from iovalence.data.section import DataSection
from iovalence.data.table import Table
from iovalence.models.likeness import fit_likeness

MAMMOGRAPHY = ("a", "b", "c", "d", "e", "f", "label")
SETS = {
    "adult": ("adult-train.csv", {"target": "income", "column_names": tuple(ADULT)}),
    "wine, white": ("winequality-white.csv", {"target": "quality", "column_names": tuple(WINE)}),
    "wine, red": ("winequality-red.csv", {"target": "quality", "column_names": tuple(WINE)}),
    "california": ("california_housing.csv", {"target": "median_house_value"}),
    "mammography": ("mammography.csv", {"target": "label", "column_names": MAMMOGRAPHY}),
    "penguins": ("penguins.csv", {"target": "species"}),
}


def open_set(name: str, data: Path) -> Table:
    """Read one set into memory."""
    file, settings = SETS[name]
    with TemporaryDirectory() as folder:
        section = DataSection(train_file=str((data / file).resolve()), **settings)
        ingest(section, Path.cwd(), Path(folder))
        table = load_table(Path(folder))
        return Table(table.schema, pa.Table.from_batches(table.columns.to_batches()))


def split(table: Table, generator: Generator) -> list[pa.Table]:
    """Return train, validation and test rows."""
    order = generator.permutation(table.num_rows)
    cuts = np.cumsum([int(0.7 * len(order)), int(0.15 * len(order))])
    return [table.columns.take(pa.array(part)) for part in np.split(order, cuts)]


def numeric(table: Table) -> list[str]:
    """Return the columns of numbers."""
    return [c.name for c in table.schema.columns if c.role == "feature" and c.kind == "numeric"]


def put(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    """Return rows with other values in one column."""
    return rows.set_column(rows.schema.get_field_index(name), name, values)


def deal(rows: pa.Table, names: list[str], generator: Generator) -> pa.Table:
    """Return rows with the values of each column dealt anew."""
    for name in names:
        rows = put(rows, name, rows[name].take(pa.array(generator.permutation(rows.num_rows))))
    return rows


def turn(rows: pa.Table, names: list[str]) -> pa.Table:
    """Return rows with the numbers of each column in the next one."""
    turned = rows
    for name, other in zip(names, [*names[1:], names[0]], strict=True):
        turned = put(turned, name, rows[other])
    return turned


def fill(rows: pa.Table, names: list[str], other: Table, generator: Generator) -> pa.Table:
    """Return rows with the numbers of another set's columns."""
    drawn = pa.array(generator.integers(other.num_rows, size=rows.num_rows))
    for i, name in enumerate(names):
        found = numeric(other)
        rows = put(rows, name, other.columns[found[i % len(found)]].take(drawn))
    return rows


def judge(tables: dict[str, Table], name: str, num_splits: int, generator: Generator) -> str:
    """Return one line of the table."""
    table, names = tables[name], numeric(tables[name])
    features = [c.name for c in table.schema.columns if c.role == "feature"]
    others = [other for other in tables if other.split(",")[0] != name.split(",")[0]]
    shares: dict[str, list[float]] = {key: [] for key in ("same", "dealt", "turned", "other")}
    moved: dict[str, list[float]] = {column: [] for column in names}
    for number in range(num_splits):
        train, validation, test = split(table, generator)
        target = train[table.schema.target]
        fitted = Preprocessing.fit(train, table.schema, target, None)
        likeness = fit_likeness(fitted, train, validation, "validation")

        def flagged(rows: pa.Table, fitted=fitted, likeness=likeness) -> float:
            return float(likeness.flag(rows, fitted.transform(rows), fitted).mean())

        shares["same"].append(flagged(test))
        shares["dealt"].append(flagged(deal(test, features, generator)))
        shares["turned"].append(flagged(turn(test, names)))
        other = tables[others[number % len(others)]]
        shares["other"].append(flagged(fill(test, names, other, generator)))
        for column in names:
            far = 5 * pc.stddev(train[column]).as_py()
            moved[column].append(flagged(put(test, column, pc.add(test[column], far))))
    of_column = {column: float(np.mean(found)) for column, found in moved.items()}
    worst = min(of_column, key=lambda column: of_column[column])
    cells = [
        f"{100 * np.mean(shares['same']):.2f} ({100 * np.std(shares['same']):.2f})",
        f"{100 * np.mean(list(of_column.values())):.0f}",
        f"{100 * np.median(list(of_column.values())):.0f}",
        f"{100 * of_column[worst]:.0f} ({worst})",
        *(f"{100 * np.mean(shares[key]):.0f}" for key in ("other", "turned", "dealt")),
    ]
    return f"| {name} | {table.num_rows:,} | " + " | ".join(cells) + " |"


def time_flags(table: Table) -> str:
    """Return what flagging costs beside encoding."""
    rows = table.columns.take(pa.array(np.arange(200_000) % table.num_rows))
    fitted = Preprocessing.fit(rows, table.schema, rows[table.schema.target], None)
    likeness = fit_likeness(fitted, rows.slice(0, 50_000), rows.slice(0, 50_000), "train")
    started = time.perf_counter()
    encoded = fitted.transform(rows)
    encoding = time.perf_counter() - started
    likeness.flag(rows, encoded, fitted)
    return f"flagging costs {(time.perf_counter() - started - encoding) / encoding:.2f} of encoding"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    generator = np.random.default_rng(given.seed)
    tables = {name: open_set(name, given.data) for name in SETS}
    print("| set | rows | same % (sd) | moved, mean | median | worst | other | turned | dealt |")
    print("| --- " * 9 + "|")
    for name in tables:
        print(judge(tables, name, given.splits, generator), flush=True)
    print(time_flags(tables["adult"]))


if __name__ == "__main__":
    main()
