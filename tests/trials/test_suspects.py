"""Doubtful labels are found among the rows that one may look at, and told honestly."""

import shutil

import numpy as np
import pytest

from iovalence.quality.checks import check_rows
from iovalence.quality.review import KEPT
from iovalence.quality.section import QualitySection
from iovalence.trials import suspects
from iovalence.trials.suspects import Suspects, check_label_errors
from tests.quality.tables import build_table

WRONG = (3, 40, 77, 110)
OFF = QualitySection.model_validate({"duplicates": "off"})


def make_rows(num_rows=120, num_classes=2, seed=0):
    """Return well parted classes in which a few labels are wrong, and the classes as they are."""
    random = np.random.default_rng(seed)
    true = np.arange(num_rows) % num_classes
    points = random.normal(size=(num_rows, 4)) / 3 + random.normal(size=(num_classes, 4))[true] * 3
    labels = true.copy()
    labels[list(WRONG)] = (labels[list(WRONG)] + 1) % num_classes
    columns = {f"x{at}": points[:, at].tolist() for at in range(4)}
    return columns | {"y": [f"class {code}" for code in labels]}, true


@pytest.fixture
def look(tmp_path):
    """Return a function that checks a table's labels."""

    def run(table, action="warn", seed=1, decided=()):
        checked = check_rows(table, OFF, num_parts_split=1, class_weights_given=False)
        checked.review[list(decided)] = KEPT
        scratch = tmp_path / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        return check_label_errors(table, checked, action, seed, scratch)

    return run


@pytest.mark.parametrize("num_classes", [2, 7])
def test_wrong_labels_are_found_and_the_right_ones_suggested(look, num_classes):
    rows, true = make_rows(num_classes=num_classes)
    found = look(build_table(rows))
    assert set(WRONG) <= set(found.index)
    assert len(found.index) <= len(WRONG) + 2
    named = dict(zip(found.index.tolist(), found.suggested.to_pylist(), strict=True))
    assert {named[at] for at in WRONG} == {f"class {true[at]}" for at in WRONG}
    assert (np.diff(found.score) >= 0).all()
    (finding,) = found.report.findings
    assert finding.severity == "warning"
    assert "contradict them, errors or hard cases: 'class" in finding.message


def test_the_same_seed_finds_the_same_and_it_can_be_read_back(look, tmp_path):
    table = build_table(make_rows()[0])
    first, again = look(table), look(table)
    first.save(tmp_path)
    kept = Suspects.load(tmp_path)
    for other in (again, kept):
        assert first.score.tobytes() == other.score.tobytes()
        assert first.index.tolist() == other.index.tolist()
        assert first.suggested.equals(other.suggested)
    assert kept.report == first.report


def test_rows_of_a_given_file_are_never_looked_at(look):
    rows, _ = make_rows()
    found = look(build_table(rows, num_rows=(100, 0, 20)))
    assert max(found.index) < 100
    changed = rows | {"y": [*rows["y"][:100], *["class 0"] * 20]}
    again = look(build_table(changed, num_rows=(100, 0, 20)))
    assert again.score.tobytes() == found.score.tobytes()


def test_small_classes_are_left_out_and_said_so(look):
    rows, _ = make_rows()
    rows["y"][:2] = ["rare", "rare"]
    found = look(build_table(rows))
    assert not {0, 1} & set(found.index)
    message = found.report.findings[0].message
    assert "not looked at: classes of fewer than 5 rows: 'rare' (2)" in message


@pytest.mark.parametrize(
    ("num_rows", "reason"), [(40, "it takes 50 rows at least, found 40"), (8, "found 0")]
)
def test_too_few_rows_are_told_not_looked_at(look, num_rows, reason, monkeypatch):
    monkeypatch.setattr("tests.trials.test_suspects.WRONG", ())
    rows, _ = make_rows(num_rows)
    (finding,) = look(build_table(rows)).report.findings
    assert finding.severity == "info"
    assert reason in finding.message


def test_one_class_large_enough_is_not_enough(look):
    rows, _ = make_rows()
    rows["y"] = ["common"] * 117 + ["rare"] * 3
    (finding,) = look(build_table(rows)).report.findings
    assert "it takes two classes, found 'common' alone" in finding.message


def test_a_large_table_is_looked_at_in_a_sample_and_said_so(look, monkeypatch):
    monkeypatch.setattr(suspects, "MAX_ROWS", 80)
    (finding,) = look(build_table(make_rows()[0])).report.findings
    assert "not looked at: all but 80 of the 120 rows, drawn at random" in finding.message


def test_those_that_nobody_decided_stay_a_warning(look):
    (finding,) = look(build_table(make_rows()[0]), "fix", decided=(0,)).report.findings
    assert finding.severity == "warning"
    assert "still contradict them" in finding.message


def test_few_suspects_are_no_warning_but_fail_a_gate(look):
    rows, _ = make_rows(600)
    assert look(build_table(rows)).report.findings[0].severity == "info"
    assert look(build_table(rows), "fail").report.findings[0].severity == "failure"


def test_numbers_and_off_look_at_nothing(look):
    rows, _ = make_rows()
    assert look(build_table(rows), "off").report.findings == ()
    numbers = rows | {"y": [float(at) for at in range(120)]}
    assert look(build_table(numbers)).report.findings == ()
