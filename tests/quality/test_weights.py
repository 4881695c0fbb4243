"""Weights that nothing can be learned from are told before training."""

import numpy as np
import pytest

from iovalence.data.table import Table
from iovalence.errors import DataError
from iovalence.quality.weights import check_weighing
from tests.quality.tables import build_table

PART = np.array([0, 0, 0, 0, 1, -1], np.int8)


def weigh(weights, labels="aabbab", **options):
    table = build_table({"w": weights, "y": [*labels]}, **options)
    roles = {"w": "weight"}
    columns = [
        column.model_copy(update={"role": roles.get(column.name, column.role)})
        for column in table.schema.columns
    ]
    schema = table.schema.model_copy(update={"columns": tuple(columns)})
    target = table.columns["y"].combine_chunks()
    return check_weighing(Table(schema, table.columns), target, PART)


def test_weights_that_say_something_of_each_class_are_fine():
    assert weigh([1.0, 0.0, 2.0, 0.0, 1.0, 0.0]) == ()


@pytest.mark.parametrize("weights", [[0.0] * 4 + [1.0, 1.0], [1.0] * 4 + [0.0, 1.0], [1e300] * 6])
def test_a_part_that_weighs_nothing_or_too_much_is_refused(weights):
    with pytest.raises(DataError, match="weights of each part must sum to a number > 0"):
        weigh(weights)


def test_one_class_alone_that_weighs_is_refused():
    with pytest.raises(DataError, match=r"weigh something in 'w', got 0 throughout for 'b' \(2\)"):
        weigh([1.0, 1.0, 0.0, 0.0, 1.0, 1.0])


def test_a_class_among_others_that_weighs_nothing_is_a_warning():
    (finding,) = weigh([1.0, 0.0, 1.0, 1.0, 1.0, 1.0], "abccab")
    assert (finding.severity, finding.count) == ("warning", 1)
    assert "found 1 without: 'b' (1) (train row 2)" in finding.message


def test_numbers_have_no_classes_to_weigh():
    assert weigh([1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == ()
