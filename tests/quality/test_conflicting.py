import numpy as np
import pytest

from iovalence.quality.checks import check_rows
from iovalence.quality.conflicting import check_conflicting, find_alike
from iovalence.quality.section import QualitySection
from tests.quality.tables import build_table


def check(table, action="fix"):
    target = table.columns[table.schema.target].combine_chunks()
    everything = np.ones(table.num_rows, dtype=bool)
    alone = np.arange(table.num_rows)
    return check_conflicting(table, target, find_alike(table), alone, everything, action)


def torn():
    return build_table({"x": [1.0, 2.0, 1.0, 3.0, 3.0], "y": ["a", "b", "b", "a", "a"]})


def test_fix_drops_all_rows_that_contradict_each_other():
    (finding,), leaves = check(torn())
    assert leaves.tolist() == [True, False, True, False, False]
    assert (finding.severity, finding.done) == ("info", "removed all 2 rows")
    assert finding.message == (
        "rows of the train file with equal features must have one label, found 2 of 5 that "
        "contradict others (train row 1, train row 3)"
    )


@pytest.mark.parametrize(("action", "severity"), [("warn", "warning"), ("fail", "failure")])
def test_warn_and_fail_report_contradictions_and_remove_none(action, severity):
    (finding,), leaves = check(torn(), action)
    assert not leaves.any()
    assert finding.severity == severity
    assert finding.advice.endswith("or set quality.duplicates.conflicting: fix")


def test_the_rows_behind_those_that_contradict_each_other_are_told():
    table = build_table({"x": [1.0] * 9 + [2.0, 3.0], "y": ["a"] * 8 + ["b", "a", "b"]})
    checked = check_rows(
        table,
        QualitySection.model_validate({"duplicates": {"conflicting": "fix"}}),
        num_parts_split=1,
        class_weights_given=False,
    )
    (finding,) = [one for one in checked.findings if one.check == "duplicates.conflicting"]
    assert "found 2 of 4 that contradict others (9 with their copies)" in finding.message
    assert finding.severity == "warning"


def test_off_looks_for_nothing():
    assert check(torn(), "off")[0] == ()


def test_columns_that_are_no_features_do_not_tell_rows_apart():
    table = build_table({"x": [1.0, 1.0], "n": ["p", "q"], "y": ["a", "b"]})
    assert check(table)[0] == ()
    assert check(table.without_features(["n"]))[1].all()


@pytest.mark.parametrize("action", ["warn", "fix", "fail"])
def test_what_contradicts_a_given_file_is_reported_and_stays(action):
    columns = {"x": [1.0, 2.0, 1.0], "y": ["a", "b", "b"]}
    (finding,), leaves = check(build_table(columns, num_rows=(2, 0, 1)), action)
    assert not leaves.any()
    assert (finding.severity, finding.count) == ("warning", 1)
    assert "rows of the test file with equal features must have one label" in finding.message
    assert finding.message.endswith("contradict rows of any file (test row 1)")


def test_a_regression_keeps_rows_with_other_values_and_says_why():
    (finding,), leaves = check(build_table({"x": [1.0, 1.0, 2.0], "y": [1.0, 2.0, 2.0]}))
    assert not leaves.any()
    assert finding.severity == "warning"
    assert "must have one value, found 2 of 3" in finding.message
    assert finding.done == "kept: in a regression they train towards their mean"


def test_a_table_without_features_has_no_contradictions():
    assert check(build_table({"y": ["a", "b"]}))[0] == ()
