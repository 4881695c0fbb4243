import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.sweeps.rungs import ETA, Rung, halve, taking_part
from tests.sweeps.test_ranking import ended


@pytest.mark.parametrize(
    ("number", "epochs", "rungs"),
    [
        (16, 30, [(16, 4), (5, 10), (1, 30)]),
        (27, 27, [(27, 1), (9, 3), (3, 9), (1, 27)]),
        (2, 30, [(2, 30)]),
        (9, 1, [(9, 1)]),
    ],
)
def test_each_rung_keeps_a_third_and_trains_three_times_as_long(number, epochs, rungs):
    assert halve(number, epochs) == tuple(Rung(*rung) for rung in rungs)


@given(number=st.integers(1, 1000), epochs=st.integers(1, 300), warmup=st.integers(0, 20))
def test_rungs_grow_in_epochs_and_shrink_in_number(number, epochs, warmup):
    rungs = halve(number, epochs, min(warmup, epochs - 1))
    assert rungs[0].number == number
    assert rungs[-1].epochs == epochs
    for one, after in itertools.pairwise(rungs):
        assert min(warmup, epochs - 1) < one.epochs < after.epochs
        assert 1 <= after.number <= max(1, one.number // ETA + 1) <= one.number


def test_the_best_of_a_rung_take_part_in_the_next_whatever_they_reached_since():
    rungs = [Rung(3, 1), Rung(1, 3)]
    figures = [(0.3,), (0.1, 0.9), (math.nan,)]
    all_ended = [
        ended(number).model_copy(update={"rungs": reached})
        for number, reached in enumerate(figures, 1)
    ]
    assert taking_part(all_ended, rungs, 0, "val_loss") == (1, 2, 3)
    assert taking_part(all_ended, rungs, 1, "val_loss") == (2,)
