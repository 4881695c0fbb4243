"""Two artefacts: equal to the last bit, or the first place where they part."""

import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file

from iovalence.errors import StorageError
from iovalence.reproduction.artefacts import (
    Parting,
    compare_journals,
    compare_json,
    compare_lines,
    compare_tables,
    compare_weights,
)
from iovalence.runs.journal import Journal


@pytest.fixture
def pair(tmp_path):
    return tmp_path / "then", tmp_path / "now"


def write_json(pair, then, now):
    pair[0].write_text(then)
    pair[1].write_text(now)
    return compare_json(*pair)


def test_values_are_counted_and_nan_equals_nan(pair):
    assert write_json(pair, '{"a": [1, NaN], "b": {}}', '{"b": {}, "a": [1, NaN]}') == (
        "3 values",
        None,
    )


@pytest.mark.parametrize(
    ("then", "now", "parting"),
    [
        ('{"a": 0.1}', '{"a": 0.10000000000000002}', ("a", "0.1", "0.10000000000000002")),
        ('{"a": 1}', '{"a": 1.0}', ("a", "1", "1.0")),
        ('{"a": [1, 2]}', '{"a": [1]}', ("a[1]", "2", "not there")),
        ('{"p": [{"part": "test", "x": 1}]}', '{"p": [{"part": "test"}]}', ("p[0 test].x", "1")),
        ('{"a": {}}', '{"a": {"b": null}}', ("a", "{}", "not there")),
    ],
)
def test_the_first_value_that_differs_is_named(pair, then, now, parting):
    _, found = write_json(pair, then, now)
    assert (found.where, found.then, found.now)[: len(parting)] == parting


def test_what_is_no_json_is_named(pair):
    with pytest.raises(StorageError, match="then must be JSON"):
        write_json(pair, "{", "{}")


def write_weights(pair, then, now):
    save_file(then, pair[0])
    save_file(now, pair[1])
    return compare_weights(*pair)[1]


def test_weights_are_compared_by_their_bits(pair):
    nan, zero = torch.tensor([math.nan]), torch.tensor([[1.0, 0.0]])
    assert write_weights(pair, {"w": nan}, {"w": nan.clone()}) is None
    parting = write_weights(pair, {"w": zero}, {"w": torch.tensor([[1.0, -0.0]])})
    assert parting == Parting("w[0, 1] (of 1 numbers)", "0.0", "-0.0")


def test_weights_of_another_shape_are_named(pair):
    parting = write_weights(pair, {"w": torch.zeros(2)}, {"w": torch.zeros(3)})
    assert parting == Parting("w", "torch.float32 (2,)", "torch.float32 (3,)")
    assert write_weights(pair, {"w": torch.zeros(2)}, {"v": torch.zeros(2)}).now == "not there"


def test_torn_weights_are_named(pair):
    save_file({"w": torch.zeros(2)}, pair[1])
    pair[0].write_bytes(pair[1].read_bytes()[:-3])
    with pytest.raises(StorageError, match="then must be whole"):
        compare_weights(*pair)


def test_times_of_a_journal_are_not_compared(pair):
    for path, seconds in zip(pair, (1.0, 2.0), strict=True):
        figures = {"train_loss": 0.5, "epoch_seconds": seconds, "rows_per_second": seconds}
        Journal(path).metrics(figures, epoch=1, step=3)
    assert compare_journals(*pair) == ("1 figures of 1 epochs", None)


def test_the_epoch_where_journals_part_is_named(pair):
    for path, loss in zip(pair, (0.5, 0.25), strict=True):
        Journal(path).metrics({"train_loss": 1.0}, epoch=1, step=3)
        Journal(path).metrics({"train_loss": loss}, epoch=2, step=6)
    assert compare_journals(*pair)[1] == Parting("epoch 2 (step 6), train_loss", "0.5", "0.25")


def test_tables_are_compared_value_by_value(pair):
    pq.write_table(pa.table({"row": [1, 2], "x": [math.nan, 1.0]}), pair[0])
    pq.write_table(pa.table({"row": [1, 2], "x": [math.nan, 1.0]}), pair[1])
    assert compare_tables(*pair) == ("2 rows", None)
    pq.write_table(pa.table({"row": [1, 2], "x": [math.nan, 2.0]}), pair[1])
    assert compare_tables(*pair)[1] == Parting("row 2, x", "1.0", "2.0")


def test_lines_that_are_missing_are_named(pair):
    pair[0].write_text("head\none\ntwo\n")
    pair[1].write_text("head\none\n")
    assert compare_lines(*pair) == ("2 rows", Parting("line 3", "'two'", "'not there'"))
