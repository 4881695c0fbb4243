import numpy as np

from iovalence.data.schema import Column, TableSchema
from iovalence.quality.findings import Finding
from iovalence.quality.profile import Categories, ColumnProfile, Profile, Range
from iovalence.quality.sketch import build_sketch
from iovalence.reporting.column_table import count_distinct, describe_columns, say_values


def seen(name, missing=0, **about):
    return ColumnProfile(name=name, kind="numeric", role="feature", num_missing=missing, **about)


def describe(profiles, findings=(), left_out=()):
    schema = TableSchema(
        columns=tuple(Column(name=one.name, kind=one.kind, role=one.role) for one in profiles),
        target="y",
        task="classification",
        task_reason="",
        num_rows=(10, 0, 0),
        files=(),
    )
    profile = Profile(num_rows=10, target="y", task="classification", columns=tuple(profiles))
    return describe_columns(schema, profile, findings, left_out)


def find(severity, name, check="drift", done=""):
    return Finding(
        check=check, severity=severity, count=1, share=1, message="m", columns=(name,), done=done
    )


def test_the_worst_columns_come_first():
    profiles = [seen("a"), seen("b", 5), seen("c"), seen("d"), seen("e")]
    found = [find("warning", "c"), find("failure", "d"), find("info", "a", done="")]
    table = describe(profiles, found, left_out=("e",))
    assert [line["name"] for line in table["lines"]] == ["d", "c", "e", "b", "a"]
    assert table["lines"][0]["marks"] == [("drift", "failure")]
    assert table["lines"][4]["marks"] == [], "a satisfied check marks nothing"


def test_a_column_that_a_check_left_out_says_which():
    found = [find("info", "a", check="leakage.target", done="left out")]
    (line,) = describe([seen("a")], found, left_out=("a",))["lines"]
    assert (line["role"], line["reason"]) == ("left out", "leakage.target left it out")


def test_a_hundred_columns_are_shown_and_the_others_counted():
    table = describe([seen(f"c{at}") for at in range(130)])
    assert (len(table["lines"]), table["more"]) == (100, 30)


def test_distinct_values_are_counted_or_bounded():
    def numbers(values):
        about = Range(minimum=min(values), maximum=max(values), num_known=len(values))
        return seen("a", numbers=about, sketch=build_sketch(values))

    assert count_distinct(numbers(np.array([1.0, 2.0, 2.0]))) == "2"
    assert count_distinct(numbers(np.arange(5000.0))) == "over 400"
    assert count_distinct(seen("a", categories=Categories(counts={"x": 2, "y": 1}))) == "2"
    assert count_distinct(seen("a", categories=Categories(counts={"x": 2}, num_rest=9))) == (
        "over 1,000"
    )
    assert count_distinct(seen("a")) == ""


def test_values_are_a_range_or_the_commonest_with_its_share():
    about = Range(minimum=2700, maximum=6300, num_known=8)
    assert say_values(seen("a", numbers=about), 10) == "2,700 to 6,300"
    assert say_values(seen("a", categories=Categories(counts={"x": 4, "y": 1})), 10) == "x 40.0 %"
    assert say_values(seen("a"), 10) == ""
