"""Labels that a run doubts are decided by a person, and the next run does as decided."""

import csv
import json
import random

import pytest

from iovalence.config.load import load_config
from iovalence.errors import ConfigError, DataError, GateError
from iovalence.quality.checks import QualityReport
from iovalence.reproduction.review import locate_review
from iovalence.runs.folder import ending, list_runs
from iovalence.runs.manifest import hash_file
from iovalence.stages.opened import open_run
from iovalence.stages.resumed import resume_run
from iovalence.stages.rows import check_alone, make_ready, save_checks
from iovalence.stages.stored import ingest_stage
from iovalence.tracking.artifacts import outgoing
from tests.stages.conftest import run_stages

CONFIG = "data: {train_file: data.csv}\ntraining: {epochs: 2, verbose: false}\n"
FIX = "quality.labels={errors: fix, review_file: review.csv}"
WRONG = (5, 50, 95)


def make_table():
    """Return rows of two classes that are far apart, three of them with the wrong label."""
    rng = random.Random(4)
    lines = ["size,weight_kg,label"]
    for number in range(1, 121):
        is_large = number % 2 == 0
        size = rng.gauss(9 if is_large else 1, 0.5)
        label = "large" if is_large != (number in WRONG) else "small"
        lines.append(f"{size:.4f},{size / 2:.4f},{label}")
    return "\n".join(lines) + "\n"


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def check(config, *overrides, resume=None):
    """Do all that comes before training, in a run."""
    loaded = load_config(config, overrides)
    ingested = ingest_stage(loaded)
    if resume is not None:
        resume_run(loaded, resume, ingested)
    run = resume or open_run(loaded, ingested)
    with ending(run):
        make_ready(loaded, ingested, run)
    return run


def decide(run, path, decisions):
    """Fill in the review file of a run as a person does, by row number."""
    lines = list(csv.reader(run.label_review.read_text().splitlines()))
    for line in lines[1:]:
        line[5] = decisions.get(int(line[1]), line[5])
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(lines)


@pytest.fixture
def doubted(project):
    """Return a run with the default action."""
    project.write(make_table(), CONFIG)
    return check(project.path)


def findings(run):
    found = json.loads(run.quality.read_text())["findings"]
    return [one for one in found if one["check"] == "labels.errors"]


def test_decisions_are_applied_recorded_and_not_asked_again(project, doubted):
    assert {int(line["row"]) for line in read(doubted.label_review)} == set(WRONG)
    assert not doubted.changed_labels.exists()
    decide(doubted, project.folder / "review.csv", {5: "small", 50: "drop"})
    fixed = run_stages(project.path, (FIX,)).run
    assert read(fixed.changed_labels) == [
        {"source": "train", "row": "5", "from": "large", "to": "small", "reason": "labels.errors"}
    ]
    assert [(one["row"], one["reason"]) for one in read(fixed.removed_rows)] == [
        ("50", "labels.errors")
    ]
    applied, left = findings(fixed)
    assert applied["done"].startswith("kept 0, left out 1, changed the label of 1")
    assert hash_file(project.folder / "review.csv")[:12] in applied["message"]
    assert left["count"] == 1
    lines = [(one["row"], one["decision"]) for one in read(fixed.label_review)]
    assert lines[0] == ("95", "")
    assert sorted(lines[1:]) == [("5", "small"), ("50", "drop")]


def test_the_next_review_begins_where_the_last_ended(project, doubted):
    decide(doubted, project.folder / "review.csv", {5: "keep"})
    second = check(project.path, FIX)
    decide(second, project.folder / "review.csv", {50: "keep", 95: "keep"})
    third = check(project.path, FIX)
    assert findings(third)[0]["done"].startswith("kept 3, left out 0")
    assert findings(third)[1]["count"] == 0


def test_a_gate_stops_at_labels_that_nobody_decided_on(project, doubted):
    gate = FIX.replace("fix", "fail")
    decide(doubted, project.folder / "review.csv", {5: "keep", 50: "drop"})
    with pytest.raises(
        GateError, match=r"quality\.labels\.errors: .*found 1 of 119 .*train row 95"
    ):
        check(project.path, gate)
    (stopped, _) = list_runs(project.workspace)
    assert next(one["row"] for one in read(stopped.label_review)) == "95"
    decide(stopped, project.folder / "review.csv", {95: "drop"})
    assert check(project.path, gate).removed_rows.exists()


def test_a_review_that_would_not_be_applied_is_refused(project, doubted):
    with pytest.raises(ConfigError, match=r"must be fix or fail with a review_file, .* got warn"):
        load_config(project.path, ("quality.labels.review_file=review.csv",))


def test_a_review_file_that_is_not_there_is_named(project, doubted):
    with pytest.raises(
        DataError, match=r"review_file must name a file, found none \(.*review.csv\)"
    ):
        check(project.path, FIX)


def test_a_run_goes_on_with_the_review_that_it_began_with_alone(project, doubted):
    review = project.folder / "review.csv"
    decide(doubted, review, {5: "drop"})
    run = check(project.path, FIX)
    decide(doubted, review, {5: "keep"})
    with pytest.raises(ConfigError, match="review_file must be what was read then"):
        check(project.path, FIX, resume=run)


def test_the_review_of_a_run_is_found_again_or_named(project, doubted):
    review = project.folder / "review.csv"
    decide(doubted, review, {5: "drop"})
    run = check(project.path, FIX, "run.keep_data=copy")
    section = load_config(project.path, (FIX,)).config.quality

    def locate():
        return locate_review(run, run.manifest(), section, (project.folder,))

    assert locate().differences == () == locate().notes
    review.write_text(review.read_text().replace("drop", "keep"))
    assert "review.csv is another than it was; the run's own copy" in locate().notes[0]
    (run.data / "review" / "review.csv").unlink()
    (difference,) = locate().differences
    assert difference.cause == "data"
    assert difference.what == f"quality.labels.review_file {review}"
    review.unlink()
    assert (locate().section, locate().differences[0].now) == (None, "gone")


def test_labels_are_looked_at_once_for_runs_of_other_networks(project, doubted):
    loaded = load_config(project.path, ("training.layers=[8]", "training.epochs=7"))
    assert make_ready(loaded, ingest_stage(loaded)).checks.suspected.reused


def test_values_of_doubted_rows_do_not_leave_for_the_tracking_server(doubted, tmp_path):
    sent = {one.name: one.path for one in outgoing(doubted, "numbers", tmp_path)}
    lines = sent["label_review.csv"].read_text().splitlines()
    assert lines[0] == "source,row"
    assert {line.split(",")[0] for line in lines[1:]} == {"train"}
    assert "label_review.csv" not in {one.name for one in outgoing(doubted, "none", tmp_path)}


def check_only(config, *overrides):
    loaded = load_config(config, overrides)
    return save_checks(loaded, check_alone(loaded))


def test_a_check_alone_lists_what_is_doubtful_and_what_changed(project):
    project.write(make_table(), CONFIG)
    first = check_only(project.path)
    assert {int(line["row"]) for line in read(first.label_review)} == set(WRONG)
    decide(first, project.folder / "review.csv", {5: "small", 50: "keep"})
    decide(first, first.label_review, {5: "small", 50: "keep"})
    second = check_only(project.path, FIX)
    assert [line["row"] for line in read(second.changed_labels)] == ["5"]
    assert {line["decision"] for line in read(second.label_review)} == {"", "small", "keep"}
    assert not any("decisions" in note for note in QualityReport.load(second.quality).notes)


@pytest.mark.parametrize("spoil", [False, True])
def test_a_check_never_loses_a_decision(project, spoil):
    project.write(make_table(), CONFIG)
    folder = check_only(project.path)
    decide(folder, folder.label_review, {5: "small"})
    if spoil:
        folder.label_review.write_text("made by a spreadsheet\n")
    before = folder.label_review.read_bytes()
    assert check_only(project.path).label_review.read_bytes() == before
    assert (
        QualityReport.load(folder.quality)
        .notes[0]
        .startswith("label_review.csv holds decisions that were not applied: it is kept")
    )


def test_a_check_may_apply_the_list_of_the_last_in_its_place(project):
    project.write(make_table(), CONFIG)
    folder = check_only(project.path)
    apply = f"quality.labels={{errors: fix, review_file: {folder.label_review}}}"
    check_only(project.path, apply)
    decide(folder, folder.label_review, {5: "small"})
    assert [line["row"] for line in read(check_only(project.path, apply).changed_labels)] == ["5"]
    assert [line["decision"] for line in read(folder.label_review)] == ["", "", "small"]
