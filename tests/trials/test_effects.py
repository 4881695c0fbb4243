"""What the effects say, on small tables that are trained on for real."""

from dataclasses import replace

import numpy as np
import pytest

from iovalence.data.prepared import encode_rows, load_prepared, prepare
from iovalence.evaluation.paired import Change
from iovalence.training.fit import Machine, fit
from iovalence.training.section import SettledTraining
from iovalence.trials.effects import (
    RunModel,
    _advise_weights,
    measure_leak,
    measure_weights,
)
from tests.quality.tables import build_table

TRAIN, VALIDATION, TEST, REMOVED = 0, 1, 2, -1
CPU = Machine("cpu", 1)
SECTION = SettledTraining(epochs=8, layers=(8,), learning_rate=0.01, verbose=False)


def draw_rows(num_rows, rare=0.1, seed=0):
    """Return a number that says something of a label with a rare class, and the label."""
    rng = np.random.default_rng(seed)
    labels = rng.random(num_rows) < rare
    return rng.normal(1.2 * labels), np.where(labels, "yes", "no")


def make_table(numbers, labels):
    return build_table({"x": numbers.tolist(), "y": labels.tolist()})


def parts_of(num_rows, validation=0.4, test=0.2):
    part = np.full(num_rows, TRAIN, np.int8)
    part[: int(num_rows * validation)] = VALIDATION
    part[num_rows - int(num_rows * test) :] = TEST
    return part


def train(table, part, folder, class_weights="none"):
    folder.mkdir()
    target = table.columns["y"].combine_chunks()
    prepare(table, part >= 0, target, part, None, folder)
    prepared = load_prepared(folder)
    fitted = fit(prepared, SECTION, CPU, class_weights=class_weights)
    return RunModel(prepared, fitted.network, SECTION, CPU, class_weights)


def leak(table, part, leaked, model, folder):
    """Return the rows as they would be with the leaked ones in train."""
    folder.mkdir()
    part = np.where(leaked, TRAIN, np.where(part == TEST, REMOVED, part)).astype(np.int8)
    target = table.columns["y"].combine_chunks()
    encode_rows(table, part, target, model.prepared.preprocessing, folder)
    return load_prepared(folder)


def test_class_weights_are_measured_against_the_same_training_without_them(tmp_path):
    table, part = make_table(*draw_rows(600)), parts_of(600)
    weighed = train(table, part, tmp_path / "weighed", "balanced")
    plain = train(table, part, tmp_path / "plain")
    effect = measure_weights(weighed)
    assert bool((weighed.train_otherwise(weighed.prepared, "none", None).flat == plain.network.flat)
                .all())  # fmt: skip
    rare = next(one for one in effect.recalls if one.name == "yes")
    assert rare.model > rare.other
    assert effect.finding.message.startswith(
        f"on the 240 validation rows recall of 'yes' is {100 * rare.model:.1f} % with class "
        f"weights ({100 * rare.other:.1f} % without), of 'no' "
    )


def test_without_a_validation_part_nothing_is_trained_and_nothing_said_of_recall(tmp_path):
    table, part = make_table(*draw_rows(100)), parts_of(100, validation=0)
    effect = measure_weights(train(table, part, tmp_path / "run", "balanced"))
    assert (effect.metrics, effect.recalls, effect.finding.done) == ((), (), "")
    assert effect.finding.message == (
        "what the class weights changed cannot be said: it would be measured on a validation "
        "part, and there is none"
    )


def test_the_test_part_changes_nothing_of_an_effect(tmp_path):
    numbers, labels = draw_rows(600)
    part = parts_of(600)
    found = []
    for shift in (0, 100):
        moved = np.where(part == TEST, numbers + shift, numbers)
        model = train(make_table(moved, labels), part, tmp_path / str(shift), "balanced")
        found.append(measure_weights(model))
    assert found[0] == found[1]


def test_leaked_rows_raise_the_score_of_a_model_that_learns_by_heart(tmp_path):
    rng = np.random.default_rng(1)
    part = parts_of(400, validation=0.5, test=0)
    in_validation = part == VALIDATION
    # Half of the validation rows are what no other row is: low, and yes.
    numbers = np.where(in_validation, rng.choice([-3, 3], 400), rng.normal(0, 1, 400))
    labels = np.where((numbers > 0) | in_validation, "yes", "no")
    rows = np.concatenate([numbers, numbers[in_validation]])
    table = make_table(rows, np.concatenate([labels, labels[in_validation]]))
    leaked = np.arange(len(rows)) >= 400
    part = np.append(part, np.full(leaked.sum(), REMOVED, np.int8))
    model = train(table, part, tmp_path / "run")
    leaky = leak(table, part, leaked, model, tmp_path / "leaky")
    effect = measure_leak(model, leaky, int(leaked.sum()))
    accuracy = effect.metric("accuracy")
    assert accuracy.other > accuracy.model + 0.1
    assert effect.finding.count == 200
    assert effect.finding.message.startswith(
        "with 200 leaked rows left in train val_accuracy would have been "
        f"{100 * accuracy.other:.1f} % instead of {100 * accuracy.model:.1f} % "
        f"(this run minus that, 95 % interval {100 * accuracy.low:+.1f} to "
    )
    assert accuracy.low < accuracy.high < 0
    assert effect.finding.advice.startswith("judge by the score without them")


def test_of_rows_that_copy_test_rows_alone_nothing_is_said_and_nothing_trained(tmp_path):
    table, part = make_table(*draw_rows(100)), parts_of(100)
    leaked = np.arange(100) == 50
    model = train(table, np.where(leaked, REMOVED, part).astype(np.int8), tmp_path / "run")
    leaky = leak(table, part, leaked, model, tmp_path / "leaky")
    effect = measure_leak(model, leaky, 0)
    assert effect.metrics == ()
    assert effect.finding.message == (
        "1 leaked row left train as copies of test rows alone: the validation part cannot show "
        "what they would have changed, and the test part is not asked"
    )


def test_of_leaked_rows_it_is_told_how_many_copy_validation_rows(tmp_path):
    table, part = make_table(*draw_rows(100)), parts_of(100)
    leaked = np.arange(100) >= 70
    leaked &= part == TRAIN
    model = train(table, np.where(leaked, REMOVED, part).astype(np.int8), tmp_path / "run")
    leaky = leak(table, part, leaked, model, tmp_path / "leaky")
    effect = measure_leak(model, leaky, 4)
    assert effect.finding.message.startswith(
        "with 10 leaked rows, of which 4 copy validation rows, left in train val_accuracy"
    )


def test_leaked_rows_of_a_regression_are_told_in_the_unit_of_the_target(tmp_path):
    rng = np.random.default_rng(1)
    numbers = rng.normal(size=200)
    table = build_table({"x": numbers.tolist(), "y": (1000 + 100 * numbers).tolist()})
    part, leaked = parts_of(200), np.arange(200) == 100
    model = train(table, np.where(leaked, REMOVED, part).astype(np.int8), tmp_path / "run")
    leaky = leak(table, part, leaked, model, tmp_path / "leaky")
    effect = measure_leak(model, leaky, int(leaked.sum()))
    assert effect.recalls == ()
    assert [one.name for one in effect.metrics] == ["rmse", "mae", "r2"]
    assert effect.metric("rmse").model > 1


def test_an_other_training_that_fails_is_told_and_fails_nothing(tmp_path):
    table, part = make_table(*draw_rows(100)), parts_of(100)
    model = train(table, part, tmp_path / "run", "balanced")
    wild = SettledTraining(epochs=50, optimizer="sgd", learning_rate=1e30, dropout=0.0)
    effect = measure_weights(replace(model, section=wild))
    assert effect.finding.message.startswith(
        "training once more without class weights failed: the loss must be finite"
    )


def change(name, difference):
    ends = {"low": difference - 0.01, "high": difference + 0.01}
    return Change(name=name, num_rows=9, model=0.5 + difference, other=0.5, **ends)


@pytest.mark.parametrize(
    ("balanced", "ranking", "advice"),
    [
        (0.2, 0.1, ""),
        (0.2, 0.0, ""),
        (0.2, -0.1, "PR AUC is lower with class weights: .* a lower threshold"),
        (0.0, 0.0, "these rows do not show that class weights help"),
        (-0.2, 0.0, "set quality.balance: warn: without class weights the model is better here"),
    ],
)
def test_what_to_do_about_class_weights_follows_from_what_they_changed(balanced, ranking, advice):
    import re

    found = _advise_weights([change("balanced_accuracy", balanced), change("pr_auc", ranking)])
    assert re.match(advice, found)
    assert bool(found) == bool(advice)
