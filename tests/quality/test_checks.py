import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.data.ingest import ingest, load_table
from iovalence.data.section import DataSection
from iovalence.errors import DataError, GateError, StorageError
from iovalence.quality.checks import CheckedRows, check_rows, raise_for_failures
from iovalence.quality.removed import write_removed_rows
from iovalence.quality.section import QualitySection
from tests.quality.tables import build_table

WINE = [*(f"c{at}" for at in range(11)), "quality"]
ADULT = [*(f"c{at}" for at in range(14)), "income"]


def check(table, *, num_parts_split=3, class_weights_given=False, **section):
    return check_rows(
        table,
        QualitySection(**section),
        num_parts_split=num_parts_split,
        class_weights_given=class_weights_given,
    )


def read(folder, **data):
    ingest(DataSection(**data), folder, folder)
    return load_table(folder)


def named(checked, name):
    return [finding for finding in checked.findings if finding.check == name]


def messy():
    labels = ["a1", "A1", "a1", None, "b1", "b1", "b1", "c1", "a1"]
    numbers = [1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    return build_table({"x": numbers, "y": labels})


def test_a_row_leaves_for_the_first_reason_that_applies_and_the_counts_add_up():
    checked = check(messy(), labels={"rare": "fix"})
    assert checked.reason.tolist() == [
        "", "duplicates.exact", "", "labels.missing", "", "", "", "labels.rare", "",
    ]  # fmt: skip
    (counts,) = checked.report.counts
    assert (counts.num_rows, counts.kept, sum(counts.removed.values())) == (9, 6, 3)


def test_rows_that_differ_in_the_spelling_of_the_label_alone_are_copies_only_when_merged():
    assert check(messy(), labels={"spelling": "warn"}).reason[1] == ""


def actions(*names):
    return st.fixed_dictionaries(
        {name: st.sampled_from(["off", "warn", "fix", "fail"]) for name in names}
    )


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, 1.001, None]), st.sampled_from(["a", "b", "b.", None]))
    ),
    actions("exact", "conflicting", "near"),
    actions("missing", "spelling", "rare"),
    st.integers(0, 2),
)
def test_kept_and_removed_rows_are_all_the_rows_whatever_the_actions(
    rows, duplicates, labels, num_test
):
    rows = [(float(at), "ab"[at % 2]) for at in range(2, 8)] + rows
    num_rows = (len(rows) - num_test, 0, num_test)
    x, y = zip(*rows, strict=True)
    table = build_table({"x": x, "y": y}, num_rows=num_rows)
    checked = check(table, duplicates=duplicates, labels=labels, num_parts_split=2)
    fixed = {f"duplicates.{key}" for key, action in duplicates.items() if action == "fix"}
    fixed |= {f"labels.{key}" for key, action in labels.items() if action == "fix"}
    assert set(checked.reason) <= {"", "labels.missing", *fixed}
    assert not set(checked.reason[num_rows[0] :]) - {"", "labels.missing"}
    counts = checked.report.counts
    assert sum(one.num_rows for one in counts) == len(rows)
    assert all(one.kept + sum(one.removed.values()) == one.num_rows for one in counts)
    assert checked.keep.sum() == sum(one.kept for one in counts)


def test_all_failures_come_at_once_one_line_each_with_rows():
    checked = check(messy(), duplicates="fail", labels="fail", balance={"action": "fail"})
    with pytest.raises(GateError) as caught:
        raise_for_failures(checked.findings)
    checks = [fault.split(":")[0] for fault in caught.value.faults]
    assert checks == [
        "quality.labels.spelling",
        "quality.labels.missing",
        "quality.duplicates.conflicting",
        "quality.labels.rare",
    ]
    assert caught.value.faults[1] == (
        "quality.labels.missing: rows of the train file must have a 'y', found 1 without "
        "(train row 4); give them a label, or take them out of the file, or set "
        "quality.labels.missing: fix"
    )


@pytest.mark.parametrize(("num_copies", "severity"), [(2, "info"), (3, "warning")])
def test_a_fix_that_takes_more_than_a_twentieth_is_a_warning(num_copies, severity):
    numbers = [*range(40 - num_copies), *range(num_copies)]
    table = build_table({"x": [float(at) for at in numbers], "y": ["ab"[at % 2] for at in numbers]})
    (finding,) = named(check(table, num_parts_split=1), "duplicates.exact")
    assert finding.severity == severity


def test_what_is_off_is_no_loss_to_warn_of():
    table = build_table({"x": [1.0, 2.0, 3.0], "y": ["a", "b", None]})
    (finding,) = named(check(table, num_parts_split=1, labels="off"), "labels.missing")
    assert finding.severity == "info"


def test_no_failure_raises_nothing():
    raise_for_failures(check(messy()).findings)


def test_balance_weights_are_asked_for_after_the_copies_left():
    table = build_table({"x": [1.0] * 30 + [2.0], "y": ["a"] * 30 + ["b"]})
    assert not check(table, balance="fix", labels="off").balance_weights
    assert check(table, balance="fix", labels="off", duplicates="off").balance_weights


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([None, None], r"the target 'y' must have values, got none in the 2 rows of the train"),
        (["a", None], r"2 different values of 'y', got 1 of 2 rows, all 'a'; add rows"),
        ([1.0, 1.0], r"2 different values of 'y', got 1 of 2 rows, all '1.0'; add rows"),
    ],
)
def test_too_little_left_to_learn_from_is_refused_with_the_counts(labels, message):
    with pytest.raises(DataError, match=message):
        check(build_table({"x": [1.0, 1.0], "y": labels}), num_parts_split=1)


def test_dropping_the_rare_classes_may_leave_too_little():
    table = build_table({"x": [1.0, 2.0, 3.0, 4.0], "y": ["a", "a", "a", "b"]})
    with pytest.raises(DataError, match="got 3 of 4 rows, all 'a'"):
        check(table, labels={"rare": "fix"})


def test_what_is_saved_is_loaded(tmp_path):
    checked = check(messy())
    checked.save(tmp_path)
    loaded = CheckedRows.load(tmp_path)
    assert loaded.report == checked.report
    assert loaded.reason.tolist() == checked.reason.tolist()
    assert loaded.keep.tolist() == checked.keep.tolist()
    assert loaded.target.equals(checked.target)
    assert loaded.first_copy.tolist() == checked.first_copy.tolist()


def near_rows():
    return build_table({"x": [0.0, 1.0, 1.001, 2.0], "y": ["a", "b", "b", "a"]})


def test_near_copies_are_kept_with_the_checked_rows(tmp_path):
    check(near_rows()).save(tmp_path)
    assert CheckedRows.load(tmp_path).near.tolist() == [[1, 2]]


def test_near_copies_are_looked_for_only_where_someone_wants_them():
    assert len(check(near_rows(), duplicates="off").near) == 0
    asked = check_rows(
        near_rows(),
        QualitySection(duplicates="off"),
        num_parts_split=2,
        class_weights_given=False,
        find_near=True,
    )
    assert asked.near.tolist() == [[1, 2]]
    assert named(asked, "duplicates.near") == []


def test_rows_that_contradict_each_other_leave_before_near_copies_are_sought():
    table = build_table({"x": [0.0, 1.0, 1.0, 1.001, 2.0], "y": ["a", "a", "b", "b", "b"]})
    checked = check(table, duplicates={"conflicting": "fix", "near": "fix"})
    torn = "duplicates.conflicting"
    assert checked.reason.tolist() == ["", torn, torn, "", ""]


def test_a_regression_says_which_checks_do_not_apply():
    (finding,) = named(check(build_table({"x": [1.0, 2.0], "y": [1.0, 3.0]})), "labels")
    assert finding.message == "not applied to a regression: labels.spelling, labels.rare, balance"


def test_a_damaged_record_of_the_checks_is_refused(tmp_path):
    check(messy()).save(tmp_path)
    (tmp_path / "rows.arrow").write_bytes(b"torn")
    with pytest.raises(StorageError, match=r"rows.arrow must be whole and readable, got"):
        CheckedRows.load(tmp_path)


def test_removed_rows_are_written_with_number_reason_and_values_as_read(tmp_path):
    table = messy()
    write_removed_rows(tmp_path / "removed.csv", table, check(table).reason)
    assert (tmp_path / "removed.csv").read_text() == (
        '"source","row","reason","x","y"\n'
        '"train",2,"duplicates.exact",1,"A1"\n'
        '"train",4,"labels.missing",3,\n'
    )


def test_removed_values_that_lost_something_are_written_as_they_were(tmp_path):
    lines = [f"{at},{at / 7},{'pq'[at % 2]}" for at in range(60)]
    lines += ["1234567890123456789,low,p"] * 2 + ["5,2.5,"]
    (tmp_path / "t.csv").write_text("\n".join(["k,x,y", *lines]))
    table = read(tmp_path, train_file="t.csv")
    write_removed_rows(tmp_path / "removed.csv", table, check(table).reason)
    assert (tmp_path / "removed.csv").read_text() == (
        '"source","row","reason","k","x","y"\n'
        '"train",62,"duplicates.exact","1234567890123456789","low","p"\n'
        '"train",63,"labels.missing","5","2.5",\n'
    )


def test_a_target_that_is_no_number_is_named_with_its_row(tmp_path):
    lines = [f"{at / 7},{at / 3 or ''}" for at in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *lines, "5,abc"]))
    (finding,) = named(check(read(tmp_path, train_file="t.csv")), "labels.missing")
    assert finding.message == (
        "rows of the train file must have a 'y', found 2 without, 1 of them with what is no "
        "number: 'abc' in train row 61 (train row 1, train row 61)"
    )


def test_no_removed_rows_leave_a_header_alone(tmp_path):
    table = build_table({"x": [1.0, 2.0], "y": ["a", "b"]})
    write_removed_rows(tmp_path / "removed.csv", table, check(table).reason)
    assert (tmp_path / "removed.csv").read_text() == '"source","row","reason","x","y"\n'


@pytest.mark.shared_data
@pytest.mark.parametrize(("colour", "copies", "near"), [("red", 240, [6]), ("white", 937, [1, 13])])
def test_the_copies_among_the_wines_are_found(shared_data, tmp_path, colour, copies, near):
    file = str(shared_data / f"winequality-{colour}.csv")
    table = read(tmp_path, train_file=file, target="quality", column_names=WINE)
    checked = check(table)
    assert checked.report.counts[0].removed == {"duplicates.exact": copies}
    assert [finding.count for finding in named(checked, "duplicates.near")] == near


@pytest.mark.shared_data
def test_the_copies_and_the_imbalance_of_mammography_are_found(shared_data, tmp_path):
    table = read(
        tmp_path,
        train_file=str(shared_data / "mammography.csv"),
        target="class",
        column_names=["a", "b", "c", "d", "e", "f", "class"],
    )
    checked = check(table)
    assert checked.report.counts[0].removed == {"duplicates.exact": 3334}
    assert named(checked, "labels.spelling") == []
    (balance,) = named(checked, "balance")
    assert balance.severity == "warning"
    assert "found 29.9 (42 with the copies that left)" in balance.message


@pytest.mark.shared_data
def test_the_copies_and_the_full_stops_of_adult_are_found(shared_data, tmp_path):
    table = read(
        tmp_path,
        train_file=str(shared_data / "adult-train.csv"),
        test_file=str(shared_data / "adult-test.csv"),
        target="income",
        column_names=ADULT,
    )
    checked = check(table, num_parts_split=2)
    train, test = checked.report.counts
    assert train.removed == {"duplicates.exact": 24}
    assert test.kept == test.num_rows == 16281
    assert [finding.count for finding in named(checked, "duplicates.exact")] == [24, 5]
    assert {finding.severity for finding in named(checked, "duplicates.near")} == {"info"}
    assert not len(checked.near)
    (spelling,) = named(checked, "labels.spelling")
    assert "'<=50K.' for '<=50K' (12435), '>50K.' for '>50K' (3846)" in spelling.message
    assert set(checked.target.to_pylist()) == {"<=50K", ">50K"}
    removed = tmp_path / "removed.csv"
    write_removed_rows(removed, table, checked.reason)
    assert pd.read_csv(removed)["reason"].tolist() == ["duplicates.exact"] * 24


@pytest.mark.shared_data
def test_the_penguins_need_no_fix(shared_data, tmp_path):
    table = read(tmp_path, train_file=str(shared_data / "penguins.csv"), target="species")
    assert check(table).report.counts[0].kept == 344
