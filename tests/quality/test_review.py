"""What a person decided is applied to this data alone, and refused in one clear line otherwise."""

import numpy as np
import pyarrow as pa
import pytest

from iovalence.errors import DataError
from iovalence.quality.changed import write_changed_labels
from iovalence.quality.checks import check_rows
from iovalence.quality.review_file import read_decided, write_review
from iovalence.quality.section import DuplicateChecks, QualitySection
from tests.quality.tables import build_table

FIX = QualitySection.model_validate({"labels": {"errors": "fix", "review_file": "review.csv"}})
HEADER = "source,row,given,suggested,score,decision,size,y\n"


def make(num_rows=None):
    labels = ["cat", "cat", "dog", "dog", "cat", "dog"]
    return build_table({"size": [1.5, 2.0, 3.0, None, 5.0, 6.0], "y": labels}, num_rows=num_rows)


@pytest.fixture
def check(tmp_path):
    """Return a function that checks a table with a review file of these lines."""

    def run(text, table=None, section=FIX):
        path = tmp_path / "review.csv"
        path.write_bytes(text if isinstance(text, bytes) else (HEADER + text).encode())
        table = table or make()
        return check_rows(
            table, section, num_parts_split=1, class_weights_given=False, review_file=path
        )

    return run


def test_decisions_keep_drop_and_change_rows_and_are_told(check):
    text = "train,1,cat,dog,0.1,keep,1.5,cat\ntrain,3,dog,cat,0.1,Drop ,3,dog\n"
    checked = check(text + "train,4,dog,cat,0.2,cat,,dog\ntrain,6,dog,cat,0.3,,6,dog\n")
    assert checked.reason.tolist() == ["", "", "labels.errors", "", "", ""]
    assert checked.target.to_pylist() == ["cat", "cat", "dog", "cat", "cat", "dog"]
    finding = next(one for one in checked.findings if one.check == "labels.errors")
    assert "found 3 of 6 rows decided in review.csv (SHA-256 " in finding.message
    assert finding.done.startswith("kept 1, left out 1, changed the label of 1")


def test_changed_labels_are_listed_with_what_they_were(check, tmp_path):
    table = build_table({"size": [1.0, 2.0, 3.0, 4.0], "y": ["cat", "dog", "Cat", "dog"]})
    checked = check("train,2,dog,cat,0.1,cat,2,dog\n", table)
    write_changed_labels(tmp_path / "c.csv", table, checked.target, checked.review)
    assert (tmp_path / "c.csv").read_text().replace('"', "").splitlines()[1:] == [
        "train,2,dog,cat,labels.errors",
        "train,3,Cat,cat,labels.spelling",
    ]


def test_copies_of_a_row_follow_its_decision(check):
    table = build_table({"size": [1.0, 1.0, 2.0, 1.0], "y": ["cat", "cat", "cat", "dog"]})
    checked = check("train,1,cat,dog,0.1,dog,1,cat\n", table)
    assert checked.target.to_pylist() == ["dog", "dog", "cat", "dog"]
    assert checked.reason.tolist() == ["", "duplicates.exact", "", "duplicates.exact"]


COPIES = {"size": [1.0, 2.0, 1.0, 3.0, 1.0], "y": ["cat", "dog", "cat", "cat", "cat"]}


def test_copies_follow_where_they_stay_too(check):
    section = FIX.model_copy(update={"duplicates": DuplicateChecks(exact="warn")})
    checked = check("train,1,cat,dog,0.1,drop,1,cat\n", build_table(COPIES), section)
    assert checked.reason.tolist() == ["labels.errors", "", "labels.errors", "", "labels.errors"]


@pytest.mark.parametrize(("one", "other"), [("drop", "keep"), ("keep", "dog"), ("drop", "dog")])
def test_copies_cannot_be_decided_in_two_ways(check, one, other):
    text = f"train,1,cat,dog,0.1,{one},1,cat\ntrain,3,cat,dog,0.1,{other},1,cat\n"
    said = "another label" if other == "dog" else other
    message = f"one way, got {one} for train row 1 and {said} for its copy train row 3 "
    with pytest.raises(DataError, match=message):
        check(text, build_table(COPIES))


def test_a_row_that_left_takes_no_copy_with_it(check):
    table = build_table({"size": [1.0, 1.0, 2.0, 3.0], "y": ["cat", "dog", "dog", "cat"]})
    text = "train,1,cat,dog,0.1,drop,1,cat\ntrain,2,dog,cat,0.1,cat,1,dog\n"
    assert check(text, table).reason.tolist() == ["labels.errors", "", "", ""]


def test_a_label_may_be_spelled_as_a_spreadsheet_does(check):
    table = build_table({"size": [1.123456789, 2.0, 3.0], "y": ["true", "false", "true"]})
    text = HEADER.replace(",", ";") + "train;1;TRUE;false;0.1;FALSE;1.1234568;TRUE\n"
    assert check(text.encode("utf-8-sig"), table).target.to_pylist() == ["false", "false", "true"]


def test_a_missing_label_can_be_given(check):
    table = build_table({"size": [1.0, 2.0, 3.0], "y": ["cat", None, "dog"]})
    checked = check("train,2,,cat,0.1,cat,2,\n", table)
    assert checked.target.to_pylist() == ["cat", "cat", "dog"]
    assert checked.keep.all()


@pytest.mark.parametrize("head", [b"PAR1\0\0", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"a\0b"])
def test_a_file_that_is_no_csv_is_told_so(check, head):
    with pytest.raises(DataError, match=r"review_file must be a CSV file, .* save it as CSV in"):
        check(head + b"x" * 20)


GOOD = "train,1,cat,dog,0.1,keep,1.5,cat\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "train,9,cat,dog,0.1,keep,1.5,cat\n",
            r"first train row 9: the train file has rows 1 to 6",
        ),
        ("train,x,cat,dog,0.1,keep,1.5,cat\n", r"first train row x: .*review\.csv:2"),
        (
            "train,1,dog,cat,0.1,keep,1.5,dog\n",
            r"given is 'dog', the data has 'cat' .*review.csv:2",
        ),
        ("train,1,cat,dog,0.1,keep,1.6,cat\n", r"'size' is '1\.6', the data has '1\.5'"),
        (
            GOOD + "train,2,cat,dog,0.1,dgo,2,cat\n",
            r"got 'dgo' for train row 2 \(.*:3\); did .*'dog'",
        ),
        (GOOD + GOOD.replace("keep", "drop"), r"one way, got 'keep' in line 2 and 'drop' .*:3\)"),
        (
            "test,1,cat,dog,0.1,drop,1.5,cat\n",
            r"given files are never changed, got test row 1 .*:2\)",
        ),
        ("train,1,cat,dog,0.1,keep\n", r"must have 8 fields in every line, got 6 \(.*:2\)"),
        (b"", "got an empty file"),
        (b"PK\x03\x04\x00\x00", "must be a CSV file"),
        ("é".join(["ßüä", GOOD]).encode("utf-8") + b"\xff\xfe", "UTF-8"),
        (
            b"source,row,given,decision\n",
            "of a label_review.csv, .* got 'decision' where 'suggested'",
        ),
        (
            HEADER.replace("size", "weight").encode(),
            "of this data's own table, .*'weight' where 'size'",
        ),
    ],
)
def test_a_review_file_that_does_not_fit_is_refused_in_one_line(check, text, message):
    with pytest.raises(DataError, match=message) as caught:
        check(text)
    assert len(caught.value.faults) == 1


def test_a_review_of_numbers_is_refused(check):
    table = build_table({"size": [1.0, 2.0], "y": [1.5, 2.5]})
    with pytest.raises(DataError, match="must go with classes, got numbers in 'y'"):
        check("", table)


def test_what_is_written_can_be_read_back_and_keeps_what_was_decided(check, tmp_path):
    table = build_table({"row": ["a\n,b", "c"], "y": ["cat", "dog"]})
    path, rows = tmp_path / "out.csv", (np.array([1]), pa.array(["cat"]), np.array([0.25]))
    write_review(path, table, table.columns["y"].combine_chunks(), rows)
    assert read_decided(path, ["row", "y"]) == ()
    path.write_text(path.read_text().replace("0.2500,,", "0.2500,drop,"))
    decided = read_decided(path, ["row", "y"])
    write_review(path, table, table.columns["y"].combine_chunks(), rows, decided)
    assert [line.fields[:6] for line in read_decided(path, ["row", "y"])] == [
        ("train", "2", "dog", "cat", "0.2500", "drop")
    ]
