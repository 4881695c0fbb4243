import numpy as np
import pytest

from iovalence.quality.drift import (
    compute_psi,
    compute_tv,
    count_groups,
    find_moved,
    measure_drift,
    report_drift,
)
from iovalence.quality.profile import Categories, build_profile
from iovalence.quality.section import DriftCheck
from tests.quality.tables import build_table


def make_rows(seed, num_rows=400, shift=0.0, share=0.5, positive=0.3, num_columns=1):
    generator = np.random.default_rng(seed)
    columns = {f"n{at}": generator.normal(shift, 1, num_rows) for at in range(num_columns)}
    columns["colour"] = np.where(generator.random(num_rows) < share, "red", "blue").tolist()
    columns["y"] = np.where(generator.random(num_rows) < positive, "yes", "no").tolist()
    return columns


def measures(now, before, section=None):
    now, before = build_profile(build_table(now)), build_profile(build_table(before))
    return measure_drift(now, before, section or DriftCheck())


def report(now, before, **section):
    section = DriftCheck(**section)
    return report_drift(measures(now, before, section), "y", "r1", section)


def test_rows_of_the_same_kind_have_moved_no_more_often_than_alpha_says():
    pairs = [(make_rows(seed, 300), make_rows(1000 + seed)) for seed in range(100)]
    alarms = sum(bool(report(now, before)) for now, before in pairs)
    assert alarms <= 5  # 1 is expected of alpha 0.01; more than 5 in one of a thousand such tests


def test_each_kind_of_column_that_moved_is_named_the_most_moved_first():
    (finding,) = report(make_rows(1, shift=1.0, share=0.8), make_rows(2))
    assert (finding.check, finding.severity, finding.count) == ("drift", "warning", 2)
    assert finding.share == 1.0
    assert set(finding.columns) == {"n0", "colour"}
    assert finding.message.startswith(
        "distributions must be as in run r1, found 2 of 2 columns to have moved: 'n0' PSI "
    )
    assert "; 'colour' TV 0.2" in finding.message
    assert "Holm's correction of 4 tests, alpha 0.01" in finding.message


def test_the_target_has_a_line_of_its_own():
    (finding,) = report(make_rows(1, positive=0.6), make_rows(2))
    assert (finding.check, finding.count) == ("drift.target", 1)
    assert "found the target to have moved: 'y' TV 0.3" in finding.message


def test_a_target_of_numbers_moves_as_numbers_do():
    before, now = make_rows(1), make_rows(2)
    before["y"], now["y"] = before["n0"], now["n0"] + 1
    (finding,) = report(now, before)
    assert "'y' PSI" in finding.message


def test_of_many_columns_five_are_named():
    now = make_rows(1, shift=1.0, num_columns=12)
    (finding,) = report(now, make_rows(2, num_columns=12))
    assert finding.count == 12
    assert finding.message.count("PSI") == 5
    assert "; and 7 more (" in finding.message


def test_fail_makes_a_failure():
    (finding,) = report(make_rows(1, shift=1.0), make_rows(2), action="fail")
    assert finding.severity == "failure"


def test_what_is_significant_in_many_rows_but_small_has_not_moved():
    now, before = make_rows(1, 50_000, shift=0.1, share=0.54), make_rows(2, 50_000)
    found = measures(now, before)
    assert min(one.adjusted_p for one in found if one.column in ("n0", "colour")) < 1e-6
    assert find_moved(found) == []


def test_what_is_large_in_few_rows_but_not_significant_has_not_moved():
    found = measures(make_rows(1, 12, shift=0.6), make_rows(2, 12))
    assert any(one.value >= one.limit for one in found)
    assert find_moved(found) == []


def test_a_wider_spread_is_found_though_the_middle_is_the_same():
    now, before = make_rows(1, 1000), make_rows(2, 1000)
    now["n0"] = now["n0"] * 2
    (finding,) = report(now, before)
    assert "'n0' PSI" in finding.message


def test_the_limit_of_psi_is_the_users():
    now, before = make_rows(1, 1000), make_rows(2, 1000)
    now["n0"] = now["n0"] * 1.6
    for limit, moved in ((0.2, True), (5.0, False)):
        psi = next(m for m in measures(now, before, DriftCheck(psi=limit)) if m.statistic == "PSI")
        assert psi.moved == moved


def test_a_constant_that_is_another_one_has_moved():
    now, before = make_rows(1), make_rows(2)
    now["n0"], before["n0"] = [5.0] * 400, [4.0] * 400
    (finding,) = report(now, before)
    assert "'n0' KS 1.00" in finding.message
    assert find_moved(measures(before, before)) == []


@pytest.mark.parametrize("values", [[np.nan] * 400, ["word"] * 400])
def test_a_column_without_values_or_of_another_kind_is_not_measured(values):
    now = make_rows(1)
    now["n0"] = values
    assert {one.column for one in measures(now, make_rows(2))} == {"colour", "y"}


def test_one_row_has_not_moved():
    one_row = {name: values[:1] for name, values in make_rows(1).items()}
    assert find_moved(measures(one_row, make_rows(2))) == []
    assert find_moved(measures(make_rows(2), one_row)) == []


def test_another_spelling_of_the_labels_is_no_drift():
    now = make_rows(1)
    now["y"] = [f"{label.upper()}." for label in now["y"]]
    assert find_moved(measures(now, make_rows(2))) == []


def test_rare_categories_in_each_table_are_no_drift():
    now, before = make_rows(1), make_rows(2)
    now["colour"], before["colour"] = ([f"{name}{at}" for at in range(400)] for name in "ab")
    (only,) = (one for one in measures(now, before) if one.column == "colour")
    assert (only.value, only.moved) == (0.0, False)


def test_a_category_unknown_to_a_table_that_kept_only_its_frequent_ones_may_be_a_rare_one():
    now, before = Categories(counts={"a": 6, "z": 4}), Categories(counts={"a": 5}, num_rest=7)
    ours, theirs = count_groups(now, before)
    assert (ours.tolist(), theirs.tolist()) == ([6, 4], [5, 7])


def test_the_figures_are_those_of_their_definitions():
    assert compute_tv(np.array([8.0, 2.0]), np.array([50.0, 50.0])) == pytest.approx(0.3)
    many = 1e9
    psi = compute_psi(many * np.array([0.8, 0.2]), many * np.array([0.5, 0.5]))
    assert psi == pytest.approx(0.3 * np.log(0.8 / 0.5) - 0.3 * np.log(0.2 / 0.5))
    assert np.isfinite(compute_psi(np.array([0.0, 9.0]), np.array([9.0, 0.0])))
