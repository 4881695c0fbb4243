"""Rows unlike those a model was trained on."""

import numpy as np
import pyarrow as pa
import pytest

from iovalence.data.preprocessing import Preprocessing
from iovalence.data.schema import Column, TableSchema
from iovalence.models.likeness import Likeness, fit_likeness

KINDS = {"size": "numeric", "weight": "numeric", "colour": "categorical", "label": "categorical"}


def make_rows(num_rows, seed):
    rng = np.random.default_rng(seed)
    size = rng.normal(10, 2, num_rows)
    weight = 3 * size + rng.normal(0, 1, num_rows)
    colour = rng.choice(["red", "blue", "green"], num_rows)
    label = np.where(size > 10, "yes", "no")
    return pa.table({"size": size, "weight": weight, "colour": colour, "label": label})


@pytest.fixture(scope="module")
def fitted():
    """Return a function that says which rows are unlike 3,000 train rows."""
    columns = tuple(
        Column(name=name, kind=kind, role="target" if name == "label" else "feature")
        for name, kind in KINDS.items()
    )
    schema = TableSchema(
        columns=columns,
        target="label",
        task="classification",
        task_reason="",
        num_rows=(3000, 0, 0),
        files=(),
    )
    train = make_rows(3000, 0)
    preprocessing = Preprocessing.fit(train, schema, train["label"], None)
    likeness = fit_likeness(preprocessing, train, make_rows(3000, 1), "validation")
    return likeness, lambda rows: likeness.flag(rows, preprocessing.transform(rows), preprocessing)


def with_column(rows, name, values):
    return rows.set_column(rows.schema.get_field_index(name), name, pa.array(values))


def test_about_one_row_in_a_hundred_of_the_same_kind_is_flagged(fitted):
    assert 0.004 < fitted[1](make_rows(5000, 2)).mean() < 0.02


def test_a_number_far_outside_is_flagged(fitted):
    rows = make_rows(100, 3)
    assert fitted[1](with_column(rows, "size", rows["size"].to_numpy() + 10)).mean() > 0.95


def test_numbers_that_do_not_go_together_are_flagged_though_each_is_common(fitted):
    rows = make_rows(500, 3)
    dealt = np.random.default_rng(0).permutation(rows["weight"].to_numpy())
    assert fitted[1](with_column(rows, "weight", dealt)).mean() > 0.5


def test_a_new_category_and_a_value_never_missing_before_are_flagged(fitted):
    rows = make_rows(3, 4)
    assert fitted[1](with_column(rows, "colour", ["red", "purple", "blue"])).tolist()[1]
    assert fitted[1](with_column(rows, "colour", ["red", None, "blue"])).tolist()[1]


def test_it_is_the_same_when_read_back(fitted, tmp_path):
    fitted[0].save(tmp_path / "likeness.json")
    assert Likeness.load(tmp_path / "likeness.json") == fitted[0]
