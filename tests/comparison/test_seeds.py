"""How much of a difference the seed alone explains."""

import math

import pytest

from iovalence.comparison.compare import compare_runs
from iovalence.comparison.seeds import find_siblings, measure_spread
from iovalence.comparison.side import open_sides


def test_siblings_are_the_runs_that_differ_in_nothing_but_the_seed(trained):
    side, _ = open_sides([trained["first"], trained["faster"]])
    found = {run.run_id for run in find_siblings(side)}
    assert found == {trained[name].run_id for name in ("first", "seed_1", "seed_2")}


def test_a_run_on_another_device_is_no_sibling(trained, altered):
    altered.update(seed=3, device="cuda")
    side, _ = open_sides([trained["first"], trained["faster"]])
    assert altered.run_id not in {run.run_id for run in find_siblings(side)}


def test_the_spread_of_siblings_stands_beside_the_difference(trained):
    (pair,) = compare_runs([trained["first"], trained["faster"]]).pairs
    accuracy = pair.metrics[0]
    assert (len(accuracy.seeds.first), len(accuracy.seeds.other)) == (3, 1)
    assert accuracy.first in [pytest.approx(value) for value in accuracy.seeds.first]
    assert not [note for note in pair.notes if "seed" in note]


def test_without_siblings_the_seed_is_said_to_be_unknown(trained):
    (pair,) = compare_runs([trained["grown"], trained["faster"]]).pairs
    assert all(one.seeds is None for one in pair.metrics)
    assert pair.notes[0] == ("one seed each: the seed alone moves each metric by an unknown amount")


def figures(*values):
    return [{"accuracy": value} for value in values]


def test_the_deviation_is_pooled_over_both_families():
    found = measure_spread(
        figures(0.8, 0.9), figures(0.5, 0.6, 0.7), "accuracy", is_one_family=False
    )
    assert found.deviation == pytest.approx(math.sqrt((0.005 + 0.02) / 3))
    assert found.limit == pytest.approx(3.182 * math.sqrt(2) * found.deviation)


def test_a_family_that_both_belong_to_counts_once():
    both = figures(0.8, 0.9, 1.0)
    found = measure_spread(both, both, "accuracy", is_one_family=True)
    assert found.deviation == pytest.approx(0.1)
    assert found.limit == pytest.approx(4.303 * math.sqrt(2) * 0.1)


def test_two_runs_alone_give_a_spread_and_no_limit():
    found = measure_spread(figures(0.8, 0.9), figures(0.5), "accuracy", is_one_family=False)
    assert found.limit is None


def test_one_run_each_gives_nothing():
    assert measure_spread(figures(0.8), figures(0.5), "accuracy", is_one_family=False) is None
