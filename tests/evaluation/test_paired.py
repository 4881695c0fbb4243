import numpy as np
import pytest

from iovalence.evaluation.evaluate import evaluate_part
from iovalence.evaluation.paired import Change, compare_metrics, compare_recalls
from iovalence.models.predictions import Predictions

CLASSES = ("a", "b", "c")


def predict(labels, *, right, seed, classes=CLASSES):
    """Return predictions that are right in about this share of the rows."""
    rng = np.random.default_rng(seed)
    said = np.where(rng.random(len(labels)) < right, labels, rng.integers(len(classes))).clip(0)
    probs = np.full((len(labels), len(classes)), 0.1)
    probs[np.arange(len(labels)), said] = 0.8
    return Predictions(probs, None, classes)


def draw_labels(num_rows=600, seed=0):
    return np.random.default_rng(seed).choice(3, num_rows, p=[0.6, 0.3, 0.1])


def test_the_figures_are_those_of_an_evaluation_of_each_model():
    labels = draw_labels()
    ours, theirs = predict(labels, right=0.9, seed=1), predict(labels, right=0.6, seed=2)
    (change,) = compare_metrics(labels, ours, theirs, ["balanced_accuracy"])
    measured = [
        evaluate_part("validation", labels, said).metrics["balanced_accuracy"].value
        for said in (ours, theirs)
    ]
    assert [change.model, change.other] == measured
    assert change.num_rows == 600


def test_a_clear_difference_lies_within_its_interval_and_above_zero():
    labels = draw_labels()
    ours, theirs = predict(labels, right=0.9, seed=1), predict(labels, right=0.6, seed=2)
    (change,) = compare_metrics(labels, ours, theirs, ["accuracy"])
    assert 0 < change.low < change.model - change.other < change.high
    assert change.is_clear


def test_two_models_that_err_on_the_same_rows_have_a_narrower_interval_than_each_alone():
    labels = draw_labels()
    ours = predict(labels, right=0.7, seed=1)
    theirs = Predictions(ours.probs.copy(), None, CLASSES)
    theirs.probs[:5] = np.roll(theirs.probs[:5], 1, axis=1)
    (change,) = compare_metrics(labels, ours, theirs, ["accuracy"])
    alone = evaluate_part("validation", labels, ours).metrics["accuracy"]
    assert change.high - change.low < (alone.high - alone.low) / 2


def test_intervals_of_many_rows_are_taken_from_a_sample_and_are_about_as_wide(monkeypatch):
    labels = draw_labels(2000)
    ours, theirs = predict(labels, right=0.9, seed=1), predict(labels, right=0.6, seed=2)
    (whole,) = compare_metrics(labels, ours, theirs, ["accuracy"])
    monkeypatch.setattr("iovalence.evaluation.paired.MAX_ROWS_RESAMPLED", 500)
    (sampled,) = compare_metrics(labels, ours, theirs, ["accuracy"])
    assert sampled.model == whole.model
    assert sampled.high - sampled.low == pytest.approx(whole.high - whole.low, rel=0.2)
    assert sampled.low != whole.low


def test_models_that_say_the_same_differ_by_nothing_and_have_no_interval():
    labels = draw_labels()
    said = predict(labels, right=0.8, seed=1)
    (change,) = compare_metrics(labels, said, said, ["accuracy"])
    assert (change.model - change.other, change.low, change.is_clear) == (0, None, False)


def test_metrics_of_values_are_compared_in_their_own_unit():
    y_true = np.arange(50.0)
    ours, theirs = (Predictions(None, y_true + off, None) for off in (1.0, 3.0))
    (change,) = compare_metrics(y_true, ours, theirs, ["rmse"])
    assert (change.model, change.other) == pytest.approx((1, 3))


def test_a_metric_that_is_not_defined_is_left_out():
    labels = np.zeros(20, np.int64)
    said = predict(labels, right=1, seed=1)
    assert compare_metrics(labels, said, said, ["roc_auc"]) == ()


def test_recalls_are_those_of_each_class():
    labels = np.array([0, 0, 0, 0, 1, 1])
    ours = predict(labels, right=1, seed=1)
    theirs = Predictions(np.tile([0.8, 0.1, 0.1], (6, 1)), None, CLASSES)
    changes = compare_recalls(labels, ours, theirs)
    assert [(one.name, one.num_rows, one.model, one.other) for one in changes] == [
        ("a", 4, 1, 1), ("b", 2, 1, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(("num_rows", "has_interval"), [(9, False), (10, True)])
def test_a_class_of_few_rows_has_no_interval(num_rows, has_interval):
    labels = np.array([0] * num_rows + [1] * 30)
    ours = predict(labels, right=1, seed=1)
    theirs = predict(labels, right=0.2, seed=3)
    change = compare_recalls(labels, ours, theirs)[0]
    assert change.model > change.other
    assert (change.low is not None) is has_interval


def test_rows_of_an_unknown_class_are_in_no_recall():
    labels = np.array([0, 0, 1, -1, -1])
    said = predict(np.abs(labels), right=1, seed=1)
    changes = compare_recalls(labels, said, said)
    assert [(one.name, one.num_rows, one.model) for one in changes] == [("a", 2, 1), ("b", 1, 1)]


def test_a_row_of_weight_zero_counts_in_no_recall():
    labels, weight = np.array([0, 0, 1]), np.array([1.0, 0.0, 1.0])
    ours = predict(labels, right=1, seed=1)
    theirs = Predictions(ours.probs.copy(), None, CLASSES)
    theirs.probs[1] = theirs.probs[1, ::-1]
    assert all(one.other == 1 for one in compare_recalls(labels, ours, theirs, weight=weight))


@pytest.mark.parametrize(
    ("low", "high", "is_clear"),
    [(0.1, 0.2, True), (-0.2, -0.1, True), (-0.1, 0.2, False), (None, None, False)],
)
def test_a_difference_is_clear_when_its_interval_leaves_out_zero(low, high, is_clear):
    change = Change(name="accuracy", num_rows=9, model=0.9, other=0.8, low=low, high=high)
    assert change.is_clear is is_clear


def simulate_equal_models(seed, num_rows=150):
    """Return labels, and what two models say that are equally good in truth."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=num_rows)
    logits = [(2 * labels - 1) + 1.2 * rng.normal(size=num_rows) for _ in range(2)]
    probs = [1 / (1 + np.exp(-value)) for value in logits]
    return labels, [Predictions(np.stack([1 - p, p], axis=1), None, ("no", "yes")) for p in probs]


def test_the_interval_of_two_equal_models_holds_zero_about_nineteen_times_in_twenty():
    covered = dict.fromkeys(("accuracy", "roc_auc", "log_loss"), 0)
    for seed in range(100):
        labels, said = simulate_equal_models(seed)
        for change in compare_metrics(labels, *said, list(covered), positive_index=1, seed=seed):
            covered[change.name] += change.low <= 0 <= change.high
    # Of 100 rounds, 95 % is 95 with a deviation of 2.2: four deviations below.
    assert all(86 <= count <= 100 for count in covered.values()), covered
    assert sum(covered.values()) < 300


def covered_by_values(*, by_group, num_groups=30, rows_of_group=8):
    """Return how often of 100 the interval holds 0, where the rows of a group err alike."""
    covered, group = 0, np.repeat(np.arange(num_groups), rows_of_group)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        errors = [
            2 * rng.normal(size=num_groups)[group] + rng.normal(size=len(group)) for _ in range(2)
        ]
        ours, theirs = (Predictions(None, values, None) for values in errors)
        groups = group if by_group else None
        truth = np.zeros(len(group))
        (change,) = compare_metrics(truth, ours, theirs, ["mae"], group=groups, seed=seed)
        covered += change.low <= 0 <= change.high
    return covered


def test_groups_drawn_whole_give_intervals_that_hold_and_rows_alone_do_not(monkeypatch):
    monkeypatch.setattr("iovalence.evaluation.intervals.MAX_RESAMPLES", 200)
    assert covered_by_values(by_group=True) >= 86
    assert covered_by_values(by_group=False) < 70


def test_rows_without_a_group_are_drawn_each_by_itself():
    labels = draw_labels(100)
    ours, theirs = predict(labels, right=0.9, seed=1), predict(labels, right=0.6, seed=2)
    (alone,) = compare_metrics(labels, ours, theirs, ["accuracy"])
    (none,) = compare_metrics(labels, ours, theirs, ["accuracy"], group=np.full(100, -1))
    assert none == alone


def test_fewer_than_ten_groups_have_no_interval():
    labels = draw_labels(90)
    ours, theirs = predict(labels, right=0.9, seed=1), predict(labels, right=0.6, seed=2)
    (change,) = compare_metrics(labels, ours, theirs, ["accuracy"], group=np.arange(90) // 10)
    assert change.model > change.other
    assert change.low is None
