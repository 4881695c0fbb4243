import numpy as np
import pyarrow as pa

from iovalence.quality.spread import ClassCounts, spread_target
from tests.quality.tables import build_table


def test_classes_are_counted_before_and_after_the_checks_and_in_each_part():
    target = pa.array(["b", "a", "a", None, "b", "a"])
    table = build_table({"y": target}, num_rows=(5, 0, 1))
    kept = np.array([True, True, False, False, True, True])
    part = np.array([0, 1, -1, -1, 0, 2], np.int8)
    assert spread_target(table, target, kept, part).classes == (
        ClassCounts("b", 2, 2, (2, 0, 0)),
        ClassCounts("a", 2, 1, (0, 1, 1)),
    )
    assert spread_target(table, target, kept, None).classes[0] == ClassCounts("b", 2, 2)


def test_numbers_are_counted_in_ranges_over_all_that_the_train_file_has():
    target = pa.array([0.0, 1.0, 30.0, None, 99.0])
    table = build_table({"y": target}, num_rows=(4, 1, 0))
    kept = np.array([True, False, True, False, True])
    low, high, read, left = spread_target(table, target, kept, None).histogram
    assert (low, high) == (0.0, 30.0)
    assert (read[:2], read[-1], sum(read)) == ([1, 1], 1, 3)
    assert (left[:2], sum(left)) == ([1, 0], 2)
