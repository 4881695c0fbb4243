"""How often the comparison with the last accepted run alarms: where it must, and where it must not.

    python benchmarks/drift.py [--data ../shared/data] [--resamples 200] [--seed 0]

Each real set is cut into two random halves again and again: the one stands for the last accepted
run, the other for the next. `false alarms` is the share of pairs in which any warning was given.
Then a fault is planted in the second half, in a column drawn by chance: a number's mean moved by
half a standard deviation, 15 points of the rows moved from the commonest category to the next, a
value taken from 10 points of the rows. `found` is the share of pairs in which a warning named that
column. The last lines are of speed: a profile of 1,000,000 rows and 54 columns, and a comparison.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.random import Generator
from public_sets import ADULT, WINE

from iovalence.data.ingest import ingest, load_table
from iovalence.data.section import DataSection
from iovalence.data.table import Table
from iovalence.quality.comparison import Accepted, compare_table
from iovalence.quality.findings import Finding
from iovalence.quality.profile import build_profile
from iovalence.quality.section import QualitySection

SETS = {
    "adult": ("adult-train.csv", {"target": "income", "column_names": tuple(ADULT)}),
    "wine": ("winequality-white.csv", {"target": "quality", "column_names": tuple(WINE)}),
    "california": ("california_housing.csv", {"target": "median_house_value"}),
    "penguins": ("penguins.csv", {"target": "species"}),
}
Plant = Callable[[pa.ChunkedArray, Generator], pa.Array]


@dataclass(frozen=True)
class Fault:
    """Name a fault, the kind of column that it is planted in, and how."""

    name: str
    kinds: tuple[str, ...]
    plant: Plant


def move_mean(values: pa.ChunkedArray, _generator: Generator) -> pa.Array:
    """Return numbers, (N,), half a standard deviation larger."""
    return pc.add(values, 0.5 * pc.stddev(values).as_py())


def move_share(values: pa.ChunkedArray, generator: Generator) -> pa.Array:
    """Return categories, (N,), with 15 points of the rows moved from the commonest to the next."""
    counted = pc.value_counts(values.drop_null())
    order = np.argsort(-counted.field("counts").to_numpy(), kind="stable")
    common, other = (counted.field("values")[int(at)] for at in order[:2])
    rows = np.flatnonzero(pc.fill_null(pc.equal(values, common), False).to_numpy())
    wanted = min(len(rows), round(0.15 * len(values)))
    moved = np.zeros(len(values), bool)
    moved[generator.choice(rows, wanted, replace=False)] = True
    return pc.if_else(pa.array(moved), other, values)


def lose_values(values: pa.ChunkedArray, generator: Generator) -> pa.Array:
    """Return values, (N,), of which 10 points are missing."""
    lost = generator.random(len(values)) < 0.1
    return pc.if_else(pa.array(lost), pa.scalar(None, values.type), values)


FAULTS = (
    Fault("mean + 0.5 sd", ("numeric",), move_mean),
    Fault("share 15 points", ("categorical", "boolean"), move_share),
    Fault("missing + 10 points", ("numeric", "categorical"), lose_values),
)


def read(name: str, folder: Path) -> Table:
    """Return a set as the program reads it."""
    file, settings = SETS[name]
    with TemporaryDirectory() as stage:
        ingest(DataSection(train_file=file, **settings), folder, Path(stage))
        table = load_table(Path(stage))
        return replace(table, columns=pa.table(table.columns.to_pydict(), table.columns.schema))


def take(table: Table, rows: np.ndarray) -> Table:
    """Return some rows of a table as one of its own."""
    schema = table.schema.model_copy(update={"num_rows": (len(rows), 0, 0)})
    return Table(schema, table.columns.take(pa.array(rows)).combine_chunks())


def warnings(before: Table, now: Table) -> list[Finding]:
    """Return what a comparison warns of."""
    accepted = Accepted(run_id="before", profile=build_profile(before))
    found = compare_table(now, build_profile(now), accepted, QualitySection())
    return [finding for finding in found.findings if finding.severity == "warning"]


def plant(table: Table, fault: Fault, generator: Generator) -> tuple[Table, str] | None:
    """Return a table with a fault in one of its features, and in which; None where none fits."""
    columns = [c for c in table.schema.columns if c.role == "feature" and c.kind in fault.kinds]
    if not columns:
        return None
    name = columns[int(generator.integers(len(columns)))].name
    at = table.columns.column_names.index(name)
    values = fault.plant(table.columns.column(name), generator)
    return replace(table, columns=table.columns.set_column(at, name, values)), name


def measure(table: Table, num: int, generator: Generator) -> dict[str, list[bool]]:
    """Return for each resample whether there was a false alarm, and whether faults were found."""
    found: dict[str, list[bool]] = {"false alarms": []}
    for _ in range(num):
        order = generator.permutation(table.num_rows)
        before, now = take(table, order[: len(order) // 2]), take(table, order[len(order) // 2 :])
        found["false alarms"].append(bool(warnings(before, now)))
        for fault in FAULTS:
            planted = plant(now, fault, generator)
            if planted is not None:
                other, name = planted
                named = any(f"'{name}'" in finding.message for finding in warnings(before, other))
                found.setdefault(fault.name, []).append(named)
    return found


def time_large(num_rows: int = 1_000_000, num_columns: int = 54) -> tuple[float, float]:
    """Return the seconds of a profile and of a comparison of a large table."""
    from iovalence.data.schema import Column, TableSchema

    generator = np.random.default_rng(0)
    names = [f"c{at}" for at in range(num_columns)]
    numbers = [pa.array(generator.normal(size=num_rows)) for _ in range(num_columns - 10)]
    words = pa.array([f"w{at}" for at in range(40)])
    texts = [words.take(pa.array(generator.integers(0, 40, num_rows))) for _ in range(10)]
    kinds = ["numeric"] * len(numbers) + ["categorical"] * len(texts)
    roles = ["feature"] * (num_columns - 1) + ["target"]
    columns = zip(names, kinds, roles, strict=True)
    schema = TableSchema(
        columns=tuple(Column(name=name, kind=kind, role=role) for name, kind, role in columns),
        target=names[-1],
        task="classification",
        task_reason="",
        num_rows=(num_rows, 0, 0),
        files=(),
    )
    table = Table(schema, pa.table(numbers + texts, names))
    started = time.perf_counter()
    profile = build_profile(table)
    profiled = time.perf_counter()
    compare_table(table, profile, Accepted(run_id="before", profile=profile), QualitySection())
    return profiled - started, time.perf_counter() - profiled


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    heads = ("false alarms", *(fault.name for fault in FAULTS))
    print(f"{'set':<12}{'rows a half':>12}" + "".join(f"{head:>21}" for head in heads))
    for name in SETS:
        table = read(name, asked.data)
        found = measure(table, asked.resamples, np.random.default_rng(asked.seed))
        shares = [f"{np.mean(found[head]):.1%}" if head in found else "-" for head in heads]
        line = "".join(f"{share:>21}" for share in shares)
        print(f"{name:<12}{table.num_rows // 2:>12,}{line}", flush=True)
    profile_s, comparison_s = time_large()
    print(f"1,000,000 x 54: profile {profile_s:.2f} s, comparison {comparison_s:.2f} s")


if __name__ == "__main__":
    main()
