from dataclasses import replace

import numpy as np
import pytest
import torch

from iovalence.data.ingest import ingest, load_table
from iovalence.data.prepared import load_prepared, prepare
from iovalence.data.section import DataSection
from iovalence.models.architecture import NetworkSpec
from iovalence.models.network import Network
from iovalence.training.objective import Objective
from iovalence.training.order import Shuffle, blocks
from iovalence.training.parts import MappedRows, PartTensors, load_part, read_ahead
from iovalence.training.section import TrainingSection
from iovalence.training.trainer import Trainer, measure
from tests.data.conftest import rows_of

CPU = torch.device("cpu")
NUM_ROWS = 900
SMALL = Shuffle(chunk_rows=10, window_chunks=8)


@pytest.fixture
def prepared(tmp_path):
    """Prepare rows with numbers, an embedded column, weights and all three parts."""
    text = rows_of(
        NUM_ROWS,
        x=lambda i: (i * 37) % 101 / 8,
        city=lambda i: f"city {i % 61}",
        w=lambda i: 1 + i % 5,
    )
    (tmp_path / "train.csv").write_text(text)
    ingest(DataSection(train_file="train.csv", weight="w"), tmp_path, tmp_path)
    table = load_table(tmp_path)
    part = np.maximum(np.arange(NUM_ROWS) % 4 - 1, 0).astype(np.int8)
    keep, target = np.ones(NUM_ROWS, bool), table.columns["label"]
    prepare(table, keep, target, part, None, tmp_path)
    return load_prepared(tmp_path)


@pytest.fixture
def train(prepared):
    return np.flatnonzero(prepared.part == 0)


@pytest.fixture
def mapped(prepared, train):
    weights = torch.tensor([1.0, 3.0])
    return MappedRows(prepared, train, weights, CPU, SMALL)


@pytest.fixture
def resident(prepared, train):
    return replace(load_part(prepared, train, torch.tensor([1.0, 3.0]), CPU), shuffle=SMALL)


def assert_same(left, right):
    assert torch.equal(left.features, right.features)
    assert torch.equal(left.codes, right.codes)
    assert torch.equal(left.target, right.target)
    assert torch.equal(left.weight, right.weight)
    assert torch.equal(left.row_weight, right.row_weight)


@pytest.mark.parametrize("size", [7, 80, 128, 1000])
def test_blocks_from_files_are_those_from_memory(mapped, resident, size):
    pairs = zip(blocks(mapped.order(5, 2), size), blocks(resident.order(5, 2), size), strict=True)
    for ours, theirs in pairs:
        assert_same(mapped.take(ours), resident.take(theirs))


def test_a_block_does_not_depend_on_those_before_it(mapped, resident):
    order = mapped.order(5, 1)
    for first in (300, 40, 380, 0):
        assert_same(
            mapped.take(order[first : first + 64]), resident.take(order[first : first + 64])
        )


def test_an_epoch_reads_every_row_once(mapped):
    for block in blocks(mapped.order(5, 1), 64):
        mapped.take(block)
    assert mapped.num_read == mapped.num_rows


def test_a_block_holds_no_more_than_a_window_of_rows(mapped):
    for block in blocks(mapped.order(5, 1), 16):
        mapped.take(block)
        assert mapped._held.rows.num_rows <= 80


def test_single_positions_are_taken_too(mapped, resident):
    rows = torch.tensor([3, 0, 449])
    assert_same(mapped.take(rows), resident.take(rows))


@pytest.mark.parametrize("size", [1, 100, 5000])
def test_rows_in_turn_are_all_rows_in_their_order(mapped, resident, size):
    taken = list(mapped.in_turn(size))
    assert max(some.num_rows for some in taken) <= size
    assert torch.equal(torch.cat([some.features for some in taken]), resident.features)
    assert torch.equal(torch.cat([some.weight for some in taken]), resident.weight)


def test_a_part_is_in_memory_up_to_the_limit(prepared, train):
    row_bytes = 4 * (prepared.features.shape[1] + prepared.codes.shape[1])
    limit = len(train) * row_bytes
    assert isinstance(load_part(prepared, train, None, CPU, limit), PartTensors)
    assert isinstance(load_part(prepared, train, None, CPU, limit - 1), MappedRows)


def make_trainer(prepared, rows):
    spec = NetworkSpec(
        num_features=prepared.features.shape[1],
        embedding_sizes=prepared.preprocessing.embedding_sizes,
        layers=(16, 8),
        activation="relu",
        num_outputs=2,
    )
    network = Network(spec, CPU)
    network.initialise(1)
    section = TrainingSection(layers=(16, 8), epochs=3, batch_size=32)
    return Trainer(network, Objective("classification"), rows, rows, section)


def test_training_from_files_gives_the_weights_of_training_in_memory(prepared, mapped, resident):
    from_files, in_memory = make_trainer(prepared, mapped), make_trainer(prepared, resident)
    assert torch.equal(from_files.fit().flat, in_memory.fit().flat)
    figures = [
        measure(trainer.network, trainer.objective, trainer.train)
        for trainer in (from_files, in_memory)
    ]
    assert figures[0] == figures[1]


def test_reading_ahead_of_what_is_not_a_file_does_nothing():
    read_ahead(np.zeros((3, 2)), [(0, 3)])
