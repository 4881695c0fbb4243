"""A finished model on other tables."""

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from iovalence.errors import ConfigError, DataError
from iovalence.stages.used import (
    check_out,
    evaluate_other,
    load_predictor,
    predict_table,
    stream_predictions,
    write_tables,
)
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
    assert written.column_names == ["row", "prediction", "prob_no", "prob_yes"]
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
    with pytest.raises(ConfigError, match=r"--out must end in \.csv, \.tsv, \.parquet, or be -"):
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
