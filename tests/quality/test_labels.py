import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.quality.labels import (
    canonical_key,
    check_missing,
    check_rare,
    check_unseen,
    label_keys,
    merge_spellings,
)
from tests.quality.tables import build_table


def labelled(labels, **how):
    return build_table({"y": labels}, **how)


def target_of(table):
    return table.columns["y"].combine_chunks()


@pytest.mark.parametrize(
    "spellings",
    [
        ("Yes", "yes ", "YES", "yes.", "'yes'", '"Yes"', " yes!", "'Yes.'", "“yes”"),
        ("<=50K", "<=50K.", " <=50K ", "<=50k"),
        ("1", "1.0", "1.", "+1", "'1'", "1.00"),
        ("-1", "'-1'", "-1.0"),
        ("New York", "new  york", "new\tyork,"),
        ("caf\u00e9", "cafe\u0301"),
        ("A", "A.", "'A'"),
        ("pos", "pos\u200b", "\ufeffpos", "p\u00ados", "\u200epos\u2060"),
    ],
)
def test_spellings_of_one_label_share_a_key(spellings):
    assert len({canonical_key(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    "labels",
    [
        ("a", "A"),
        ("AA", "Aa", "aa"),
        ("A", "A+", "A-"),
        ("-1", "1"),
        ("1", "01", "10", "1.5"),
        ("3.1", "3.10"),
        (">50K", "<=50K", "<50K"),
        (".", ",", "!"),
        ("C", "C#", "C++"),
        ("5", "5'"),
        ("yes", "true", "1"),
        ("ab", "a b"),
        ("\u200b", "\ufeff"),
        ("\U0001f3f4\U000e0067\U000e0062\U000e0065", "\U0001f3f4\U000e0067\U000e0062\U000e0073"),
    ],
)
def test_labels_that_differ_in_meaning_keep_their_own_keys(labels):
    assert len({canonical_key(label) for label in labels}) == len(labels)


@given(st.text(min_size=1).filter(lambda text: text.strip()))
def test_a_key_is_never_empty(label):
    assert canonical_key(label)


@pytest.mark.parametrize(
    ("labels", "num_labels"),
    [
        (("yes", "true", "no", "False"), 2),
        (("1", "0", "Yes", "no."), 2),
        (("y", "n", "yes", "1.0"), 2),
        (("T", "false", "F", "TRUE"), 2),
        (("yes", "no"), 2),
        (("yes", "true", "no", "maybe"), 4),
        (("yes", "true"), 2),
        (("y", "n", "t", "f"), 4),
        (("0", "1", "2", "yes"), 4),
        (("f", "m"), 2),
    ],
)
def test_yes_and_true_are_one_label_where_all_labels_say_yes_or_no(labels, num_labels):
    assert len(set(label_keys(labels, labels))) == num_labels


def test_the_train_file_decides_whether_labels_say_yes_or_no():
    assert label_keys(("true", "1", "maybe"), ("yes", "no")) == ["true", "true", "maybe"]
    assert label_keys(("true", "yes"), ("1", "0")) == ["true", "true"]
    assert label_keys(("true", "yes"), ("1", "0", "2")) == ["true", "yes"]


def test_labels_that_say_yes_are_written_as_most_of_the_train_file_does():
    labels = ["true", "no", "no", "yes", "true", "yes", "0", "true", "no", "False"]
    table = labelled(labels, num_rows=(7, 0, 3))
    target, (finding,) = merge_spellings(table, "fix")
    assert target.to_pylist() == [
        "true", "no", "no", "true", "true", "true", "no", "true", "no", "no",
    ]  # fmt: skip
    assert "'yes' for 'true' (2)" in finding.message


def test_fix_writes_labels_as_most_of_the_train_file_does():
    table = labelled(["yes", "Yes", "Yes", "no", None, "yes", "yes", "yes"], num_rows=(5, 0, 3))
    target, (finding,) = merge_spellings(table, "fix")
    assert target.to_pylist() == ["Yes", "Yes", "Yes", "no", None, "Yes", "Yes", "Yes"]
    assert finding.severity == "info"
    assert finding.message == (
        "a label must be written in one way, found 4 of 8 otherwise: 'yes' for 'Yes' (4) "
        "(train row 1, test row 1, test row 2, test row 3)"
    )


def test_labels_that_only_a_given_file_has_are_written_as_most_of_it_does():
    table = labelled(["a1", "b1", "c1.", "c1", "c1"], num_rows=(2, 0, 3))
    assert merge_spellings(table, "fix")[0].to_pylist()[2:] == ["c1", "c1", "c1"]


@pytest.mark.parametrize(("action", "severity"), [("warn", "warning"), ("fail", "failure")])
def test_warn_and_fail_report_spellings_and_change_none(action, severity):
    table = labelled(["yes", "Yes", "Yes"])
    target, (finding,) = merge_spellings(table, action)
    assert target.to_pylist() == ["yes", "Yes", "Yes"]
    assert finding.severity == severity
    assert finding.advice == "write it in one way, or set quality.labels.spelling: fix"


@pytest.mark.parametrize("table", [labelled(["yes", "Yes"]), labelled([1.0, 2.0])])
def test_spellings_off_or_of_numbers_report_nothing(table):
    assert merge_spellings(table, "off")[1] == ()


@given(st.lists(st.sampled_from(["yes", "Yes", "yes.", "no", "No", "-1", "1", None]), min_size=1))
def test_merging_twice_changes_nothing_more(labels):
    merged, _ = merge_spellings(labelled([*labels, "yes"]), "fix")
    assert merge_spellings(labelled(merged.to_pylist()), "fix") == (merged, ())


@pytest.mark.parametrize(
    ("action", "severity"), [("off", "info"), ("warn", "warning"), ("fix", "info")]
)
def test_train_rows_without_a_label_leave_whatever_the_action(action, severity):
    table = labelled(["a", None, "b"])
    (finding,), leaves = check_missing(table, target_of(table), action)
    assert leaves.tolist() == [False, True, False]
    assert finding.severity == severity
    assert finding.message == (
        "rows of the train file must have a 'y', found 1 without (train row 2)"
    )
    assert finding.done.startswith("left out: such a row can be neither trained on nor measured")


def test_missing_targets_of_a_regression_leave_too():
    table = labelled([1.0, None, 2.0])
    assert check_missing(table, target_of(table), "fix")[1].tolist() == [False, True, False]


@pytest.mark.parametrize("action", ["fix", "fail"])
def test_a_given_file_cannot_be_fixed_so_a_missing_label_in_it_fails(action):
    table = labelled(["a", "b", None], num_rows=(2, 0, 1))
    (finding,), leaves = check_missing(table, target_of(table), action)
    assert not leaves.any()
    assert finding.severity == "failure"
    assert "the test file must have a 'y', found 1 without (test row 1)" in finding.message
    assert finding.advice.endswith("set quality.labels.missing: warn to measure without them")


def test_a_given_file_is_measured_without_unlabelled_rows_when_the_user_says_so():
    table = labelled(["a", "b", None], num_rows=(2, 0, 1))
    (finding,), leaves = check_missing(table, target_of(table), "warn")
    assert leaves.tolist() == [False, False, True]
    assert finding.severity == "warning"


def rare(labels, action, *, distinct=None, num_parts=3, **how):
    table = labelled(labels, **how)
    every = np.ones(table.num_rows, dtype=bool)
    counted = every if distinct is None else np.array(distinct)
    train = table.source_of_rows() == 0
    return check_rare(table, target_of(table), counted, train, num_parts, action)


def test_fix_drops_the_rows_of_a_class_too_small_for_every_part():
    (finding,), leaves = rare(["a"] * 3 + ["b"] * 2 + ["c"], "fix")
    assert leaves.tolist() == [False] * 3 + [True] * 3
    assert finding.message == (
        "a class must have at least 3 different rows to be in each of 3 parts, found 2 with "
        "fewer: 'b' (2), 'c' (1) (train row 4, train row 5, train row 6)"
    )
    assert finding.done == "removed their 3 rows"


def test_warn_keeps_a_rare_class_and_says_that_nothing_measures_it():
    (finding,), leaves = rare(["a"] * 3 + ["b"] * 2, "warn")
    assert not leaves.any()
    assert finding.done.startswith("their rows stay in the train part")


def test_fewer_parts_need_fewer_rows():
    assert rare(["a"] * 3 + ["b"] * 2, "warn", num_parts=2)[0] == ()


def test_copies_count_once_since_they_stay_in_one_part():
    distinct = [True] * 3 + [True, True, False]
    (finding,), _ = rare(["a"] * 3 + ["b"] * 3, "warn", distinct=distinct)
    assert "'b' (2)" in finding.message


def test_a_class_of_a_given_file_is_not_rare():
    assert rare(["a"] * 3 + ["b"], "fail", num_rows=(3, 0, 1))[0] == ()


def test_a_class_that_only_a_given_file_has_is_named():
    table = labelled(["a", "b", "c", "a", "c"], num_rows=(2, 1, 2))
    (finding,) = check_unseen(table, target_of(table), np.ones(5, dtype=bool))
    assert finding.severity == "warning"
    assert finding.message == (
        "classes of a given file must be in the train file too, found 1 that are not: 'c' (2) "
        "(validation row 1, test row 2)"
    )
