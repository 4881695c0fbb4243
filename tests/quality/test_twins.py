import numpy as np
import pytest

from iovalence.quality.twins import check_twins
from tests.quality.tables import build_table

PART = np.array([0, 0, 0, 1, 2, -1], dtype=np.int8)
X = [1.0, 2.0, 3.0, 2.0, 3.0, 1.0]
LABELS = ["a", "b", "a", "b", "a", "a"]


def check(unused=(), part=PART, **columns):
    table = build_table({"y": LABELS, **columns})
    for name in unused:
        table = table.without_features([name])
    return check_twins(table, table.columns["y"].combine_chunks(), part)


def test_rows_of_two_parts_that_differ_in_unused_columns_alone_are_reported_and_stay():
    (finding,) = check(["no"], x=X, no=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert (finding.check, finding.severity, finding.count) == ("leakage.twins", "warning", 2)
    assert finding.message == (
        "no row may be in two parts, found rows that equal one of another part in all features and "
        "the label, and differ in 'no' alone: 1 of train in validation, 1 of train in test (train "
        "row 2, train row 3)"
    )
    assert [str(row) for row in finding.partners] == ["train row 4", "train row 5"]
    assert finding.done.startswith("kept")
    assert "name that column as data.id" in finding.advice


def test_where_features_hardly_tell_rows_apart_it_is_no_warning():
    few = ["p", "q", "p", "q", "p", "p"]
    (finding,) = check(["no"], x=few, no=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert finding.severity == "info"


@pytest.mark.parametrize("labels", [["a", "b", "a", "a", "b", "a"]])
def test_rows_with_other_labels_or_features_are_no_twins(labels):
    assert check(["no"], x=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], no=X) == ()
    assert check(["no"], x=X, no=X, y=labels) == ()


def test_rows_that_differ_in_a_feature_alone_or_in_nothing_else_are_not_looked_for():
    assert check(x=X, no=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == ()
