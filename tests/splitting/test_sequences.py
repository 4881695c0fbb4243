"""Sequences are split whole, and each counts once."""

import numpy as np
import pytest

from iovalence.data.section import DataSection
from iovalence.data.sequences import find_sequences
from iovalence.errors import DataError
from iovalence.quality.section import QualitySection
from iovalence.quality.sequences import check_sequences
from iovalence.splitting.sequences import split_sequences
from tests.quality.test_sequences import make_table


def split(rows, seed=0, exact="fix", **settings):
    table = make_table(rows)
    checked = check_sequences(
        table,
        QualitySection(duplicates={"exact": exact}),
        num_parts_split=3,
        class_weights_given=False,
        max_length=None,
    )
    section = DataSection(train_file="some", group="who", time="at", **settings)
    kept = find_sequences(table).keep(checked.keep)
    part = split_sequences(table, checked, section, seed, kept)
    parts = [{part[row] for row in range(len(rows)) if rows[row][0] == who} for who in names(rows)]
    assert all(len(some) == 1 for some in parts)
    return dict(zip(names(rows), (int(some.pop()) for some in parts), strict=True))


def names(rows):
    return [*dict.fromkeys(row[0] for row in rows)]


def make_rows(num=40, seed=0):
    """Make sequences of very different lengths, every fourth of class yes."""
    generator = np.random.default_rng(seed)
    return [
        (f"g{number}", at, float(generator.normal()), "no" if number % 4 else "yes")
        for number in range(num)
        for at in range(1 + 30 * (number % 7 == 0))
    ]


@pytest.mark.parametrize("method", [None, "group"])
def test_parts_have_the_shares_asked_for_of_sequences_of_each_class(method):
    parts = split(make_rows(), split=method, validation_split=0.25, test_size=0.25)
    counts = np.bincount([*parts.values()])
    assert counts.tolist() == [20, 10, 10]
    yes = np.bincount([part for name, part in parts.items() if int(name[1:]) % 4 == 0])
    assert sorted(yes[1:]) == [2, 3]


def test_copies_that_stay_are_in_one_part():
    rows = make_rows()
    copies = [(f"copy of {who}", *rest) for who, *rest in rows]
    for seed in range(3):
        parts = split([*rows, *copies], seed=seed, exact="warn")
        assert all(parts[f"copy of {who}"] == parts[who] for who in names(rows))


def test_by_hash_a_sequence_keeps_its_part_as_it_and_the_table_grow():
    before = split(make_rows(), split="hash", validation_split=0.3, test_size=0.3)
    grown = [*make_rows(60), *((f"g{number}", 99, 0.5, None) for number in range(20))]
    after = split(grown, split="hash", validation_split=0.3, test_size=0.3)
    assert before.items() <= after.items()


def test_fewer_sequences_than_parts_are_refused():
    rows = [("a", 1, 5.0, "no"), ("a", 2, 5.0, "no"), ("b", 1, 5.0, "yes")]
    with pytest.raises(DataError, match="at least 3 different sequences, one for each part"):
        split(rows)
