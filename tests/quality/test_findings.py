import pytest

from iovalence.quality.findings import (
    Finding,
    RowNumber,
    by_gravity,
    list_rows,
    tell_findings,
    tell_notes,
)

ROWS = (RowNumber(source="train", row=4), RowNumber(source="test", row=9))


def find(check="balance", severity="warning", message="found", **fields):
    return Finding(check=check, severity=severity, count=7, share=0.1, message=message, **fields)


def test_the_gravest_findings_come_first_and_the_satisfied_checks_last():
    findings = [find("a", "info"), find("b", "info", done="x"), find("c"), find("d", "failure")]
    assert [one.check for one in by_gravity(findings)] == ["d", "c", "b", "a"]


def test_a_short_message_leaves_the_rows_to_others_and_is_one_line():
    finding = find(message="rows must differ\n, found 7" + list_rows(ROWS, 7), rows=ROWS)
    assert finding.short_message == "rows must differ\\n, found 7"
    long = find(message="word " * 100)
    assert len(long.short_message) <= 200
    assert long.short_message.endswith(" ...")


def test_what_stands_in_brackets_is_the_first_to_leave_a_long_message():
    long = find(
        message=f"{'must ' * 36}moved: 'a' PSI 0.31 (Holm's correction; the figures are there)"
    )
    assert long.short_message.endswith("moved: 'a' PSI 0.31")
    assert find(message="one (two)").short_message == "one (two)"


@pytest.mark.parametrize(
    ("done", "is_mended"),
    [
        ("removed 3 rows, the first of each kind stays", True),
        ("left out", True),
        ("kept 3, left out 2, changed the label of 1", True),
        ("kept", False),
        ("kept: rows of a given file are never removed", False),
        ("nothing: a run lists them", False),
        ("", False),
    ],
)
def test_only_what_was_changed_is_put_right(done, is_mended):
    assert find(severity="info", done=done).is_mended is is_mended
    assert not find(severity="warning", done=done).is_mended


def test_what_would_move_a_terminals_cursor_is_written_out():
    finding = find("labels.spelling", message="'\x1b[2J' and '\u202e'", done="\x07")
    assert finding.line == "warning: labels.spelling: '\\x1b[2J' and '\\u202e'; \\x07"


def test_beyond_eight_lines_the_page_has_the_rest():
    many = [find(f"check{number}") for number in range(11)]
    lines = tell_findings([*many, find("quiet", "info")], "quality.html")
    assert len(lines) == 9
    assert lines[-1] == "and 3 more findings: quality.html"
    assert tell_findings(many[:8], "quality.html") == [one.line for one in many[:8]]


def test_notes_are_few_and_cannot_move_the_cursor():
    lines = tell_notes(["a\x1b[2Jb", *map(str, range(9))], "quality.json")
    assert (lines[0], lines[-1]) == ("note: a\\x1b[2Jb", "and 2 more notes: quality.json")
