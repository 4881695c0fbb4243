import pytest

from iovalence.quality.comparison import Accepted, belongs_to_comparison, compare_table
from iovalence.quality.profile import build_profile
from iovalence.quality.section import QualitySection
from tests.quality.tables import build_table


def make_table(shift=0.0):
    sizes = [shift + at % 97 / 10 for at in range(300)]
    return build_table({"size": sizes, "y": ["a", "b", "b"] * 100})


def compare(table, accepted=None, **section):
    accepted = accepted or Accepted(run_id="r1", profile=build_profile(make_table()))
    return compare_table(table, build_profile(table), accepted, QualitySection(**section))


def test_a_table_that_is_as_before_has_one_line_and_its_figures():
    found = compare(make_table())
    (finding,) = found.findings
    assert (finding.check, finding.severity) == ("drift", "info")
    assert finding.message == ("the table must be as that of run r1, the last accepted one, and is")
    assert (found.drift.compared_with, found.drift.correction) == ("r1", "Holm (1979)")
    assert [one.statistic for one in found.drift.measures] == ["PSI", "KS", "TV"]


def test_without_an_accepted_run_one_line_says_so():
    found = compare(make_table(), Accepted())
    (finding,) = found.findings
    assert finding.severity == "info"
    assert finding.message == (
        "no earlier run of this experiment that predicts 'y' has met all its gates: this table "
        "is compared with none"
    )
    assert found.drift is None


def test_what_could_not_be_used_is_a_warning():
    found = compare(make_table(), Accepted(run_id="r1", notes=("run r1 is damaged",)))
    (finding,) = found.findings
    assert (finding.severity, finding.message) == ("warning", "run r1 is damaged")


@pytest.mark.parametrize(
    ("section", "check", "keys"),
    [
        ({"drift": "fail"}, "drift", "--set quality.drift=warn for"),
        (
            {"expectations": {"inferred": "fail"}},
            "expectations.inferred",
            "--set quality.expectations.inferred=warn for",
        ),
        (
            {"drift": "fail", "expectations": {"inferred": "fail"}},
            "drift",
            "--set quality.drift=warn --set quality.expectations.inferred=warn for",
        ),
    ],
)
def test_a_gate_that_cannot_be_judged_is_not_met(section, check, keys):
    (finding,) = compare(make_table(), Accepted(notes=("r1 is gone", "r0")), **section).findings
    assert (finding.check, finding.severity) == (check, "failure")
    assert finding.message == (
        "the table must be compared with the last accepted run, found none to read: r1 is gone "
        "(and 1 more)"
    )
    assert keys in finding.advice


def test_a_gate_without_any_earlier_run_is_met():
    (finding,) = compare(make_table(), Accepted(), drift="fail").findings
    assert finding.severity == "info"


def test_expectations_come_before_drift():
    found = compare(make_table(shift=20.0))
    assert [finding.check for finding in found.findings] == [
        "expectations.inferred.expect_column_values_to_be_between",
        "drift",
    ]


@pytest.mark.parametrize(
    ("section", "checks"),
    [
        ({"drift": "off"}, {"expectations.inferred.expect_column_values_to_be_between"}),
        ({"expectations": {"inferred": "off"}}, {"drift"}),
        ({"expectations": "off", "drift": "off"}, set()),
    ],
)
def test_off_does_not_look(section, checks):
    found = compare(make_table(shift=20.0), **section)
    assert {finding.check for finding in found.findings} == checks


def test_its_findings_are_told_from_those_of_other_checks():
    told = [belongs_to_comparison(check) for check in ("drift.target", "expectations.expect_a")]
    assert told == [True, False]
