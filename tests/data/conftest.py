"""What the tests of `iovalence.data` share: tables written to files and read back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iovalence.data.ingest import ingest, load_table
from iovalence.data.section import DataSection
from iovalence.data.table import Table

ReadTable = Callable[..., Table]

ADULT_NAMES = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
    "income",
)
WINE_NAMES = (
    "fixed_acidity",
    "volatile_acidity",
    "citric_acid",
    "residual_sugar",
    "chlorides",
    "free_sulfur_dioxide",
    "total_sulfur_dioxide",
    "density",
    "pH",
    "sulphates",
    "alcohol",
    "quality",
)


@pytest.fixture
def read_table(tmp_path: Path) -> ReadTable:
    """Return a function that ingests files under `tmp_path` and loads the table."""
    count = 0

    def read(train_file: str = "train.csv", **settings: Any) -> Table:
        nonlocal count
        count += 1
        folder = tmp_path / f"out-{count}"
        folder.mkdir()
        ingest(DataSection(train_file=train_file, **settings), tmp_path, folder)
        written = {path.name for path in folder.iterdir()} - {"written.arrow"}
        assert written == {"table.arrow", "schema.json"}
        return load_table(folder)

    return read


@pytest.fixture
def read_text(tmp_path: Path, read_table: ReadTable) -> ReadTable:
    """Return a function that ingests one text or these bytes as `train.csv`."""

    def read(content: str | bytes, **settings: Any) -> Table:
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / "train.csv").write_bytes(data)
        return read_table(**settings)

    return read


def rows_of(num_rows: int, **columns: Callable[[int], Any]) -> str:
    """Return a CSV text of columns whose cells are functions of the row, and a label 0 or 1."""
    lines = [",".join([*columns, "label"])]
    for i in range(num_rows):
        lines.append(",".join([*(str(cell(i)) for cell in columns.values()), str(i % 2)]))
    return "\n".join(lines) + "\n"
