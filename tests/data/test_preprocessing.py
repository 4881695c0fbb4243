import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iovalence.data.preprocessing import BLOCK_ROWS, Preprocessing
from iovalence.data.schema import Column, TableSchema
from iovalence.data.section import Task
from iovalence.errors import DataError

FINITE = st.floats(allow_nan=False, allow_infinity=False)
LARGE = st.floats(-1e300, 1e300)
TIMES = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))
ROW = st.tuples(
    st.none() | FINITE,
    st.none() | st.booleans(),
    st.none() | st.sampled_from("abc") | st.text(max_size=3),
    st.none() | TIMES,
)
ROWS = st.lists(ROW, min_size=2, max_size=25)
KINDS = {"x": "numeric", "flag": "boolean", "color": "categorical", "day": "datetime"}
TYPES = (pa.float64(), pa.bool_(), pa.string(), pa.timestamp("us"))


def schema_of(task: Task = "classification", **kinds: str) -> TableSchema:
    columns = [Column(name=name, kind=kind, role="feature") for name, kind in kinds.items()]
    columns.append(Column(name="label", kind="categorical", role="target"))
    return TableSchema(
        columns=tuple(columns),
        target="label",
        task=task,
        task_reason="",
        num_rows=(2, 0, 0),
        files=(),
    )


def table_of(rows: list) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(c, t) for c, t in zip(columns, TYPES, strict=True)], list(KINDS))


def labels_of(num_rows: int) -> pa.Array:
    return pa.array(["no", "yes"] * num_rows)[:num_rows]


def fit(rows: list, mask: np.ndarray | None = None) -> Preprocessing:
    target = labels_of(len(rows))
    return Preprocessing.fit(table_of(rows), schema_of(**KINDS), target, None, mask)


@settings(max_examples=100)
@given(train=ROWS, others=ROWS)
def test_whatever_the_rows_features_are_finite_and_codes_in_range(train, others):
    encoded = fit(train).transform(table_of([*others, *train]))
    assert np.isfinite(encoded.features).all()
    assert encoded.features.shape[0] == len(others) + len(train)
    assert encoded.features.dtype == np.float32


@settings(max_examples=50)
@given(train=ROWS, first=ROWS, second=ROWS)
def test_no_row_outside_the_train_part_changes_a_fitted_value(train, first, second):
    fitted = [
        fit([*train, *others], np.arange(len(train) + len(others)) < len(train))
        for others in (first, second)
    ]
    assert fitted[0] == fitted[1] == fit(train)


@settings(max_examples=50)
@given(train=ROWS)
def test_what_was_fitted_survives_being_written_as_json(train):
    fitted = fit(train)
    again = Preprocessing.model_validate_json(fitted.model_dump_json())
    assert again == fitted
    table = table_of(train)
    assert np.array_equal(again.transform(table).features, fitted.transform(table).features)


def test_there_is_a_name_for_every_feature():
    fitted = fit([(1.0, True, "a", None), (2.0, None, "a", dt.datetime(2020, 1, 1))])
    assert fitted.transform(table_of([(1.0, None, "b", None)])).features.shape == (
        1,
        len(fitted.feature_names),
    )


def test_rows_are_encoded_alike_whatever_block_they_are_in():
    num_rows = 2 * BLOCK_ROWS + 5
    rng = np.random.default_rng(0)
    table = pa.table({"x": rng.normal(size=num_rows), "c": rng.integers(0, 99, num_rows)})
    table = table.set_column(1, "c", table["c"].cast(pa.string()))
    schema = schema_of(x="numeric", c="categorical")
    fitted = Preprocessing.fit(table, schema, labels_of(num_rows), None)
    whole = fitted.transform(table)
    some = fitted.transform(table.take(pa.array([0, BLOCK_ROWS, num_rows - 1])))
    assert np.array_equal(whole.features[[0, BLOCK_ROWS, -1]], some.features)
    assert np.array_equal(whole.codes[[0, BLOCK_ROWS, -1]], some.codes)
    assert fitted.embedding_sizes == ((99, 21),)
    assert whole.codes.max() < 99


def test_no_row_is_encoded_to_no_row():
    fitted = fit([(1.0, True, "a", None), (2.0, None, "a", None)])
    encoded = fitted.transform(table_of([(1.0, True, "a", None)]).slice(1))
    assert encoded.features.shape == (0, len(fitted.feature_names))


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["10", "9", "-1"], ("-1", "9", "10")),
        (["b", "a", "10"], ("10", "a", "b")),
    ],
)
def test_classes_are_in_numeric_order_if_all_are_numbers_else_sorted(labels, classes):
    table = pa.table({"x": [1.0, 2.0, 3.0]})
    fitted = Preprocessing.fit(table, schema_of(x="numeric"), pa.array(labels), None)
    assert fitted.classes == classes
    assert fitted.positive_index is None
    target = pa.array([*classes, "new", None])
    assert fitted.encode_target(target).tolist() == [0, 1, 2, -1, -1]


class TestTwoClasses:
    """The positive one of two classes."""

    @staticmethod
    def fit(labels, positive_class):
        table = pa.table({"x": [float(i) for i in range(len(labels))]})
        return Preprocessing.fit(table, schema_of(x="numeric"), pa.array(labels), positive_class)

    def test_is_the_last_if_none_is_stated(self):
        assert self.fit(["yes", "no"], None).positive_index == 1

    def test_is_the_stated_one(self):
        assert self.fit(["yes", "no"], "no").positive_index == 0

    def test_must_be_a_class(self):
        message = r"got 'yess'; did you mean 'yes'\?; the classes are no, yes"
        with pytest.raises(DataError, match=message):
            self.fit(["yes", "no"], "yess")

    def test_must_go_with_two_classes(self):
        with pytest.raises(DataError, match="must go with two classes, found 3"):
            self.fit(["yes", "no", "maybe"], "yes")

    def test_must_both_be_in_the_train_part(self):
        with pytest.raises(DataError, match="must have two classes at least, found 1: yes"):
            self.fit(["yes", "yes"], None)


@given(st.lists(LARGE, min_size=2, max_size=20), st.lists(FINITE, max_size=5))
def test_a_target_of_numbers_is_standardised_and_comes_back(train, others):
    table = pa.table({"x": [1.0] * len(train)})
    schema = schema_of("regression", x="numeric")
    fitted = Preprocessing.fit(table, schema, pa.array(train), None)
    encoded = fitted.encode_target(pa.array([*train, *others], pa.float64()))
    assert encoded.dtype == np.float32
    assert np.isfinite(encoded).all()
    back = fitted.decode_target(encoded[: len(train)])
    assert back == pytest.approx(train, abs=1e-5 * fitted.target_scale, rel=1e-5)


def test_a_standardised_target_has_mean_0_and_deviation_1():
    values = np.random.default_rng(0).normal(1e5, 3e4, 1000)
    table = pa.table({"x": values})
    schema = schema_of("regression", x="numeric")
    encoded = Preprocessing.fit(table, schema, pa.array(values), None).encode_target(
        pa.array(values)
    )
    assert encoded.mean() == pytest.approx(0, abs=1e-5)
    assert encoded.std() == pytest.approx(1, abs=1e-5)
