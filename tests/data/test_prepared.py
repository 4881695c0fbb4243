import numpy as np
import pytest

from iovalence.data.prepared import load_prepared, prepare
from iovalence.errors import StorageError
from tests.data.conftest import rows_of

TRAIN = rows_of(60, x=lambda i: i / 8, color=lambda i: "rgb"[i % 3], w=lambda i: i % 5)


@pytest.fixture
def table(read_text):
    return read_text(TRAIN, weight="w")


def test_the_rows_of_a_part_lie_together_in_the_order_of_the_table(tmp_path, table):
    keep = np.arange(60) % 7 != 0
    part = np.where(keep, np.arange(60) % 3, -1).astype(np.int8)
    target = table.columns["label"]
    fitted = prepare(table, keep, target, part, None, tmp_path)
    prepared = load_prepared(tmp_path)
    assert prepared.preprocessing == fitted
    index = [i for at in range(3) for i in np.flatnonzero(part == at)]
    assert prepared.table_index.tolist() == index
    assert prepared.part.tolist() == part[index].tolist()
    assert prepared.target.tolist() == [i % 2 for i in index]
    assert prepared.weight is not None
    assert prepared.weight.tolist() == [i % 5 for i in index]
    assert prepared.features.flags.c_contiguous
    assert isinstance(prepared.features, np.memmap)
    expected = fitted.transform(table.columns).features[index]
    assert np.array_equal(prepared.features, expected)


def test_rows_are_written_the_same_in_blocks_of_any_size(tmp_path, table, monkeypatch):
    part = (np.arange(60) * 7 % 3).astype(np.int8)
    args = (table, np.ones(60, bool), table.columns["label"], part, None)
    (tmp_path / "small").mkdir()
    prepare(*args, tmp_path)
    monkeypatch.setattr("iovalence.data.prepared.BLOCK_ROWS", 7)
    prepare(*args, tmp_path / "small")
    whole, small = load_prepared(tmp_path), load_prepared(tmp_path / "small")
    assert np.array_equal(whole.features, small.features)


def test_the_preprocessing_is_fitted_on_kept_rows_of_the_train_part_alone(tmp_path, table):
    keep = np.arange(60) >= 3
    part = np.where(np.arange(60) < 30, 0, 2).astype(np.int8)
    fitted = prepare(table, keep, table.columns["label"], part, None, tmp_path)
    numeric = next(column for column in fitted.columns if column.column == "x")
    assert numeric.scale.centre == pytest.approx(np.mean(np.arange(3, 30) / 8))


def test_without_weights_and_embedded_columns_there_are_none(tmp_path, read_text):
    table = read_text(TRAIN, exclude=["w"])
    prepare(table, np.ones(60, bool), table.columns["label"], np.zeros(60, np.int8), None, tmp_path)
    prepared = load_prepared(tmp_path)
    assert prepared.weight is None
    assert prepared.codes.shape == (60, 0)


def test_a_table_of_embedded_columns_alone_has_no_features(tmp_path, read_text):
    table = read_text(rows_of(240, city=lambda i: f"city {i // 2 % 60}"))
    num_rows = table.num_rows
    part = np.zeros(num_rows, np.int8)
    prepare(table, np.ones(num_rows, bool), table.columns["label"], part, None, tmp_path)
    prepared = load_prepared(tmp_path)
    assert prepared.features.shape == (num_rows, 0)
    assert prepared.codes.shape == (num_rows, 1)


def test_a_missing_array_is_an_error_of_storage(tmp_path, table):
    part = np.zeros(60, np.int8)
    prepare(table, np.ones(60, bool), table.columns["label"], part, None, tmp_path)
    (tmp_path / "codes.npy").unlink()
    with pytest.raises(StorageError, match=r"reading must be possible, got 'No such file"):
        load_prepared(tmp_path)
