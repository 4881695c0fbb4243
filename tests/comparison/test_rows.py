"""Which rows two runs are compared on."""

import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iovalence.comparison.compare import compare_runs
from iovalence.comparison.rows import SharedRows, share_rows
from iovalence.comparison.side import open_sides
from iovalence.evaluation.result import EvaluationResult
from iovalence.runs.store import store_folder
from tests.comparison.conftest import without_test_part


def share(*runs):
    return share_rows(*open_sides(runs))


def test_rows_of_other_data_are_found_again_by_what_they_hold(trained):
    first, grown = (EvaluationResult.load(trained[name].metrics) for name in ("first", "grown"))
    shared = share(trained["first"], trained["grown"])
    assert not shared.is_by_number
    # More rows were added at the end, and hash leaves each in its part.
    assert len(shared.y_true) == shared.num_first == first.part("test").num_rows
    assert shared.num_other == grown.part("test").num_rows > shared.num_first


def test_a_row_that_either_run_trained_on_is_left_out(trained):
    split = pq.read_table(trained["grown"].split)
    backup = trained["grown"].split.read_bytes()
    numbers = share(trained["first"], trained["grown"])
    test_rows = np.flatnonzero(np.array(split["part"]) == "test")[:5]
    parts = np.array(split["part"].to_pylist(), dtype=object)
    parts[test_rows] = "train"
    pq.write_table(split.set_column(2, "part", pa.array(parts)), trained["grown"].split)
    try:
        fewer = share(trained["first"], trained["grown"])
    finally:
        trained["grown"].split.write_bytes(backup)
    assert len(fewer.y_true) == len(numbers.y_true) - 5


def test_runs_without_a_row_in_common_say_so_in_a_line(first, altered):
    rows = pq.read_table(altered.test_predictions)
    shift = pa.array(np.full(rows.num_rows, 1000))
    moved = pa.compute.add(rows["row"], shift)
    pq.write_table(rows.set_column(1, "row", moved), altered.test_predictions)
    (pair,) = compare_runs([first, altered]).pairs
    assert pair.rows is None
    assert pair.metrics == ()
    assert pair.notes == (
        "no row is in the test part of both: the runs' own figures are shown alone",
    )


def test_a_row_whose_label_differs_between_the_runs_is_left_out_and_counted(first, altered):
    rows = pq.read_table(altered.test_predictions)
    labels = rows["target"].to_pylist()
    labels[0] = "yes" if labels[0] == "no" else "no"
    pq.write_table(rows.set_column(2, "target", pa.array(labels)), altered.test_predictions)
    shared = share(first, altered)
    assert len(shared.y_true) == rows.num_rows - 1
    assert shared.notes == ("1 row is left out: another label in the other run",)


def test_classes_in_another_order_are_the_same_classes(first, altered):
    result = EvaluationResult.load(altered.metrics)
    assert result.classes == ("no", "yes")
    model = (altered.model / "model.json").read_text()
    result.model_copy(update={"classes": ("yes", "no")}).save(altered.metrics)
    turned = model.replace('"no",\n      "yes"', '"yes",\n      "no"')
    assert turned != model
    (altered.model / "model.json").write_text(turned)
    shared = share(first, altered)
    assert isinstance(shared, SharedRows)
    assert np.array_equal(shared.first.probs, shared.other.probs)
    assert len(shared.y_true) == shared.num_first


def test_runs_that_never_saw_the_test_part_are_compared_on_the_validation_part(
    first, faster, tmp_path
):
    workspace = tmp_path / "runs"
    shutil.copytree(store_folder(first.root.parents[1]), store_folder(tmp_path))
    copies = [without_test_part(run, workspace) for run in (first, faster)]
    (pair,) = compare_runs(copies).pairs
    own = EvaluationResult.load(first.metrics).part("validation")
    assert (pair.rows.part, pair.rows.num_rows) == ("validation", own.num_rows)
    assert "the validation part chose the epoch" in pair.rows.notes[0]
    for one in pair.metrics:
        assert one.first == pytest.approx(own.metrics[one.name].value, abs=1e-5)


def test_a_table_that_is_needed_and_gone_is_told(first, trained, tmp_path):
    copies = [tmp_path / "runs" / trained[name].run_id for name in ("first", "grown")]
    for copy in copies:
        shutil.copytree(first.root.with_name(copy.name), copy)
    shared = share(*(type(first)(copy) for copy in copies))
    assert "must hold the table of run" in shared
    assert "which matches rows of other data, but it is gone" in shared
