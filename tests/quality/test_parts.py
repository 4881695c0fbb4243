import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.errors import DataError
from iovalence.quality.checks import check_rows
from iovalence.quality.parts import CheckedParts, check_parts
from iovalence.quality.removed import write_removed_rows
from iovalence.quality.section import LeakageChecks, QualitySection
from tests.quality.tables import build_table


def check(table, part=None, *, quality=None, **leakage):
    section = QualitySection(**(quality or {}))
    checked = check_rows(table, section, num_parts_split=1, class_weights_given=False)
    part = table.source_of_rows() if part is None else np.array(part, dtype=np.int8)
    part = np.where(checked.keep, part, -1).astype(np.int8)
    return check_parts(table, checked, part, LeakageChecks(**leakage))


def files():
    x = [1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 2.0, 6.0, 3.0, 7.0]
    labels = ["a", "a", "b", "a", "b", "a", "b", "a", "a.", "b"]
    return build_table({"x": x, "y": labels}, num_rows=(6, 2, 2))


def test_copies_leave_train_with_their_reason_and_the_counts_add_up():
    parts = check(files())
    assert parts.part.tolist() == [0, -1, -1, -1, 0, 0, 1, 1, 2, 2]
    assert parts.report.counts[0].removed == {"duplicates.exact": 1, "leakage.copies": 2}
    assert parts.leaked.tolist() == [2]
    assert all(one.kept + sum(one.removed.values()) == one.num_rows for one in parts.report.counts)


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, 2.0]), st.sampled_from(["a", "b", None])), max_size=20
    ),
    st.sampled_from(["off", "warn", "fix", "fail"]),
)
def test_every_row_is_in_a_part_or_has_a_reason(tmp_path_factory, rows, action):
    first = [(float(at), "ab"[at % 2]) for at in range(5, 11)]
    last = [(0.0, "a"), (1.0, "b"), (3.0, "a"), (1.0, "b"), (4.0, "b")]
    x, y = zip(*first, *rows, *last, strict=True)
    table = build_table({"x": x, "y": y}, num_rows=(len(x) - 5, 3, 2))
    parts = check(table, quality={"labels": "warn"}, copies=action)
    assert ((parts.part >= 0) == (parts.reason == "")).all()
    counts = parts.report.counts
    assert sum(one.kept for one in counts) == int((parts.part >= 0).sum())
    assert all(one.kept + sum(one.removed.values()) == one.num_rows for one in counts)
    path = tmp_path_factory.mktemp("removed") / "rows.csv"
    write_removed_rows(path, table, parts.reason)
    assert len(pd.read_csv(path)) == int((parts.part < 0).sum())


@pytest.mark.parametrize(("num_train", "severity"), [(20, "info"), (19, "warning")])
def test_copies_that_are_more_than_a_twentieth_of_train_are_a_warning(num_train, severity):
    x = [*map(float, range(num_train)), 0.0, 99.0]
    table = build_table(
        {"x": x, "y": [*("ab" * 10)[:num_train], "a", "b"]}, num_rows=(num_train, 0, 2)
    )
    (finding,) = [one for one in check(table).report.findings if one.check == "leakage.copies"]
    assert finding.severity == severity


def test_what_is_saved_is_loaded(tmp_path):
    parts = check(files())
    parts.save(tmp_path)
    loaded = CheckedParts.load(tmp_path)
    assert loaded.report == parts.report
    for name in ("part", "reason", "leaked"):
        assert getattr(loaded, name).tolist() == getattr(parts, name).tolist()


def test_groups_of_given_files_fail_and_leave_train_when_they_are_to_be_fixed():
    columns = {"x": np.arange(8.0), "g": [*"uvwxyz", "u", "v"], "y": ["a", "b"] * 4}
    table = build_table(columns, num_rows=(6, 0, 2), group="g")
    (failure,) = check(table).report.findings
    assert (failure.check, failure.severity) == ("leakage.group", "failure")
    fixed = check(table, group="fix")
    assert fixed.reason.tolist() == ["leakage.group"] * 2 + [""] * 6
    assert fixed.report.findings[0].done == "took 2 out of train"


def test_a_part_that_loses_everything_is_refused():
    table = build_table({"x": [1.0, 2.0, 1.0, 2.0], "y": [*"abab"]}, num_rows=(2, 0, 2))
    with pytest.raises(DataError, match=r"the train part must keep rows of its own, got none: the"):
        check(table)


def test_a_train_part_that_loses_its_classes_is_refused():
    table = build_table({"x": [1.0, 2.0, 3.0, 2.0], "y": [*"abab"]}, num_rows=(3, 0, 1))
    with pytest.raises(DataError, match=r"keep 2 different values of 'y', got 2 rows, all 'a'"):
        check(table)


def leaky(**columns):
    rng = np.random.default_rng(0)
    labels = rng.choice(["a", "b"], 200)
    order = rng.permutation(200).astype(float)
    return build_table({**columns, "no": order, "copy": np.where(labels == "a", "u", "v"),
                        "y": labels})  # fmt: skip


def test_features_that_must_not_be_used_are_left_out():
    table = leaky(x=np.random.default_rng(1).normal(size=200))
    parts = check(table, [0] * 140 + [1] * 30 + [2] * 30, target="fix")
    assert parts.report.left_out == ("no", "copy")


def test_a_table_without_a_feature_left_is_refused_with_their_names():
    with pytest.raises(DataError, match=r"quality.leakage leaves out 'no', 'copy', all there are"):
        check(leaky(), [0] * 200, target="fix")
