import datetime

import numpy as np
import pyarrow as pa
import pytest

from iovalence.data.prepared import Prepared
from iovalence.data.preprocessing import Preprocessing
from iovalence.data.schema import Column, TableSchema
from iovalence.data.table import Table
from iovalence.training import boosting
from iovalence.training.boosting import fit_boosting, read_columns

NOW = datetime.datetime(2026, 1, 1)


def make_rows(target, columns, kinds):
    """Return a table and its rows, encoded; every fifth is of the validation part."""
    num_rows = len(target)
    is_values = pa.types.is_floating(target.type)
    schema = TableSchema(
        columns=tuple(
            Column(name=name, kind=kind, role="feature")
            for name, kind in zip(columns, kinds, strict=True)
        ),
        target="y",
        task="regression" if is_values else "classification",
        task_reason="",
        num_rows=(num_rows, 0, 0),
        files=(),
    )
    table = Table(schema, pa.table(columns))
    part = (np.arange(num_rows) % 5 == 0).astype(np.int8)
    preprocessing = Preprocessing.fit(table.columns, schema, target, None, part == 0)
    encoded = preprocessing.transform(table.columns)
    prepared = Prepared(
        preprocessing=preprocessing,
        features=encoded.features,
        codes=encoded.codes,
        target=preprocessing.encode_target(target),
        weight=None,
        part=part,
        table_index=np.arange(num_rows),
    )
    return table, prepared


def make_squares(num_rows=600, num_classes=2):
    """Return rows whose class follows the square of a number: what no linear model can learn."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=num_rows)
    edges = np.quantile(numbers**2, np.linspace(0, 1, num_classes + 1)[1:-1])
    labels = pa.array([f"c{label}" for label in np.digitize(numbers**2, edges)])
    return make_rows(labels, {"a": pa.array(numbers)}, ["numeric"])


def test_it_learns_what_a_linear_model_cannot():
    table, prepared = make_squares()
    rows = np.flatnonzero(prepared.part == 1)
    predictions = fit_boosting(table, prepared, 42).predict(rows)
    assert predictions.classes == ("c0", "c1")
    assert (predictions.y_pred == prepared.target[rows]).mean() > 0.9


def test_the_same_seed_gives_the_same_predictions():
    table, prepared = make_squares(14_000)  # from 10,000 on it holds rows out, by its seed
    rows = np.arange(100)
    one, same, other = (fit_boosting(table, prepared, seed).predict(rows) for seed in (1, 1, 2))
    assert np.array_equal(one.probs, same.probs)
    assert not np.array_equal(one.probs, other.probs)


def test_values_are_predicted_in_their_own_unit():
    numbers = np.random.default_rng(0).normal(size=500)
    target = 1000 + 100 * numbers**2
    table, prepared = make_rows(pa.array(target), {"a": pa.array(numbers)}, ["numeric"])
    values = fit_boosting(table, prepared, 0).predict(np.arange(500)).values
    assert np.median(np.abs(values - target)) < 5


def test_columns_are_taken_as_they_are_with_gaps_as_gaps():
    columns = {
        "number": pa.array([1e9, None, 3.0, 4.0] * 5),
        "flag": pa.array([True, False, None, True] * 5),
        "time": pa.array([NOW, None, NOW, NOW] * 5, pa.timestamp("us")),
        "colour": pa.array(["red", "blue", None, "red"] * 5),
    }
    kinds = ["numeric", "boolean", "datetime", "categorical"]
    table, prepared = make_rows(pa.array(["x", "y"] * 10), columns, kinds)
    found = read_columns(table, prepared, np.arange(3), {"colour": ("blue", "red")})
    seconds = (NOW - datetime.datetime(1970, 1, 1)).total_seconds()
    expected = [[1e9, 1, seconds, 1], [np.nan, 0, np.nan, 0], [3, np.nan, seconds, np.nan]]
    assert np.array_equal(found, expected, equal_nan=True)


def test_of_many_values_of_a_category_the_commonest_are_told_apart(monkeypatch):
    monkeypatch.setattr(boosting, "MAX_CATEGORIES", 2)
    texts = ["often"] * 40 + ["also"] * 40 + ["seldom"] * 10 + ["hardly"] * 10
    labels = pa.array(["x", "y"] * 50)
    table, prepared = make_rows(labels, {"a": pa.array(texts)}, ["categorical"])
    assert fit_boosting(table, prepared, 0).categories == {"a": ("also", "often")}


def test_a_large_table_is_sampled_with_every_class_in_it_and_that_is_said(monkeypatch):
    monkeypatch.setattr(boosting, "MAX_VALUES", 150)
    labels = ["x", "y"] * 300
    labels[1], labels[7] = "z", "z"
    table, prepared = make_rows(pa.array(labels), {"a": pa.array(range(600))}, ["numeric"])
    fitted = fit_boosting(table, prepared, 0)
    assert fitted.predict(np.arange(4)).probs.shape == (4, 3)
    assert fitted.num_rows in (50, 51, 52)
    assert fitted.notes() == [
        f"gradient boosting was fitted to {fitted.num_rows} of the 480 train rows"
    ]


def test_many_classes_have_fewer_rounds_and_that_is_said(monkeypatch):
    monkeypatch.setattr(boosting, "MAX_TREES", 15)
    fitted = fit_boosting(*make_squares(num_classes=5), 0)
    assert fitted.estimator.n_iter_ == 3
    assert fitted.notes() == ["gradient boosting was given 3 rounds, for many classes"]


@pytest.mark.parametrize("rare", [1, 2])
def test_a_class_of_a_single_row_keeps_it_from_nothing(rare):
    labels = ["x", "y"] * 7000
    labels[1 : 1 + rare] = ["z"] * rare
    table, prepared = make_rows(pa.array(labels), {"a": pa.array(range(14_000))}, ["numeric"])
    assert fit_boosting(table, prepared, 0).predict(np.arange(3)).probs.shape == (3, 3)


def test_columns_without_a_value_or_with_infinite_ones_do_no_harm():
    columns = {
        "blank": pa.array([None] * 100, pa.float64()),
        "endless": pa.array([float("inf"), *([-1.0, 1.0] * 49), -1.0]),
        "unique": pa.array([f"v{row}" for row in range(100)]),
    }
    kinds = ["numeric", "numeric", "categorical"]
    table, prepared = make_rows(pa.array(["y", *(["y", "x"] * 49), "y"]), columns, kinds)
    said = fit_boosting(table, prepared, 0).predict(np.arange(100))
    assert (said.y_pred == prepared.target).mean() > 0.9
