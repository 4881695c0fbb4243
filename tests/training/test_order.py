import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iovalence.training.order import CHUNK_BYTES, WINDOW_BYTES, Shuffle, blocks

SIZES = st.integers(1, 300)
SHUFFLES = st.builds(Shuffle, st.integers(1, 20), st.integers(1, 8))


@given(SHUFFLES, SIZES, st.integers(1, 3))
def test_an_epoch_takes_every_row_once(shuffle, num_rows, epoch):
    order = shuffle.order(1, epoch, num_rows)
    assert len(order) == num_rows
    assert sorted(order.numpy().tolist()) == list(range(num_rows))


@given(SHUFFLES, SIZES, st.integers(1, 50))
def test_blocks_one_after_the_other_are_the_whole_order(shuffle, num_rows, size):
    order = shuffle.order(1, 1, num_rows)
    taken = [block.tensor() for block in blocks(order, size)]
    assert torch.equal(torch.cat(taken), order.tensor())


@given(SHUFFLES, SIZES, st.data())
def test_a_piece_is_the_same_whatever_was_taken_before(shuffle, num_rows, data):
    first = data.draw(st.integers(0, num_rows))
    last = data.draw(st.integers(first, num_rows))
    whole = shuffle.order(1, 1, num_rows).tensor()
    assert torch.equal(shuffle.order(1, 1, num_rows)[first:last].tensor(), whole[first:last])


def test_the_order_follows_from_seed_and_epoch_alone():
    shuffle = Shuffle(chunk_rows=4, window_chunks=3)
    again = [
        shuffle.order(seed, epoch, 100).numpy().tolist()
        for seed, epoch in ((1, 1), (1, 1), (1, 2), (2, 1))
    ]
    assert again[0] == again[1]
    assert again[0] != again[2]
    assert again[0] != again[3]


@given(SHUFFLES, SIZES)
def test_a_window_holds_whole_chunks_and_no_more_than_its_number(shuffle, num_rows):
    order = shuffle.order(1, 1, num_rows)
    for window, _ in order.pieces():
        rows = set(order.windows.rows(window).tolist())
        chunks = {row // shuffle.chunk_rows for row in rows}
        assert len(chunks) <= shuffle.window_chunks
        whole = {row for row in range(num_rows) if row // shuffle.chunk_rows in chunks}
        assert rows == whole


def test_a_piece_of_a_piece_is_cut_like_any_sequence():
    order = Shuffle(4, 3).order(1, 1, 100)
    assert order[10:50][5:9].numpy().tolist() == order.numpy().tolist()[15:19]
    assert len(order[90:200]) == 10
    assert len(order[50:40]) == 0
    with pytest.raises(ValueError, match="an order must be cut in steps of 1, got 2"):
        order[::2]


@pytest.mark.parametrize("row_bytes", [4, 1000, 1 << 19, 1 << 28])
def test_chunks_and_windows_are_of_bounded_bytes(row_bytes):
    shuffle = Shuffle.for_rows(row_bytes)
    assert shuffle.chunk_rows * row_bytes <= max(CHUNK_BYTES, row_bytes)
    assert shuffle.chunk_rows * shuffle.window_chunks * row_bytes <= max(WINDOW_BYTES, row_bytes)
