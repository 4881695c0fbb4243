"""A run compared with the one before it, from the files on."""

import json

import pytest

from iovalence.config.load import load_config
from iovalence.errors import GateError
from iovalence.quality.checks import QualityReport
from iovalence.runs.folder import ending, list_runs
from iovalence.stages.opened import open_run
from iovalence.stages.resumed import resume_run
from iovalence.stages.rows import check_alone, join_findings, make_ready, record_rows
from iovalence.stages.stored import ingest_stage
from tests.stages.test_pipeline import CONFIG, make_table


@pytest.fixture
def ready(tmp_path):
    """Return a function that does all of a run that comes before training, and ends it."""

    def do(table, *overrides, status="FINISHED"):
        loaded = load(tmp_path, table, overrides)
        ingested = ingest_stage(loaded)
        run = open_run(loaded, ingested)
        with ending(run):
            make_ready(loaded, ingested, run)
        run.close(status)
        return run

    return do


def load(folder, table, overrides=()):
    (folder / "data.csv").write_text(table)
    (folder / "config.yaml").write_text(CONFIG)
    return load_config(folder / "config.yaml", overrides)


def shifted(table, by=8.0):
    head, *lines = table.splitlines()
    cells = (line.split(",", 1) for line in lines)
    moved = [f"{float(size) + by if size else ''},{rest}" for size, rest in cells]
    return "\n".join([head, *moved]) + "\n"


def found(run):
    report = QualityReport.load(run.quality)
    return [f for f in report.findings if f.check.startswith(("drift", "expectations.inferred"))]


def test_the_same_data_twice_give_one_line_each_and_no_warning(ready):
    first, second = ready(make_table()), ready(make_table())
    assert [finding.severity for finding in (*found(first), *found(second))] == ["info", "info"]
    assert (first.manifest().compared_with, second.manifest().compared_with) == (
        None,
        first.run_id,
    )
    assert second.profile.read_bytes() == first.profile.read_bytes()
    assert json.loads(second.accepted_profile.read_text())["run_id"] == first.run_id


@pytest.mark.parametrize("seed", range(3))
def test_rows_of_the_same_kind_that_were_appended_give_no_warning(ready, seed):
    more = make_table(80, seed=100 + seed).split("\n", 1)[1]
    ready(make_table(seed=seed))
    run = ready(make_table(seed=seed) + more)
    assert run.manifest().compared_with is not None
    assert all(finding.severity == "info" for finding in found(run))


def test_data_that_moved_give_warnings_and_figures(ready):
    ready(make_table())
    run = ready(shifted(make_table(seed=1)))
    assert [finding.check for finding in found(run) if finding.severity == "warning"] == [
        "expectations.inferred.expect_column_values_to_be_between",
        "drift",
    ]
    assert json.loads(run.drift.read_text())["measures"][0]["column"] == "size"


def test_a_gate_that_is_not_met_leaves_the_run_before_as_the_accepted_one(ready, tmp_path):
    first = ready(make_table())
    with pytest.raises(GateError, match=r"quality\.drift: distributions must be as in run"):
        ready(shifted(make_table(seed=1)), "quality.drift=fail")
    failed = list_runs(tmp_path / ".iovalence")[0]
    assert (failed.manifest().status, failed.drift.is_file()) == ("FAILED", True)
    assert ready(make_table(seed=2)).manifest().compared_with == first.run_id


def test_a_run_with_another_target_is_not_compared(ready):
    ready(make_table())
    run = ready(make_table(), "data.target=colour")
    assert "predicts 'colour' has met all its gates" in found(run)[0].message


def test_a_check_alone_compares_with_the_last_accepted_run(ready, tmp_path):
    ready(make_table())
    loaded = load(tmp_path, shifted(make_table(seed=1)))
    checks = {finding.check for finding in join_findings(check_alone(loaded)).findings}
    assert {"drift", "expectations.inferred.expect_column_values_to_be_between"} <= checks


def test_a_run_that_goes_on_is_compared_with_the_same_run(ready, tmp_path):
    first = ready(make_table())
    cut_off = ready(make_table(seed=1), status="KILLED")
    before = cut_off.quality.read_bytes()
    ready(make_table(seed=2))
    loaded = load(tmp_path, make_table(seed=1))
    ingested = ingest_stage(loaded)
    resume_run(loaded, cut_off, ingested)
    stages = make_ready(loaded, ingested, cut_off)
    assert cut_off.manifest().compared_with == first.run_id
    record_rows(loaded, cut_off, make_ready(loaded, ingested))
    assert cut_off.manifest().compared_with == first.run_id
    assert cut_off.quality.read_bytes() == before
    assert stages.checks.compared.compared.reused


def test_a_run_of_a_sweep_keeps_what_its_sweep_was_compared_with(ready, tmp_path):
    first = ready(make_table())
    loaded = load(tmp_path, make_table(seed=1))
    ingested = ingest_stage(loaded)
    stages = make_ready(loaded, ingested)
    run = open_run(loaded, ingested, sweep_id="s")
    record_rows(loaded, run, stages)
    assert run.manifest().compared_with == first.run_id
    assert {run.profile.is_file(), run.accepted_profile.is_file(), run.drift.is_file()} == {True}
    assert {"profile", "comparison"} <= set(run.manifest().stages)


def test_with_both_off_the_profile_is_kept_for_the_next_run(ready):
    off = ("quality.drift=off", "quality.expectations.inferred=off")
    first = ready(make_table(), *off)
    assert found(first) == []
    assert ready(make_table()).manifest().compared_with == first.run_id
