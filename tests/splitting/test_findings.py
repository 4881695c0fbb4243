import numpy as np

from iovalence.data.section import DataSection
from iovalence.quality.checks import check_rows
from iovalence.quality.section import QualitySection
from iovalence.splitting.findings import check_split
from tests.quality.tables import build_table


def find(part, labels, *, group=None, **data):
    numbers = np.arange(float(len(labels)))
    columns = {"x": numbers, "y": labels} | ({"g": group} if group else {})
    table = build_table(columns, group="g" if group else None)
    checked = check_rows(table, QualitySection(), num_parts_split=3, class_weights_given=False)
    section = DataSection(train_file="x", group="g" if group else None, **data)
    return check_split(table, checked, np.array(part, dtype=np.int8), section)


LABELS = ["a", "b"] * 50
EXACT = [0] * 70 + [1] * 15 + [2] * 15


def test_a_split_that_has_what_was_asked_reports_nothing():
    assert find(EXACT, LABELS) == ()


def test_the_deviation_of_a_hash_is_reported_in_rows_and_shares():
    (finding,) = find([0] * 66 + [1] * 18 + [2] * 16, LABELS, split="hash")
    assert (finding.check, finding.severity, finding.count) == ("split.deviation", "info", 4)
    assert "train 66.0% for 70.0%, validation 18.0% for 15.0%, test 16.0%" in finding.message


def test_a_part_that_is_far_off_is_a_warning():
    (finding,) = find([0] * 80 + [1] * 5 + [2] * 15, LABELS, split="hash")
    assert finding.severity == "warning"
    assert finding.advice


def test_a_class_that_a_part_is_without_is_named():
    labels = ["c", "c", "c"] + ["a", "b"] * 48 + ["a"]
    _, finding = find(EXACT, labels, split="hash")
    assert (finding.check, finding.severity, finding.count) == ("split.missing_class", "warning", 1)
    assert "validation is without 'c' (3); test is without 'c' (3)" in finding.message


def test_a_class_that_is_far_off_is_a_warning():
    labels = ["b"] * 70 + ["a"] * 30
    found = find(EXACT, labels, split="hash")
    assert found[0].severity == "warning"
    assert "'a' with 0 rows in train for 21" in found[0].message


def test_rows_without_a_group_are_reported():
    groups = [None, None, *(f"g{at}" for at in range(98))]
    finding, _ = find(EXACT, LABELS, group=groups, split="group")
    assert (finding.check, finding.count) == ("split.group", 2)
    assert "found 2 without (train row 1, train row 2)" in finding.message
