import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iovalence.training.randomness import DropoutMasks, derived_seed, order_of_epoch

CPU = torch.device("cpu")


@given(seed=st.integers(0, 2**63 - 1), epoch=st.integers(1, 1000), num_rows=st.integers(1, 300))
def test_every_epoch_takes_every_row_once(seed, epoch, num_rows):
    order = order_of_epoch(seed, epoch, num_rows)
    assert sorted(order.tolist()) == list(range(num_rows))


def test_the_order_is_a_function_of_seed_and_epoch():
    assert torch.equal(order_of_epoch(1, 2, 100), order_of_epoch(1, 2, 100))
    assert not torch.equal(order_of_epoch(1, 2, 100), order_of_epoch(1, 3, 100))
    assert not torch.equal(order_of_epoch(1, 2, 100), order_of_epoch(2, 2, 100))


@given(seed=st.integers(0, 2**63 - 1))
def test_derived_seeds_fit_torch_generators(seed):
    assert 0 <= derived_seed(seed, "order", 1) < 2**63


def test_masks_drop_the_asked_share_and_keep_the_expectation():
    (mask,) = DropoutMasks(0, 0.3, (200,), CPU).draw(1, 0, 5000)
    assert (mask == 0).float().mean().item() == pytest.approx(0.3, abs=0.002)
    assert mask.mean().item() == pytest.approx(1.0, abs=0.005)
    assert mask.unique().tolist() == pytest.approx([0, 1 / 0.7], rel=1e-4)


def test_masks_are_a_function_of_seed_epoch_and_block():
    masks = DropoutMasks(3, 0.5, (8, 4), CPU)
    first = [mask.clone() for mask in masks.draw(1, 0, 16)]
    masks.draw(1, 1, 16)
    again = masks.draw(1, 0, 16)
    assert [mask.shape for mask in first] == [(16, 8), (16, 4)]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], masks.draw(2, 0, 16)[0])


def test_without_dropout_there_are_no_masks():
    assert DropoutMasks(0, 0.0, (8,), CPU).draw(1, 0, 4) == []
