"""A finished model on other tables."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from iovalence.errors import ConfigError, DataError
from iovalence.stages.used import (
    evaluate_other,
    judge_other,
    load_predictor,
    predict_table,
    stream_predictions,
)
from iovalence.stages.written import check_out, write_tables
from tests.stages.test_pipeline import CONFIG, make_table


@pytest.fixture
def run(project):
    return project(make_table(), CONFIG).run


def test_predictions_keep_the_number_and_order_of_rows(run, tmp_path):
    rows = make_table(300, seed=5)
    (tmp_path / "new.csv").write_text(rows)
    whole = predict_table(run, "new.csv", tmp_path)
    lines = rows.splitlines()
    (tmp_path / "reversed.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    backwards = predict_table(run, "reversed.csv", tmp_path)
    assert whole["row"].to_pylist() == list(range(1, 301))
    assert whole["prob_yes"].to_pylist() == pytest.approx(backwards["prob_yes"].to_pylist()[::-1])


def test_predictions_equal_those_of_the_test_part(run, tmp_path):
    recorded = pq.read_table(run.test_predictions).to_pylist()
    predicted = predict_table(run, "data.csv", tmp_path).to_pylist()
    for line in recorded:
        assert predicted[line["row"] - 1]["prob_yes"] == pytest.approx(line["prob_yes"], abs=1e-6)


def test_unseen_categories_and_missing_values_are_taken(run, tmp_path):
    (tmp_path / "new.csv").write_text("colour,size\npurple,1.0\n,\nred,\n")
    predicted = predict_table(run, "new.csv", tmp_path)
    assert predicted.num_rows == 3
    assert set(predicted["prediction"].to_pylist()) <= {"yes", "no"}


def test_a_missing_column_is_named(run, tmp_path):
    (tmp_path / "new.csv").write_text("size,label\n1.0,yes\n")
    with pytest.raises(DataError, match="none called 'colour'"):
        predict_table(run, "new.csv", tmp_path)


def test_a_value_that_does_not_fit_is_named(run, tmp_path):
    (tmp_path / "new.csv").write_text("size,colour\n1.0,red\nlarge,red\n")
    with pytest.raises(DataError, match="'large'"):
        predict_table(run, "new.csv", tmp_path)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_predictions_are_written_as_asked(run, tmp_path, suffix):
    out = tmp_path / f"out.{suffix}"
    write_tables(stream_predictions(run, "data.csv", tmp_path), str(out), "data.csv")
    if suffix == "parquet":
        written = pq.read_table(out)
    else:
        options = pa_csv.ParseOptions(delimiter="," if suffix == "csv" else "\t")
        written = pa_csv.read_csv(out, parse_options=options)
    assert written.column_names == ["row", "prediction", "prob_no", "prob_yes", "unlike"]
    assert written.num_rows == 200


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_predictions_in_batches_are_those_of_all_at_once(run, tmp_path, monkeypatch, suffix):
    table = pa_csv.read_csv(tmp_path / "data.csv")
    pq.write_table(table, tmp_path / "new.parquet")
    whole = predict_table(run, "new.parquet", tmp_path)
    monkeypatch.setattr("iovalence.data.columnar.BATCH_ROWS", 7)
    tables = list(stream_predictions(run, "new.parquet", tmp_path))
    assert max(some.num_rows for some in tables) == 7
    out = tmp_path / f"out.{suffix}"
    assert write_tables(iter(tables), str(out), "new.parquet") == whole.num_rows
    read = {"csv": pa_csv.read_csv, "parquet": pq.read_table}[suffix]
    found = read(out)
    assert found["row"].to_pylist() == whole["row"].to_pylist()
    assert found["prediction"].to_pylist() == whole["prediction"].to_pylist()
    assert found["prob_yes"].to_pylist() == pytest.approx(whole["prob_yes"].to_pylist(), abs=1e-6)


def test_a_fault_in_the_last_batch_leaves_no_file(run, tmp_path, monkeypatch):
    rows = pa.table({"size": ["1.0"] * 99 + ["large"], "colour": ["red"] * 100})
    pq.write_table(rows, tmp_path / "new.parquet")
    monkeypatch.setattr("iovalence.data.columnar.BATCH_ROWS", 10)
    out = tmp_path / "out.csv"
    with pytest.raises(DataError, match="'large'"):
        write_tables(stream_predictions(run, "new.parquet", tmp_path), str(out), "new.parquet")
    assert not out.exists()
    assert not list(tmp_path.glob(".out.csv*"))


def test_standard_output_gets_all_or_nothing(run, tmp_path, capfdbinary):
    (tmp_path / "bad.csv").write_text("size,colour\n1.0,red\nlarge,red\n")
    with pytest.raises(DataError, match="'large'"):
        write_tables(stream_predictions(run, "bad.csv", tmp_path), "-", "bad.csv")
    assert capfdbinary.readouterr().out == b""
    assert write_tables(stream_predictions(run, "data.csv", tmp_path), "-", "data.csv") == 200
    assert capfdbinary.readouterr().out.count(b"\n") == 201


def test_a_table_without_rows_has_no_predictions(run, tmp_path):
    pq.write_table(
        pa.table({"size": [1.0], "colour": ["red"]}).slice(0, 0), tmp_path / "no.parquet"
    )
    assert predict_table(run, "no.parquet", tmp_path).num_rows == 0


def test_the_data_is_never_written_over(tmp_path):
    data = tmp_path / "data.csv"
    data.write_text("a\n1\n")
    with pytest.raises(ConfigError, match="--out must be another file than the data"):
        check_out(str(data), str(data))


def test_an_unknown_ending_is_refused():
    with pytest.raises(ConfigError, match=r"--out must end in \.csv, \.tsv, \.parquet, \.arrow"):
        check_out("out.xlsx", "data.csv")


def test_a_model_is_measured_on_other_data_with_its_spellings(run, tmp_path):
    rows = make_table(200, seed=7)
    (tmp_path / "plain.csv").write_text(rows)
    (tmp_path / "spelled.csv").write_text(rows.replace(",yes", ", YES.").replace(",no", ",No"))
    plain = evaluate_other(run, "plain.csv", tmp_path)
    (tmp_path / "said.csv").write_text(rows.replace(",yes", ",TRUE").replace(",no", ",0"))
    spelled = evaluate_other(run, "spelled.csv", tmp_path)
    assert plain.metrics == spelled.metrics == evaluate_other(run, "said.csv", tmp_path).metrics
    assert plain.metrics["accuracy"].low < plain.metrics["accuracy"].value


def test_figures_of_batches_are_those_of_all_rows_at_once(run, tmp_path, monkeypatch):
    pq.write_table(pa_csv.read_csv(tmp_path / "data.csv"), tmp_path / "new.parquet")
    whole = evaluate_other(run, "new.parquet", tmp_path)
    monkeypatch.setattr("iovalence.data.columnar.BATCH_ROWS", 7)
    in_batches = evaluate_other(run, "new.parquet", tmp_path)
    assert in_batches.confusion_matrix == whole.confusion_matrix
    loss = whole.metrics["log_loss"].value
    assert in_batches.metrics["log_loss"].value == pytest.approx(loss, abs=1e-6)


def test_rows_without_a_label_are_left_out_with_a_note(run, tmp_path):
    (tmp_path / "new.csv").write_text(make_table(20, seed=7) + "1.0,red,\n")
    result = evaluate_other(run, "new.csv", tmp_path)
    assert result.num_rows == 20
    assert result.notes[0] == "1 rows without a label are left out"


def test_data_without_any_label_cannot_be_measured(run, tmp_path):
    (tmp_path / "new.csv").write_text("size,colour,label\n1.0,red,\n2.0,red,\n")
    with pytest.raises(DataError, match="must have values of the target 'label', got none in 2"):
        evaluate_other(run, "new.csv", tmp_path)


def test_a_damaged_model_is_named(run):
    path = run.model / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(OSError, match="the model's weights must be whole"):
        load_predictor(run)


def test_all_faults_of_the_data_are_named_at_once(run, tmp_path):
    (tmp_path / "new.csv").write_text("size,label\nlarge,yes\ninf,no\n1.0,no\n")
    with pytest.raises(DataError) as caught:
        predict_table(run, "new.csv", tmp_path)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "none called 'colour'" in lines[0]
    assert "must hold finite numbers, found inf in row 2" in lines[1]
    assert "'large' (row 1)" in lines[2]


def test_what_should_be_known_of_the_rows_is_told(run, tmp_path):
    (tmp_path / "new.csv").write_text("size,colour,age\n1.0,purple,7\n1e6,red,8\n")
    predicted = stream_predictions(run, "new.csv", tmp_path)
    (table,) = predicted
    told = "\n".join(predicted.notes())
    assert table["unlike"].to_pylist() == [True, True]
    assert predicted.num_unlike == 2
    assert "are not used: 'age'" in told
    assert "'colour' in 1 rows" in told
    assert "2 of 2 rows (100.0%) are unlike those trained on" in told


def test_a_model_saved_without_likeness_still_predicts_and_says_so(run, tmp_path):
    (run.model / "likeness.json").unlink()
    predicted = stream_predictions(run, "data.csv", tmp_path)
    assert all("unlike" not in table.column_names for table in predicted)
    assert any("is not known" in note for note in predicted.notes())


def test_rows_without_labels_are_described(run, tmp_path):
    (tmp_path / "new.csv").write_text("size,colour\n1.0,red\n2.0,blue\n")
    judged = judge_other(run, "new.csv", tmp_path)
    assert judged.result is None
    assert (judged.num_rows, judged.num_labelled) == (2, 0)
    assert sum(judged.predicted.values()) == 2


def test_labels_unknown_to_the_model_are_named(run, tmp_path):
    (tmp_path / "new.csv").write_text(make_table(20, seed=7) + "1.0,red,maybe\n")
    result = evaluate_other(run, "new.csv", tmp_path)
    assert "labels that the model does not know: 'maybe' (1)" in result.notes


@pytest.mark.parametrize("suffix", ["csv.gz", "tsv.zst", "arrow"])
def test_what_is_written_can_be_read_again(run, tmp_path, suffix):
    out = tmp_path / f"out.{suffix}"
    write_tables(stream_predictions(run, "data.csv", tmp_path), str(out), "data.csv")
    if suffix == "arrow":
        assert pa.ipc.open_file(out).read_all().num_rows == 200
    else:
        assert pa.input_stream(str(out), compression="detect").read().count(b"\n") == 201


def test_a_threshold_chosen_on_the_validation_part_is_used_everywhere(project, tmp_path):
    finished = project(make_table(), CONFIG, "evaluation.threshold=f1")
    predictor = load_predictor(finished.run)
    threshold = predictor.record.threshold
    assert threshold.metric == "f1"
    assert threshold.reached >= threshold.at_half
    predicted = predict_table(finished.run, "data.csv", tmp_path)
    is_yes = pc.equal(predicted["prediction"], "yes")
    assert is_yes.to_pylist() == [p >= threshold.value for p in predicted["prob_yes"].to_pylist()]
    assert "chosen on the" in finished.result.main_part.notes[0]


def test_a_threshold_given_as_a_number_is_taken(project):
    finished = project(make_table(), CONFIG, "evaluation.threshold=0.999")
    part = finished.result.main_part
    assert "from a probability of 0.999 on, as evaluation.threshold says" in part.notes[0]
    assert part.per_class[1].recall == pytest.approx(0, abs=0.2)


def test_a_threshold_cannot_be_chosen_without_a_validation_part(project):
    with pytest.raises(ConfigError, match="must have a validation part to choose on"):
        project(make_table(), CONFIG, "evaluation.threshold=f1", "data.validation_split=0")
