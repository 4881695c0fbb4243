"""The pipeline as a whole, on tables made for it."""

import csv
import json
import random
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest

from iovalence.data.preprocessing import Preprocessing
from iovalence.errors import ConfigError, DataError, GateError, TrainingError
from iovalence.runs.folder import list_runs
from iovalence.runs.manifest import hash_file
from iovalence.splitting.split import load_split

CONFIG = "data: {train_file: data.csv}\ntraining: {epochs: 3, verbose: false}\n"


def make_table(num_rows=200, seed=0, regression=False):
    """Make rows with numbers, categories, a gap here and there, and a label that follows them."""
    rng = random.Random(seed)
    lines = ["size,colour,label"]
    for _ in range(num_rows):
        size, colour = rng.gauss(0, 1), rng.choice(["red", "green", "blue"])
        score = size + (colour == "red")
        label = f"{100 + 20 * score:.3f}" if regression else ("yes" if score > 0.3 else "no")
        lines.append(f"{'' if rng.random() < 0.05 else f'{size:.6f}'},{colour},{label}")
    return "\n".join(lines) + "\n"


def weights(finished):
    return (finished.run.model / "weights.safetensors").read_bytes()


def tensors(finished):
    from safetensors.torch import load_file

    return load_file(finished.run.model / "weights.safetensors")


def same_weights(one, other):
    ours, theirs = tensors(one), tensors(other)
    return all(bool((ours[name] == theirs[name]).all()) for name in ours)


def test_a_run_leaves_the_files_of_the_contract(project):
    finished = project(make_table(), CONFIG)
    names = {path.name for path in finished.run.root.iterdir()}
    assert names >= {
        "config.yaml",
        "config.resolved.yaml",
        "quality.json",
        "quality.html",
        "removed_rows.csv",
        "split.parquet",
        "preprocessing.json",
        "journal.jsonl",
        "checkpoints",
        "model",
        "test_predictions.parquet",
        "metrics.json",
        "importance.json",
        "curves.json",
        "mistakes.json",
        "report.html",
        "manifest.json",
    }
    assert {path.name for path in finished.run.model.iterdir()} == {
        "weights.safetensors",
        "model.json",
        "likeness.json",
    }
    assert not [path for path in finished.run.root.rglob("*") if path.suffix in (".pkl", ".pt")]


def test_the_manifest_holds_the_hash_of_every_file(project):
    run = project(make_table(), CONFIG).run
    files = run.manifest().files
    assert files["metrics.json"] == hash_file(run.metrics)
    assert files["model/weights.safetensors"] == hash_file(run.model / "weights.safetensors")
    assert run.config.read_text() == CONFIG


def test_the_same_seed_gives_the_same_weights_with_an_emptied_store(project, empty_store):
    first = project(make_table(), CONFIG)
    empty_store()
    again = project(make_table(), CONFIG)
    other = project(make_table(), CONFIG, "seed=43")
    assert same_weights(first, again)
    assert first.result.flat() == again.result.flat()
    assert not same_weights(first, other)


def test_a_second_run_takes_stages_from_the_store(project):
    project(make_table(), CONFIG)
    stages = project(make_table(), CONFIG, "training.dropout=0.1").run.manifest().stages
    reused = [name for name, cost in stages.items() if cost.reused]
    assert reused == ["table", "checks", "profile", "suspects", "parts", "split", "prepared"]


def test_parts_follow_the_arithmetic_of_the_page(project):
    sizes = "validation_split: 0.2, test_size: 0.2"
    config = f"data: {{train_file: data.csv, {sizes}}}\ntraining: {{epochs: 1}}\n"
    table = "size,label\n" + "".join(f"{n / 7},{n % 3 == 0}\n" for n in range(1000))
    split = load_split(project(table, config).run.split)
    counts = {
        part: sum(value == part for value in split["part"].to_pylist())
        for part in ("train", "validation", "test")
    }
    assert counts == {"train": 600, "validation": 200, "test": 200}


def test_two_parts_never_share_a_row(project):
    table = make_table(100) + "\n".join(make_table(100).splitlines()[1:40]) + "\n"
    for action in ("fix", "off"):
        finished = project(table, CONFIG, f"quality.duplicates.exact={action}")
        rows = table.splitlines()[1:]
        parts: dict[str, set[str]] = {}
        for line in load_split(finished.run.split).to_pylist():
            parts.setdefault(line["part"], set()).add(rows[line["row"] - 1])
        assert len(set.union(*parts.values())) == sum(map(len, parts.values()))


def test_changing_the_test_rows_changes_no_fitted_value(project):
    first = project(make_table(), CONFIG)
    split = load_split(first.run.split).to_pylist()
    in_test = {line["row"] for line in split if line["part"] == "test"}
    lines = make_table().splitlines()
    # Ids keep the rows apart; the labels stay, so that the split stays.
    changed = [
        f"{1000 + number},black,{line.rsplit(',', 1)[1]}" if number in in_test else line
        for number, line in enumerate(lines[1:], 1)
    ]
    second = project("\n".join([lines[0], *changed]) + "\n", CONFIG)
    assert load_split(second.run.split).equals(load_split(first.run.split))
    assert Preprocessing.load(second.run.preprocessing) == Preprocessing.load(
        first.run.preprocessing
    )
    assert same_weights(first, second)


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [
        ("validation_split: 0", {"train", "test"}),
        ("test_size: 0", {"train", "validation"}),
        ("validation_split: 0, test_size: 0", {"train"}),
    ],
)
@pytest.mark.parametrize("regression", [False, True])
def test_a_part_of_size_zero_is_not_there_and_all_copes(project, sizes, parts, regression):
    table = make_table(regression=regression)
    finished = project(table, f"data: {{train_file: data.csv, {sizes}}}\ntraining: {{epochs: 2}}\n")
    assert {part.part for part in finished.result.parts} == parts
    assert finished.run.report.exists()
    assert finished.run.test_predictions.exists() == ("test" in parts)


def test_a_table_larger_than_memory_goes_the_same_way(project, monkeypatch):
    monkeypatch.setattr("iovalence.training.parts.RESIDENT_BYTES", 0)
    monkeypatch.setattr("iovalence.training.linear.SAMPLE_BYTES", 100 * 16)
    monkeypatch.setattr("iovalence.stages.evaluated.MAX_TRAIN_ROWS", 50)
    finished = project(make_table(), CONFIG)
    train, _, test = finished.result.parts
    rows = load_split(finished.run.split)["part"].to_pylist().count("train")
    assert train.num_rows == rows
    assert train.notes[0] == f"figures but the loss are of 50 of the {rows} rows, evenly spread"
    assert test.notes[0].startswith("the linear baseline was fitted to ")
    assert set(train.baselines) == {"linear", "majority"}


def test_regression_is_reported_in_the_unit_of_the_target(project):
    config = "data: {train_file: data.csv}\ntraining: {epochs: 30, learning_rate: 0.01}\n"
    finished = project(make_table(600, regression=True), config)
    flat = finished.result.flat()
    predictions = pq.read_table(finished.run.test_predictions)
    error = np.array(predictions["prediction"]) - np.array(predictions["target"])
    assert flat["test_rmse"] == pytest.approx(float(np.sqrt(np.mean(error**2))))
    assert flat["test_rmse"] < 15


def test_removed_rows_are_written_with_row_number_and_reason(project):
    table = make_table(50) + "1.0,red,\n" + make_table(50).splitlines()[1] + "\n"
    finished = project(table, CONFIG)
    with finished.run.removed_rows.open() as file:
        removed = [(row["row"], row["reason"]) for row in csv.DictReader(file)]
    assert removed == [("51", "labels.missing"), ("52", "duplicates.exact")]


def test_a_gate_stops_the_run_and_says_which_rows(project, tmp_path):
    table = make_table(50) + make_table(50).splitlines()[1] + "\n"
    with pytest.raises(GateError, match=r"quality\.duplicates\.exact: .*train row 51"):
        project(table, CONFIG, "quality.duplicates.exact=fail")
    (run,) = list_runs(tmp_path / ".iovalence")
    assert run.manifest().status == "FAILED"
    assert "train row 51" in run.manifest().failure[0]
    assert json.loads(run.quality.read_text())["findings"]


def test_a_requirement_that_is_not_met_is_named_after_all_is_recorded(project):
    from iovalence.stages.evaluated import raise_for_requirements

    config = CONFIG + 'evaluation: {require: {test_accuracy: ">= 1.01"}}\n'
    finished = project(make_table(), config)
    with pytest.raises(GateError, match=r"test_accuracy must be >= 1\.01, got"):
        raise_for_requirements(finished.result)


def test_a_requirement_of_a_part_that_is_not_there_is_refused_before_training(project, tmp_path):
    config = (
        "data: {train_file: data.csv, test_size: 0}\n"
        'evaluation: {require: {test_accuracy: ">= 0.5"}}\n'
    )
    with pytest.raises(ConfigError, match="test_accuracy must name a metric of this run"):
        project(make_table(), config)
    assert not list_runs(tmp_path / ".iovalence")


def test_a_slice_by_a_column_that_is_not_there_is_refused_before_training(project):
    config = CONFIG + "evaluation: {slices: [color]}\n"
    with pytest.raises(ConfigError, match=r"evaluation\.slices .*'color'; did you mean 'colour'"):
        project(make_table(), config)


def test_results_are_broken_down_by_the_values_of_a_column(project):
    finished = project(make_table(), CONFIG + "evaluation: {slices: [colour]}\n")
    (table,) = finished.result.part("test").slices
    assert {row.value for row in table.slices} == {"red", "green", "blue"}
    assert sum(row.num_rows for row in table.slices) == finished.result.part("test").num_rows


def test_class_weights_raise_the_recall_of_the_rare_class(project):
    rng = random.Random(1)
    lines = ["size,label"]
    for _ in range(1500):
        rare = rng.random() < 0.06
        lines.append(f"{rng.gauss(1.2 * rare, 1):.6f},{'yes' if rare else 'no'}")
    table = "\n".join(lines) + "\n"
    config = "data: {train_file: data.csv}\ntraining: {epochs: 10}\n"
    recalls = {}
    for weights_of in ("none", "balanced"):
        result = project(table, config, f"training.class_weights={weights_of}").result
        by_name = {figures.name: figures.recall for figures in result.part("train").per_class}
        recalls[weights_of] = by_name["yes"]
    fixed = project(table, config, "quality.balance=fix")
    assert recalls["balanced"] > recalls["none"] + 0.2
    assert fixed.training.class_weights is not None


def test_a_class_weight_of_no_class_is_refused(project):
    with pytest.raises(ConfigError, match=r"class_weights must name classes .*'maybe'"):
        project(make_table(), CONFIG, "training.class_weights={maybe: 2.0}")


def test_a_row_of_weight_zero_counts_for_nothing(project):
    rng = random.Random(2)
    lines = ["size,weight,label"]
    for number in range(300):
        size = rng.gauss(0, 1)
        wrong = number % 3 == 0
        label = (size > 0) != wrong
        lines.append(f"{size:.6f},{0 if wrong else 2},{'yes' if label else 'no'}")
    config = "data: {train_file: data.csv, weight: weight}\ntraining: {epochs: 30}\n"
    result = project("\n".join(lines) + "\n", config).result
    assert result.flat()["test_accuracy"] > 0.9


@pytest.mark.parametrize("weight", ["0", "1e300"])
def test_weights_that_cannot_be_summed_are_refused(project, weight):
    table = "\n".join(
        f"{line},{weight if number else 'w'}"
        for number, line in enumerate(make_table().splitlines())
    )
    with pytest.raises(DataError, match="weights of each part must sum to a number > 0"):
        project(table + "\n", "data: {train_file: data.csv, target: label, weight: w}\n")


def test_a_target_too_large_to_be_squared_is_refused(project):
    lines = [f"{number},{number * 1e200:g}" for number in range(1, 60)]
    with pytest.raises(DataError, match=r"must have values below 1e\+100 in size"):
        project("\n".join(["a,y", *lines]) + "\n", CONFIG)


def test_a_device_as_a_file_is_refused(project):
    with pytest.raises(DataError, match="must name a regular file, got a device"):
        project(make_table(), CONFIG, "data.train_file=/dev/zero")


def test_a_rate_that_is_far_too_high_stops_with_the_step_and_its_rows(project, tmp_path):
    config = (
        "data: {train_file: data.csv}\n"
        "training: {epochs: 50, optimizer: sgd, learning_rate: 1.0e+30, dropout: 0}\n"
    )
    with pytest.raises(TrainingError, match=r"the loss must be finite, .* at step \d+ .*train row"):
        project(make_table(), config)
    (run,) = list_runs(tmp_path / ".iovalence")
    assert run.manifest().status == "FAILED"


def test_too_few_rows_for_the_parts_are_named(project):
    with pytest.raises(DataError, match="must keep at least 3 different rows"):
        project("a,label\n1,yes\n2,no\n", CONFIG)


def test_copies_of_the_files_are_kept_when_asked_for(project):
    finished = project(make_table(), CONFIG, "run.keep_data=copy")
    (copy,) = [path for path in finished.run.data.rglob("*") if path.is_file()]
    assert copy.read_text() == make_table()


def test_a_device_that_is_not_there_is_named(project):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(ConfigError, match=r"training\.device must be there, got cuda"):
        project(make_table(), CONFIG, "training.device=cuda")


def test_no_checkpoint_is_kept_when_none_is_asked_for(project):
    finished = project(make_table(), CONFIG, "training.save_checkpoint=false")
    assert not finished.run.checkpoints.exists()
    assert finished.run.model.exists()


def make_visits(num_rows=240):
    lines = make_table(num_rows).splitlines()
    days = [f"2024-{1 + at % 12:02d}-{1 + at % 28:02d}" for at in range(num_rows)]
    rows = [f"{line},p{at % 60},{days[at]}" for at, line in enumerate(lines[1:])]
    return "\n".join([lines[0] + ",patient,day", *rows]) + "\n"


@pytest.mark.parametrize("method", ["group", "time", "hash", "stratified"])
def test_a_patient_is_in_one_part_and_no_feature_whatever_the_split(project, method):
    config = "data: {train_file: data.csv, group: patient, time: day, target: label}\n"
    finished = project(make_visits(), config + "training: {epochs: 1}\n", f"data.split={method}")
    parts: dict[int, set[str]] = {}
    for line in load_split(finished.run.split).to_pylist():
        parts.setdefault((line["row"] - 1) % 60, set()).add(line["part"])
    assert all(len(found) == 1 for found in parts.values())
    encodings = Preprocessing.load(finished.run.preprocessing).columns
    assert [encoding.column for encoding in encodings] == ["size", "colour"]
    findings = json.loads(finished.run.quality.read_text())["findings"]
    assert "split.deviation" in {finding["check"] for finding in findings}


def test_rows_that_leaked_are_listed_with_those_that_left_before(project, tmp_path):
    lines = make_table(100).splitlines()
    (tmp_path / "test.csv").write_text("\n".join([lines[0], *lines[1:9]]) + "\n")
    finished = project("\n".join([*lines, lines[20]]) + "\n", CONFIG, "data.test_file=test.csv")
    with finished.run.removed_rows.open() as file:
        reasons = Counter(row["reason"] for row in csv.DictReader(file))
    assert reasons["leakage.copies"] == 8
    assert finished.result.part("test").num_rows == 8
    counts = json.loads(finished.run.quality.read_text())["counts"]
    assert counts[0]["removed"] == reasons


def test_a_column_that_gives_the_label_away_stops_the_run_or_is_left_out(project):
    lines = make_table(200).splitlines()
    table = [
        f"{lines[0]},later",
        *(f"{line},{'sold' * line.endswith('yes')}" for line in lines[1:]),
    ]
    table = "\n".join(table).replace(",\n", ",open\n") + "\n"
    config = CONFIG.replace("data.csv", "data.csv, target: label")
    with pytest.raises(GateError, match=r"quality\.leakage\.target: .* found 'later' with 1\.000"):
        project(table, config)
    finished = project(table, config, "quality.leakage.target=fix")
    encodings = Preprocessing.load(finished.run.preprocessing).columns
    assert "later" not in [encoding.column for encoding in encodings]


BOOSTED = CONFIG + "evaluation: {baseline: [majority, boosting]}\n"


def test_the_baselines_asked_for_are_measured_and_shown(project):
    finished = project(make_table(400), BOOSTED)
    names = [list(part.baselines) for part in finished.result.parts]
    assert names == [["majority", "boosting"]] * 3
    assert finished.result.contest.num_rows == finished.result.part("validation").num_rows
    assert "Gradient boosting" in finished.run.report.read_text()


def test_a_table_that_a_network_does_badly_on_is_named_as_such(project):
    rng = random.Random(0)
    draws = [rng.random() for _ in range(3000)]
    table = "size,label\n" + "".join(f"{x},{'odd' if int(40 * x) % 2 else 'even'}\n" for x in draws)
    finished = project(table, BOOSTED)
    assert finished.result.contest.is_lost
    said = "Gradient boosting is better on this table: validation Accuracy"
    assert said in finished.run.report.read_text()
