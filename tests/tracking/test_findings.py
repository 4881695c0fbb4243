"""What MLflow is told of the data checks."""

import pytest

from iovalence.evaluation.mistakes import Mistake, Mistakes, PartMistakes
from iovalence.quality.checks import QualityReport
from iovalence.quality.findings import Finding, RowNumber
from iovalence.tracking.artifacts import outgoing
from iovalence.tracking.findings import count_findings, name_findings


def find(check, severity):
    return Finding(check=check, severity=severity, count=1, share=0.1, message="")


def note(run, *findings):
    counts = QualityReport.load(run.quality).counts
    QualityReport(findings=findings, counts=counts).save(run.quality)


def test_rows_and_findings_are_counted_and_named(place):
    note(place.run, find("b", "warning"), find("a", "warning"), find("c", "info"))
    assert count_findings(place.run) == {
        "data_rows_read": 201.0,
        "data_rows_removed": 1.0,
        "data_warnings": 2.0,
        "data_failures": 0.0,
    }
    assert name_findings(place.run) == {
        "iovalence.data_warnings": "a, b",
        "iovalence.data_failures": "none",
    }


def test_a_run_that_was_not_checked_has_none(place):
    place.run.quality.unlink()
    assert (count_findings(place.run), name_findings(place.run)) == ({}, {})


def test_runs_are_found_by_what_the_checks_warned_of_also_when_these_ended_them(place, client):
    note(place.run, find("balance", "warning"), find("labels.rare", "failure"))
    place.run.metrics.unlink()
    published = place.publish()
    filters = "tags.`iovalence.data_warnings` LIKE '%balance%' and metrics.data_failures > 0"
    (run,) = client.search_runs([published.experiment_id], filters)
    assert run.info.run_id == published.mlflow_run_id
    place.run.tracking.unlink()
    place.publish()
    assert len(client.get_metric_history(run.info.run_id, "data_rows_read")) == 1


@pytest.mark.parametrize("rows", ["none", "numbers", "full"])
def test_the_page_leaves_with_as_much_of_rows_as_may_leave(place, tmp_path, rows):
    whole = place.run.quality_page.read_text()
    leaving = {one.name: one.path for one in outgoing(place.run, rows, tmp_path)}
    if rows == "none":
        assert "quality.html" not in leaving
        return
    sent = leaving["quality.html"].read_text()
    assert "train row 201" in sent
    assert "2020-01-04" in whole
    assert ("2020-01-04" in sent) == (rows == "full")


@pytest.mark.parametrize("rows", ["none", "numbers", "full"])
def test_mistakes_leave_with_as_much_of_rows_as_may_leave(place, tmp_path, rows):
    row = RowNumber(source="train", row=7)
    worst = Mistake(row=row, given="ill", predicted="well", prob_predicted=0.9, error=2.3)
    part = PartMistakes(part="test", num_rows=9, num_wrong=1, mistakes=(worst,))
    Mistakes(parts=(part,)).save(place.run.mistakes)
    place.run.report.write_text("<p>train row 7<!--values-->ill<!--/values--></p><!--withheld-->")
    leaving = {one.name: one.path for one in outgoing(place.run, rows, tmp_path)}
    if rows == "none":
        assert not {"mistakes.json", "report.html"} & set(leaving)
        return
    for name, number in (("mistakes.json", '"row": 7'), ("report.html", "train row 7")):
        sent = leaving[name].read_text()
        assert number in sent
        assert ("ill" in sent) == (rows == "full")
        assert "0.9" not in sent or rows == "full"
