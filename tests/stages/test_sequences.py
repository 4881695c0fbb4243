"""Sequences through the whole pipeline: one group of rows, in order of time, is one example."""

import random
import re
from functools import partial
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_digits

from iovalence.config.load import load_config
from iovalence.errors import ConfigError, DataError, TrainingError
from iovalence.runs.folder import list_runs
from iovalence.splitting.split import load_split
from iovalence.stages.diagnosed import load_diagnosis
from iovalence.stages.evaluated import evaluate_stage
from iovalence.stages.explained import load_importance
from iovalence.stages.stored import ingest_stage
from iovalence.stages.used import (
    evaluate_other,
    judge_other,
    load_predictor,
    predict_table,
    stream_predictions,
)
from tests.stages.test_pipeline import same_weights

CONFIG = """data: {train_file: data.csv, target: label, group: who, time: at}
training: {model_type: rnn, layers: [8], epochs: 3, verbose: false, batch_size: 8}
"""


def make_sequences(num=60, seed=0, lengths=(2, 6), label=None, name="g"):
    """Make sequences whose label is whether they rise, rows of all mixed together."""
    rng = random.Random(seed)
    rows = []
    for number in range(num):
        rises, value = number % 2, rng.gauss(0, 1)
        for at in range(rng.randint(*lengths)):
            value += (1 if rises else -1) * rng.random()
            said = ("up" if rises else "down") if label is None else label(number, at, rises)
            rows.append(f"{name}{number},{at},{value:.5f},{rng.choice('xyz')},{said}")
    rng.shuffle(rows)
    return "\n".join(["who,at,size,kind,label", *rows]) + "\n"


def digits_table():
    """Write each image as 8 rows of 8 pixels, the rows of all images mixed."""
    digits = load_digits()
    rows = [
        f"im{number},{at}," + ",".join(f"{pixel:g}" for pixel in row) + f",{label}"
        for number, (image, label) in enumerate(zip(digits.images, digits.target, strict=True))
        for at, row in enumerate(image)
    ]
    random.Random(0).shuffle(rows)
    return "\n".join(["who,at," + ",".join(f"p{i}" for i in range(8)) + ",label", *rows]) + "\n"


def test_written_digits_are_read_row_by_row(project):
    settings = "training.epochs=12", "training.layers=[64]", "training.batch_size=32"
    finished = project(
        digits_table(), CONFIG, *settings, "optimizer=rmsprop", "learning_rate=0.003"
    )
    test = finished.result.parts[-1]
    assert test.num_rows == 270  # sequences, and not rows
    assert finished.result.flat()["test_accuracy"] >= 0.95
    assert test.baselines["linear"]["accuracy"] < 0.9


def test_a_number_is_predicted_for_each_sequence(project):
    table = make_sequences(200, label=lambda number, at, rises: f"{100 + number / 7:.3f}")
    finished = project(table, CONFIG, "data.task=regression")
    assert finished.result.flat()["test_rmse"] < 15  # of values from 100 to 128
    predicted = pq.read_table(finished.run.test_predictions)
    assert predicted.column_names == ["source", "row", "who", "num_rows", "target", "prediction"]


def prices_table():
    """Return each year of monthly prices of some shares as a sequence, with its largest fall.

    The prices are those that matplotlib ships for its examples.
    """
    path = Path(matplotlib.get_data_path()) / "sample_data" / "Stocks.csv"
    prices = pd.read_csv(path, comment="#").melt("Date", var_name="share").dropna()
    prices["change"] = np.log(prices["value"]).groupby(prices.share).diff()
    prices = prices.dropna().rename(columns={"Date": "at"})
    prices["who"] = prices.share + " " + prices["at"].str[:4]
    level = prices.groupby("who").change.cumsum()
    below = level.groupby(prices.who).cummax().clip(lower=0) - level
    prices["label"] = below.groupby(prices.who).transform("max")
    return prices[["who", "at", "change", "label"]].sample(frac=1, random_state=0)


def test_the_largest_fall_of_a_year_is_learned_from_its_months(project):
    settings = "layers=[32]", "epochs=50", "patience=15", "dropout=0.1", "optimizer=rmsprop"
    table = prices_table().to_csv(index=False)
    finished = project(table, CONFIG, *settings, "learning_rate=0.005", "batch_size=16")
    test = finished.result.parts[-1]
    assert test.metrics["r2"].value > 0.9
    assert test.baselines["linear"]["r2"] < 0.7  # it does not see the order of the months


def test_each_sequence_is_in_one_part_and_parts_count_sequences(light):
    finished = light(make_sequences(), CONFIG)
    who = [line.split(",")[0] for line in make_sequences().splitlines()[1:]]
    parts = {}
    for line in load_split(finished.run.split).to_pylist():
        parts.setdefault(who[line["row"] - 1], set()).add(line["part"])
    assert all(len(some) == 1 for some in parts.values())
    counts = pd.Series([some.pop() for some in parts.values()]).value_counts()
    assert counts.to_dict() == {"train": 42, "validation": 9, "test": 9}


def test_the_order_of_rows_in_the_file_changes_nothing(light):
    lines = make_sequences().splitlines()
    first = light(make_sequences(), CONFIG)
    by_time = [lines[0], *sorted(lines[1:], key=lambda line: line.split(",")[1])]
    again = light("\n".join(by_time) + "\n", CONFIG, "data.split=hash")
    mixed = light(make_sequences(), CONFIG, "data.split=hash")
    assert first.training.num_steps == again.training.num_steps
    assert again.result.flat()["test_accuracy"] == mixed.result.flat()["test_accuracy"]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_same_seed_gives_the_same_weights(light, empty_store, cell):
    settings = f"training.cell={cell}", "training.bidirectional=true", "training.layers=[8, 4]"
    first = light(make_sequences(), CONFIG, *settings)
    empty_store()
    assert same_weights(first, light(make_sequences(), CONFIG, *settings))
    assert not same_weights(first, light(make_sequences(), CONFIG, *settings, "seed=1"))


@pytest.mark.parametrize("block", [8, 16])
def test_a_run_killed_within_an_epoch_ends_with_the_same_weights(light, monkeypatch, block):
    monkeypatch.setattr("iovalence.training.sequences.ROWS_FOR_ONE", 4 * block / 8192)
    settings = ("optimizer=rmsprop", "gradient_clip=1.0", "class_weights=balanced")
    whole = light(make_sequences(), CONFIG, *settings)
    asked = iter([False, False, False, False, True])
    with monkeypatch.context() as patch:
        patch.setattr("iovalence.stages.trained.stopping", lambda: _Stopping(asked))
        with pytest.raises(KeyboardInterrupt):
            light(make_sequences(), CONFIG, *settings)
    (cut_off,) = [run for run in list_runs(light.workspace) if run.root != whole.run.root]
    resumed = light(make_sequences(), CONFIG, *settings, resume=cut_off)
    assert same_weights(whole, resumed)
    assert whole.result.flat() == resumed.result.flat()


@pytest.fixture
def light(project, monkeypatch):
    """Run the stages without what only people look at."""
    nothing = lambda *_, **__: None  # noqa: E731
    for name in ("effects_stage", "report_stage"):
        monkeypatch.setattr(f"tests.stages.conftest.{name}", nothing)
    evaluate = partial(evaluate_stage, with_pictures=False)
    monkeypatch.setattr("tests.stages.conftest.evaluate_stage", evaluate)
    return project


class _Stopping:
    def __init__(self, asked):
        self.asked = asked

    def __enter__(self):
        return lambda: next(self.asked, True)

    def __exit__(self, *_):
        return None


def test_a_learning_rate_is_found_on_sequences_too(light):
    finished = light(make_sequences(), CONFIG, "learning_rate=auto", "batch_size=auto")
    choices = finished.run.manifest().choices
    assert set(choices) == {"training.learning_rate", "training.batch_size"}


def test_a_loss_that_is_not_finite_ends_the_run_and_names_rows(light):
    settings = "optimizer=sgd", "learning_rate=1e30", "training.dropout=0"
    with pytest.raises(TrainingError, match=r"at step 3 \(epoch 1\), in the batch of train row"):
        light(make_sequences(), CONFIG, *settings)


def test_predictions_are_a_line_for_each_sequence_with_its_group(light):
    run = light(make_sequences(), CONFIG).run
    predicted = predict_table(run, "data.csv", light.folder)
    assert predicted.column_names == ["who", "num_rows", "prediction", "prob_down", "prob_up"]
    rows = pd.read_csv(light.folder / "data.csv")
    assert predicted["num_rows"].to_pylist() == [
        int((rows.who == who).sum()) for who in predicted["who"].to_pylist()
    ]
    assert predicted["who"].to_pylist() == rows.who.drop_duplicates().to_list()


def test_what_is_predicted_is_what_was_measured(light):
    finished = light(make_sequences(), CONFIG)
    predicted = predict_table(finished.run, "data.csv", light.folder).to_pandas()
    test = pq.read_table(finished.run.test_predictions).to_pandas()
    both = test.merge(predicted, on="who")
    assert len(both) == 9
    assert np.abs(both.prob_up_x - both.prob_up_y).max() < 1e-6


def test_figures_on_other_data_are_of_its_sequences(light):
    finished = light(make_sequences(), CONFIG)
    other = make_sequences(20, seed=9, label=lambda n, at, rises: ["Down", "UP"][rises] * (at == 0))
    (light.folder / "other.csv").write_text(other)
    result = evaluate_other(finished.run, "other.csv", light.folder)
    assert result.num_rows == 20


def test_rows_to_predict_must_have_group_and_time(light):
    run = light(make_sequences(), CONFIG).run
    rows = pd.read_csv(light.folder / "data.csv")
    rows.drop(columns="at").to_csv(light.folder / "other.csv", index=False)
    with pytest.raises(DataError, match="found none called 'at'"):
        predict_table(run, "other.csv", light.folder)
    rows.assign(at=rows["at"].where(rows.index != 4)).to_csv(
        light.folder / "other.csv", index=False
    )
    with pytest.raises(DataError, match=r"found 'at' missing in 1 of \d+ \(row 5\)"):
        predict_table(run, "other.csv", light.folder)


def test_every_fault_of_rows_to_predict_is_named_at_once(light):
    run = light(make_sequences(), CONFIG).run
    rows = pd.read_csv(light.folder / "data.csv").drop(columns=["at", "kind"])
    rows["size"] = "tall"
    rows.to_csv(light.folder / "other.csv", index=False)
    with pytest.raises(DataError) as caught:
        predict_table(run, "other.csv", light.folder)
    first, second = caught.value.faults
    assert "found none called" in first
    assert "'kind'" in first
    assert "'at'" in first
    assert "column 'size' must be numeric" in second


def test_that_unlike_sequences_are_not_looked_for_is_said(light):
    run = light(make_sequences(), CONFIG).run
    predicted = stream_predictions(run, "data.csv", light.folder)
    (table,) = predicted
    assert "unlike" not in table.column_names
    assert predicted.num_unlike is None
    (note,) = predicted.notes()
    assert note.startswith("whether sequences are unlike those trained on is not known")


def test_sequences_without_labels_are_judged_as_far_as_can_be(light):
    run = light(make_sequences(), CONFIG).run
    rows = pd.read_csv(light.folder / "data.csv")
    rows.drop(columns="label").to_csv(light.folder / "other.csv", index=False)
    judged = judge_other(run, "other.csv", light.folder)
    assert (judged.num_rows, judged.num_labelled, judged.result) == (60, 0, None)
    assert sum(judged.predicted.values()) == 60
    rows["label"] = rows["label"].where(rows.who != "g3")
    rows.to_csv(light.folder / "other.csv", index=False)
    judged = judge_other(run, "other.csv", light.folder)
    assert (judged.num_rows, judged.num_labelled, judged.result.num_rows) == (60, 59, 59)
    assert "1 sequences without a label are left out" in judged.result.notes


def test_a_threshold_is_chosen_on_the_sequences_of_the_validation_part(light):
    finished = light(make_sequences(), CONFIG, "evaluation.threshold=accuracy")
    threshold = load_predictor(finished.run).record.threshold
    assert threshold.num_rows == 9
    assert finished.result.part("validation").metrics["accuracy"].value == threshold.reached
    predicted = predict_table(finished.run, "data.csv", light.folder).to_pandas()
    assert ((predicted.prob_up >= threshold.value) == (predicted.prediction == "up")).all()


def test_gradient_boosting_sees_the_mean_of_each_sequence_beside_its_last_row(light):
    table = pd.read_csv(light.folder / _write(light, make_sequences(200)))
    table["size"] = np.where(table["label"] == "up", 1.0, -1.0) * (table["at"] == 0)
    baselines = "evaluation.baseline=[majority, linear, boosting]"
    settings = baselines, "data.exclude=[kind]", "training.epochs=1"
    test = light(table.to_csv(index=False), CONFIG, *settings).result.parts[-1]
    assert test.baselines["boosting"]["accuracy"] == 1.0
    assert set(test.baselines) == {"majority", "linear", "boosting"}


def test_a_training_on_sequences_is_diagnosed_and_its_importance_refused_in_a_line(light):
    run = light(make_sequences(), CONFIG, "learning_rate=0.00001").run
    assert load_diagnosis(run).names != ("healthy",)
    assert load_importance(run).columns == ()
    assert "is not measured for model_type: rnn" in load_importance(run).note


def test_a_label_need_stand_in_one_row_of_a_sequence_only(light):
    table = make_sequences(label=lambda n, at, rises: ["down", "up"][rises] if at == 0 else "")
    finished = light(table, CONFIG)
    assert finished.result.parts[-1].num_rows == 9
    assert same_weights(finished, light(make_sequences(), CONFIG))


def test_longer_sequences_keep_their_last_rows_and_the_counts_add_up(light):
    finished = light(make_sequences(), CONFIG, "training.max_sequence_length=3")
    removed = pd.read_csv(finished.run.removed_rows)
    rows = pd.read_csv(light.folder / "data.csv")
    last = rows.groupby("who")["at"].transform("max")
    assert sorted(removed["row"]) == sorted(rows.index[rows["at"] <= last - 3] + 1)
    assert set(removed["reason"]) == {"sequences.length"}
    predicted = predict_table(finished.run, "data.csv", light.folder)
    assert max(predicted["num_rows"].to_pylist()) == 3


def test_sequences_of_1_to_5000_rows_are_trained_together(light):
    lengths = iter([1, 5000, *range(2, 60)])
    rng = random.Random(0)
    rows = [
        f"g{number},{at},{rng.gauss(number % 2, 1):.4f},{['a', 'b'][number % 2]}"
        for number, length in enumerate(lengths)
        for at in range(length)
    ]
    table = "\n".join(["who,at,size,label", *rows]) + "\n"
    finished = light(table, CONFIG, "training.epochs=1")
    assert finished.training.num_epochs == 1
    assert len(predict_table(finished.run, "data.csv", light.folder)) == 60


def test_two_labels_in_one_sequence_are_refused_with_the_group(light):
    table = make_sequences() + "g3,99,1.0,x,down\n"
    expected = r"one 'label' in all its rows, found 1 of 60 with several: 'g3' has 'up' and 'down'"
    with pytest.raises(DataError, match=expected):
        light(table, CONFIG)


def test_too_few_groups_are_refused(light):
    header, rows = "who,at,size,kind,label\n", [f"{at},{at / 3},x" for at in range(30)]
    one = header + "".join(f"g,{row},up\n" for row in rows)
    with pytest.raises(DataError, match="must have two values at least, found only 'up'"):
        light(one, CONFIG)
    two = one + "".join(f"h,{row},down\n" for row in rows)
    with pytest.raises(DataError, match=r"must keep at least 3 different sequences, .*, got 2"):
        light(two, CONFIG)


def test_one_row_for_each_group_is_trained_with_a_warning(light):
    finished = light(make_sequences(lengths=(1, 1)), CONFIG)
    report = finished.run.quality.read_text()
    assert "each sequence has one row: name a coarser data.group" in report


def test_a_time_that_is_none_is_refused_with_its_row(light):
    table = make_sequences() + "g1,yesterday,1.0,x,up\n"
    with pytest.raises(DataError, match=r"data.time must name a column of dates or of numbers"):
        light(table, CONFIG)
    with pytest.raises(DataError, match=r"found 'at' missing in 1 of \d+ \(row \d+\)"):
        light(make_sequences() + "g1,,1.0,x,up\n", CONFIG)
    with pytest.raises(DataError, match=r"found 'who' missing in 1 of \d+ \(row \d+\)"):
        light(make_sequences() + ",1,1.0,x,up\n", CONFIG)


def test_dates_order_a_sequence_as_numbers_do(light):
    table = make_sequences()
    dated = pd.read_csv(light.folder / _write(light, table))
    dated["at"] = pd.Timestamp("2024-01-30") + pd.to_timedelta(dated["at"], unit="D")
    numbered = light(table, CONFIG)
    assert same_weights(numbered, light(dated.to_csv(index=False), CONFIG))


def _write(project, table):
    project.write(table, CONFIG)
    return "data.csv"


def test_a_given_file_brings_sequences_of_its_own(light):
    (light.folder / "test.csv").write_text(make_sequences(20, seed=5, name="other"))
    finished = light(make_sequences(), CONFIG, "data.test_file=test.csv")
    assert finished.result.parts[-1].num_rows == 20


def test_a_sequence_that_a_given_file_copies_leaves_train_whole(light):
    lines = make_sequences().splitlines()
    copied = [f"other,{line.split(',', 1)[1]}" for line in lines if line.startswith("g20,")]
    extra = make_sequences(20, seed=5, name="new").splitlines()[1:]
    (light.folder / "test.csv").write_text("\n".join([lines[0], *copied, *extra]) + "\n")
    finished = light(make_sequences(), CONFIG, "data.test_file=test.csv")
    left = pd.read_csv(finished.run.removed_rows)
    who = pd.read_csv(light.folder / "data.csv").who
    assert set(left["reason"]) == {"leakage.copies"}
    assert sorted(left["row"]) == [*(np.flatnonzero(who == "g20") + 1)]


def test_a_sequence_that_is_a_copy_leaves_and_repeated_rows_in_one_stay(light):
    table = make_sequences() + "".join(f"{who},{at},1.5,x,up\n" for who in "ab" for at in (1, 1, 2))
    finished = light(table, CONFIG)
    left = pd.read_csv(finished.run.removed_rows)
    assert set(left["reason"]) == {"duplicates.exact"}
    who = pd.read_csv(light.folder / "data.csv").who
    assert [*who[left["row"] - 1]] == ["b", "b", "b"]
    assert "1 rows have the time of the row before" not in finished.run.quality.read_text()
    assert "2 rows have the time of the row before" in finished.run.quality.read_text()


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("data.group=none", "data.group must name a column with training.model_type: rnn"),
        ("data.time=none", "data.time must name a column with training.model_type: rnn"),
        ("data.split=time", "data.split must be group or hash with training.model_type: rnn"),
        ("data.split=random", "data.split must be group or hash with training.model_type: rnn"),
        ("training.layers=[]", "layers must have a width at least with model_type: rnn"),
        ("training.cell=rnn", "training.cell must be one of gru, lstm"),
        ("training.mixed_precision=true", "mixed_precision must be auto or false"),
    ],
)
def test_what_does_not_go_with_sequences_is_refused_in_one_line(project, override, line):
    with pytest.raises(ConfigError, match=line) as caught:
        project(make_sequences(), CONFIG, override)
    assert len(str(caught.value).splitlines()) == 1


def test_the_store_keeps_sequences_and_rows_of_one_table_apart(light):
    light(make_sequences(), CONFIG)
    rows = light(make_sequences(), CONFIG, "training.model_type=neural_network")
    assert not rows.run.manifest().stages["checks"].reused
    assert ingest_stage(rows.loaded).reused


def test_the_example_of_the_page_on_sequences_is_accepted(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "sequences.md").read_text()
    path = tmp_path / "config.yaml"
    path.write_text(re.findall(r"^```yaml\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)[0])
    assert load_config(path).config.training.model_type == "rnn"
