"""The first configuration for a table loads as it stands and says what was found."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iovalence.config.draft import MAX_COLUMNS, draft_config
from iovalence.config.load import load_config
from iovalence.config.model import Config
from iovalence.data.schema import Column, TableSchema
from iovalence.training.section import TrainingSection

COLUMNS = (
    Column(name="age", kind="numeric", role="feature"),
    Column(name="customer", kind="identifier", role="id"),
    Column(name="notes", kind="text", role="left_out", reason="wide text"),
    Column(name="memo", kind="text", role="excluded"),
    Column(name="income", kind="categorical", role="target"),
)


def found(columns: tuple[Column, ...] = COLUMNS, **changes: object) -> TableSchema:
    values: dict[str, object] = {
        "columns": columns,
        "target": "income",
        "task": "classification",
        "task_reason": "2 texts",
        "num_rows": (1000, 0, 0),
        "files": (),
        "notes": ("7 columns are constant",),
    }
    return TableSchema.model_validate(values | changes)


def reload(text: str, folder: Path) -> Config:
    path = folder / "draft.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path).config


def test_a_draft_loads_to_what_was_found(tmp_path: Path) -> None:
    config = reload(draft_config(found(), "train.csv"), tmp_path)
    assert (config.data.train_file, config.data.target) == ("train.csv", "income")
    assert (config.data.task, config.data.split) == ("classification", "stratified")
    assert (config.data.id, config.data.exclude) == ("customer", ("memo",))
    assert config.training == TrainingSection()


def test_a_draft_for_a_regression_splits_at_random(tmp_path: Path) -> None:
    config = reload(draft_config(found(task="regression"), "train.csv"), tmp_path)
    assert (config.data.task, config.data.split) == ("regression", "random")


def test_a_draft_says_what_each_column_is_and_why() -> None:
    text = draft_config(found(), "train.csv")
    for line in (
        "# A first configuration for train.csv: 1,000 rows and 5 columns.",
        "  #   why: 2 texts",
        "  #   age: numeric, feature",
        "  #   notes: text, left out by itself: wide text",
        "  #   memo: text, left out",
        "  #   income: categorical, target",
        "  #   note: 7 columns are constant",
    ):
        assert line in text.splitlines()


def test_a_draft_keeps_the_names_of_a_file_without_a_header(tmp_path: Path) -> None:
    names = [f"column {index}" for index in range(60)]
    text = draft_config(found(), "train.data", column_names=names)
    assert reload(text, tmp_path).data.column_names == tuple(names)
    assert max(map(len, text.splitlines())) <= 110


def test_a_draft_of_a_wide_table_lists_the_first_columns() -> None:
    columns = tuple(Column(name=f"c{i}", kind="numeric", role="feature") for i in range(1000))
    text = draft_config(found(columns), "train.csv")
    assert f"  #   and {1000 - MAX_COLUMNS} more" in text.splitlines()
    assert len(text.splitlines()) < 220


@example(name="none", reason="", path="none")
@given(
    name=st.text(min_size=1),
    reason=st.text(),
    path=st.text(min_size=1).filter(lambda path: "\0" not in path),
)
def test_a_draft_loads_whatever_the_columns_are_called(
    tmp_path_factory: pytest.TempPathFactory, name: str, reason: str, path: str
) -> None:
    columns = (
        Column(name=name, kind="categorical", role="target", reason=reason),
        Column(name=name + "x", kind="text", role="left_out", reason=reason),
        Column(name=name + "y", kind="text", role="excluded", reason=reason),
    )
    schema = found(columns, target=name, task_reason=reason, notes=(reason,))
    text = draft_config(schema, path, column_names=[name, name + "x", name + "y"])
    config = reload(text, tmp_path_factory.getbasetemp())
    assert (config.data.target, config.data.train_file) == (name, path)
    assert config.data.exclude == (name + "y",)
