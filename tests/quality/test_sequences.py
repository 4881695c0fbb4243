"""What the checks of rows mean where the rows are sequences."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.data.schema import Column, TableSchema
from iovalence.data.sequences import find_sequences, order_rows
from iovalence.data.table import Table
from iovalence.errors import DataError
from iovalence.quality.section import QualitySection
from iovalence.quality.sequences import check_sequences, first_alike


def make_table(rows, weight=None):
    """Make a table of rows (group, time, size, label)."""
    who, at, size, label = zip(*rows, strict=True)
    columns = [
        Column(name="who", kind="identifier", role="group"),
        Column(name="at", kind="numeric", role="time"),
        Column(name="size", kind="numeric", role="feature"),
        Column(name="label", kind="categorical", role="target"),
    ]
    arrays = [pa.array(who), pa.array(at, pa.float64()), pa.array(size, pa.float64())]
    arrays.append(pa.array(label, pa.string()))
    if weight is not None:
        columns.append(Column(name="weight", kind="numeric", role="weight"))
        arrays.append(pa.array(weight, pa.float64()))
    schema = TableSchema(
        columns=tuple(columns),
        target="label",
        task="classification",
        task_reason="",
        num_rows=(len(rows), 0, 0),
        files=(),
    )
    return Table(schema, pa.table(arrays, names=[column.name for column in columns]))


def check(table, max_length=None, **actions):
    return check_sequences(
        table,
        QualitySection(**actions),
        num_parts_split=1,
        class_weights_given=False,
        max_length=max_length,
    )


def reasons(checked):
    return checked.reason.tolist()


ROWS = [("a", 1, 5.0, "no"), ("b", 1, 6.0, "yes"), ("a", 2, 5.5, None), ("b", 2, 6.5, "Yes.")]


def found(checked, name):
    return [one for one in checked.findings if one.check == name]


def test_a_row_without_a_label_takes_that_of_its_sequence_in_any_spelling():
    checked = check(make_table(ROWS))
    assert checked.target.to_pylist() == ["no", "yes", "no", "yes"]
    assert checked.keep.all()
    (finding,) = found(checked, "sequences")
    assert finding.message == (
        "2 sequences in 4 rows, 2 to 2 rows each, 2 in the middle; "
        "1 rows without a label have that of their sequence"
    )


def test_a_sequence_without_any_label_leaves_whole():
    rows = [*ROWS, ("c", 1, 7.0, None), ("c", 2, 7.0, None)]
    assert reasons(check(make_table(rows))) == [""] * 4 + ["labels.missing"] * 2


def test_a_sequence_is_a_copy_when_its_rows_agree_in_order():
    backwards = [("c", 1, 5.5, "no"), ("c", 2, 5.0, "no")]
    copied = [("d", 2, 5.5, "no"), ("d", 1, 5.0, "no")]
    shorter = [("e", 1, 5.0, "no")]
    checked = check(make_table([*ROWS, *backwards, *copied, *shorter]))
    assert reasons(checked) == [""] * 6 + ["duplicates.exact"] * 2 + [""]
    assert checked.first_copy.tolist() == [0, 1, 2, 3, 4, 5, 2, 0, 8]
    (finding,) = found(checked, "duplicates.exact")
    assert finding.message.startswith("sequences of the train file must differ, found 1 of")


def test_sequences_that_contradict_each_other_are_told_and_dropped_whole():
    torn = [("c", 1, 5.0, "yes"), ("c", 7, 5.5, "yes")]
    told = check(make_table([*ROWS, *torn]))
    (finding,) = found(told, "duplicates.conflicting")
    assert finding.count == 2
    assert told.keep.all()
    rows = [*ROWS, *torn, ("d", 1, 9.0, "no")]
    dropped = check(make_table(rows), duplicates={"conflicting": "fix"})
    assert [why == "duplicates.conflicting" for why in reasons(dropped)] == [
        *(row[0] in "ac" for row in rows)
    ]


def test_what_compares_single_rows_says_that_it_did_not_look():
    (finding,) = found(check(make_table(ROWS)), "duplicates.near")
    assert finding.severity == "info"
    assert "were not looked for: the check compares single rows" in finding.message


def test_classes_are_counted_by_sequences():
    rows = [*ROWS, *(("b", at, at / 7, "yes") for at in range(3, 40))]
    (finding,) = found(check(make_table(rows)), "balance")
    assert "'no' 1 (50 %), 'yes' 1 (50 %)" in finding.message


def test_what_is_before_the_last_rows_leaves_with_its_reason():
    rows = [*ROWS, ("a", 3, 1.0, "no"), ("a", 0, 2.0, "no")]
    checked = check(make_table(rows), max_length=2)
    assert reasons(checked) == ["sequences.length", "", "", "", "", "sequences.length"]
    (finding,) = found(checked, "sequences")
    assert finding.done == (
        "1 sequences longer than training.max_sequence_length: 2 keep their last rows, 2 rows left"
    )
    assert [one.kept for one in checked.report.counts] == [4]


def test_two_labels_and_two_weights_of_one_sequence_are_refused():
    with pytest.raises(DataError, match="found 1 of 2 with several: 'b' has 'yes' and 'maybe'"):
        check(make_table([*ROWS, ("b", 3, 1.0, "maybe")]))
    with pytest.raises(DataError, match="found 1 of 2 with several: 'a'; a weight is"):
        check(make_table(ROWS, weight=[1, 1, 2, 1]))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1)), min_size=1, max_size=40))
def test_the_first_alike_is_the_first_with_the_same_rows_in_order(pairs):
    group, kind = (np.array(values) for values in zip(*pairs, strict=True))
    sequences = order_rows(group, np.arange(len(group)))
    whole = [tuple(kind[sequences.take(np.array([at])).rows]) for at in range(sequences.number)]
    assert first_alike(kind, sequences).tolist() == [whole.index(some) for some in whole]


def test_sequences_that_are_kept_apart_are_never_alike():
    table = make_table([("a", 1, 5.0, "no"), ("b", 1, 5.0, "no")])
    sequences, kind = find_sequences(table), np.zeros(2, np.int64)
    assert first_alike(kind, sequences).tolist() == [0, 0]
    assert first_alike(kind, sequences, np.array([0, 1])).tolist() == [0, 1]


def make_copied(num):
    """Make sequences of two rows of which the last equals the first."""
    rows = [
        (f"g{one}", at, one % (num - 1) + at / 10, ["no", "yes"][one % (num - 1) % 2])
        for one in range(num)
        for at in (1, 2)
    ]
    return make_table(rows)


@pytest.mark.parametrize(("num", "severity"), [(41, "info"), (11, "warning")])
def test_a_fix_that_takes_much_is_a_warning_by_sequences(num, severity):
    checked = check(make_copied(num))
    (finding,) = found(checked.report, "duplicates.exact")
    assert (finding.severity, finding.count) == (severity, 1)
    assert finding.done == "removed 1 sequence, the first of each kind stays"


def test_an_id_that_two_sequences_share_is_reported_and_one_within_a_sequence_is_not():
    def look(*ids):
        table = make_table([("a", 1, 5.0, "no"), ("a", 2, 5.5, "no"), ("b", 1, 6.0, "yes")])
        columns = (*table.schema.columns, Column(name="id", kind="identifier", role="id"))
        schema = table.schema.model_copy(update={"columns": columns})
        rows = table.columns.append_column("id", pa.array(ids))
        return found(check(Table(schema, rows)).report, "duplicates.id")

    assert look("x", "x", "y") == []
    (finding,) = look("x", "x", "x")
    assert finding.count == 2
    assert "found 2 of 2 sequences that differ and share 1 of its values" in finding.message
