"""What the checks leave for people: the page, and the rows that left."""

import json
from pathlib import Path

import pytest

from iovalence.config.load import load_config
from iovalence.errors import DataError, GateError
from iovalence.runs.folder import list_runs
from iovalence.stages.rows import check_alone, save_checks
from tests.reporting.pages import Page
from tests.stages.test_pipeline import CONFIG

EVIL = """"</td><script>alert('&')</script>\u202e" """.strip()
ROWS = [f"{number * 1.37:.2f},{'rgb'[number % 3]},{'ab'[number % 2]}" for number in range(200)]
COPIED = "\n".join(["size,colour,label", *ROWS, *ROWS[:3]]) + "\n"


def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def test_a_run_has_the_page_of_its_checks_and_its_report_leads_there(project):
    run = project(COPIED, CONFIG).run
    page = read(run.quality_page)
    assert "rows read 203 kept 200 left out 3" in page.text
    assert "train row 201 equals train row 1" in page.text
    assert "Train 140 (70.0 %) Validation 30 (15.0 %) Test 30 (15.0 %)" in page.text
    assert "quality.html" in read(run.report).links
    assert "quality.html" in run.manifest().files


def test_the_page_is_there_too_when_a_check_ends_the_run(project):
    with pytest.raises(GateError, match=r"duplicates\.exact"):
        project(COPIED, CONFIG + "quality: {duplicates: fail}\n")
    (run,) = list_runs(project.workspace)
    text = read(run.quality_page).text
    assert "1 check failed, so nothing is trained." in text
    assert "To have it put right: quality: {duplicates: {exact: fix}}" in text
    fine, passed = text.split("Looked at and found fine")[1].split("Not looked at")
    for name in ("drift", "expectations.inferred", "labels.errors"):
        assert name not in fine
        assert name in passed
    assert passed.count("was not done: a check before it failed") == 3
    assert "Columns" in text
    assert "size numeric, feature 0 % 200 0 to 272.6" in text


def test_checks_alone_leave_page_and_rows_beside_each_other(project):
    project.write(COPIED, CONFIG)
    loaded, told = load_config(project.path), []
    found = check_alone(loaded, lambda output: told.append(output.stage))
    folder = save_checks(loaded, found)
    assert told == ["table", "checks", "comparison", "suspects", "split", "parts"]
    assert folder.root == project.workspace / "checks" / "config"
    assert len(folder.removed_rows.read_text().splitlines()) == 1 + 3
    assert "3 rows, the first of each kind stays" in read(folder.quality_page).text
    assert not list_runs(project.workspace)


def test_a_column_that_the_checks_left_out_is_not_called_used(project):
    rows = [f"{row},{'pq'[number % 2]}" for number, row in enumerate(ROWS)]
    fix = CONFIG + "quality: {leakage: {target: fix}}\n"
    run = project("\n".join(["size,colour,label,code", *rows]) + "\n", fix).run
    used, unused = read(run.report).text.split("Columns not used")
    assert "1 categorical column: colour" in used
    assert "code the checks left it out" in unused


def test_a_first_table_is_compared_with_none_and_that_is_not_called_fine(project):
    project.write("\n".join(["size,colour,label", *ROWS[:40]]) + "\n", CONFIG)
    loaded = load_config(project.path)
    text = read(save_checks(loaded, check_alone(loaded)).quality_page).text
    fine, passed = text.split("Looked at and found fine")[1].split("Not looked at")
    assert "drift" not in fine
    assert passed.count("compares with the last accepted run, and there is none yet") == 2
    assert "were not looked for: it takes 50 rows at least, found 40" in passed


def test_a_split_by_time_shows_the_times_of_its_parts(project):
    rows = [f"{row},2024-01-{1 + number % 28:02d}" for number, row in enumerate(ROWS)]
    config = CONFIG.replace("data: {", "data: {split: time, time: when, ")
    assert config != CONFIG
    project.write("\n".join(["size,colour,label,when", *rows]) + "\n", config)
    loaded = load_config(project.path)
    text = read(save_checks(loaded, check_alone(loaded)).quality_page).text
    assert "%) 2024-01-01 to 2024-01-" in text
    assert "to 2024-01-28" in text


def test_a_hostile_table_cannot_break_the_page(project):
    quoted = '"' + EVIL.strip('"').replace('"', '""') + '"'
    rows = [f"{number},{quoted if number % 2 else 'no'},{'x' * 500}" for number in range(40)]
    lines = [f"{quoted},label,{'long' * 99}", *rows, rows[1], rows[2]]
    project.write("\n".join(lines) + "\n", CONFIG + "quality: {duplicates: warn}\n")
    loaded = load_config(project.path)
    page = read(save_checks(loaded, check_alone(loaded)).quality_page)
    assert "script" not in page.tags
    assert page.text.count("<script>alert('&')</script>") >= 4
    assert "x" * 100 not in page.text


def test_checks_that_end_early_leave_nothing_old(project):
    project.write(COPIED, CONFIG)
    loaded = load_config(project.path)
    folder = save_checks(loaded, check_alone(loaded))
    project.write("size,label\n1,a\n2,a\n", CONFIG)
    with pytest.raises(DataError, match="two values at least"):
        check_alone(load_config(project.path))
    assert not [path for path in folder.root.iterdir() if path.name != "label_review.csv"]


def test_what_was_not_understood_when_reading_is_told(project):
    project.write(COPIED.replace("1.37,", "abc,", 1), CONFIG)
    loaded = load_config(project.path)
    folder = save_checks(loaded, check_alone(loaded))
    (note, *_) = json.loads(folder.quality.read_text())["notes"]
    assert note.startswith("column 'size': 1 of 203 values in data.train_file that are not numeric")
