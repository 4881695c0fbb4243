"""Each rule names its pattern, and says nothing where what it rests on is missing or noise."""

import numpy as np
import pytest

from iovalence.diagnosis.diagnose import RULES
from iovalence.diagnosis.evidence import ClassRecall, Gain, Losses
from iovalence.diagnosis.rules import (
    find_imbalance,
    find_leakage,
    find_noisy_validation,
    find_not_learning,
    find_overfitting,
    find_rate_too_high,
    find_rate_too_low,
    find_stopped_early,
    find_too_slow,
    find_underfitting,
    upper_limit,
)
from iovalence.quality.findings import Finding

STRAIGHT = tuple(np.linspace(0.69, 0.6, 20).tolist())
AGAIN = (*np.linspace(0.69, 0.3, 10).tolist(), *np.linspace(0.31, 0.5, 20).tolist())
FALLING = tuple(np.linspace(0.69, 0.01, 30).tolist())


def test_no_rule_names_anything_in_a_run_that_went_well(evidence):
    assert [rule(evidence()) for rule in RULES] == [None] * len(RULES)


def test_no_rule_fails_where_only_the_settings_are_known(evidence):
    nothing = {
        "train_loss": (),
        "val_loss": (),
        "constant": None,
        "gain": None,
        "plain": None,
        "baselines": {},
        "classes": (),
        "num_rows": {},
    }
    assert [rule(evidence(**nothing)) for rule in RULES] == [None] * len(RULES)


def test_a_loss_that_is_not_finite_is_named_with_its_step(evidence):
    verdict = find_rate_too_high(evidence(failed_step=17, failed_epoch=2))
    assert verdict.severity == "failure"
    assert verdict.message == "the loss was not finite at step 17 of epoch 2"
    assert verdict.advice[0].change == {"training.learning_rate": 0.0001}
    assert verdict.advice[1].change == {"training.gradient_clip": 1.0}


def test_a_train_loss_above_that_of_knowing_nothing_is_a_rate_too_high(evidence):
    verdict = find_rate_too_high(evidence(train_loss=(9.0, 1.0, 0.6)))
    assert verdict.evidence["highest_train_loss"] == 9.0
    assert "rose to 9; knowing nothing costs 0.693" in verdict.message


def test_a_first_loss_of_equal_odds_is_none_where_one_class_is_rare(evidence):
    rare = Losses(train=0.1, validation=0.1)
    assert find_rate_too_high(evidence(train_loss=(0.69, 0.2), constant=rare)) is None


def test_a_jump_of_the_train_loss_is_a_rate_too_high(evidence):
    verdict = find_rate_too_high(evidence(train_loss=(0.7, 0.3, 0.8, 0.3)))
    assert "jumped by 0.5" in verdict.message


def test_a_straight_slow_line_is_a_rate_too_low(evidence):
    slow = {"train_loss": STRAIGHT, "val_loss": STRAIGHT, "stopped_early": False}
    verdict = find_rate_too_low(evidence(settings={"learning_rate": 1e-5}, **slow))
    assert verdict.advice[0].change == {"training.learning_rate": 0.0001}
    assert find_rate_too_low(evidence(settings={"learning_rate": 0.01}, **slow)) is None
    nothing_to_learn = {"linear": Losses(train=0.68, validation=0.7)}
    assert find_rate_too_low(evidence(**slow, baselines=nothing_to_learn)) is None


def test_a_gain_within_its_error_is_not_learning(evidence):
    baselines = {"linear": Losses(train=0.65, validation=0.7)}
    gain = Gain(mean=0.02, error=0.02, num_rows=60)
    verdict = find_not_learning(evidence(gain=gain, baselines=baselines))
    assert verdict.advice[0].text.startswith("check the data")
    certain = Gain(mean=0.02, error=0.002, num_rows=60)
    assert find_not_learning(evidence(gain=certain, baselines=baselines)) is None


def test_a_fall_that_the_epochs_cut_off_is_stopped_too_early(evidence):
    cut = evidence(val_loss=STRAIGHT, stopped_early=False)
    assert find_stopped_early(cut).advice[0].change == {"training.epochs": 60}
    assert find_stopped_early(evidence(val_loss=STRAIGHT, stopped_early=True)) is None
    noisy = np.random.default_rng(0).normal(0.4, 0.05, 20)
    assert find_stopped_early(evidence(val_loss=tuple(noisy), stopped_early=False)) is None


def test_underfitting_is_judged_by_the_baseline_on_both_parts(evidence):
    high = Losses(train=0.5, validation=0.5)
    assert "a simple model has 0.25 and 0.26" in find_underfitting(evidence(plain=high)).message
    learned_by_heart = Losses(train=0.01, validation=0.5)
    assert find_underfitting(evidence(plain=learned_by_heart)) is None
    assert find_underfitting(evidence(plain=high, is_weighed=True)) is None


def test_overfitting_is_a_rise_beyond_the_fluctuation_while_the_train_loss_falls(evidence):
    seen = {"val_loss": AGAIN, "train_loss": FALLING, "stopped_early": False, "kept_epoch": 10}
    verdict = find_overfitting(evidence(**seen))
    assert verdict.severity == "info"
    assert verdict.message.endswith("the model kept is that of epoch 10")
    last = find_overfitting(evidence(settings={"keep": "last"}, **seen))
    assert last.severity == "warning"
    wavering = np.asarray(AGAIN) + 0.3 * (-1) ** np.arange(30)
    assert find_overfitting(evidence(**(seen | {"val_loss": tuple(wavering)}))) is None


def test_early_stopping_that_did_its_work_is_no_overfitting(evidence):
    assert find_overfitting(evidence(val_loss=AGAIN, train_loss=FALLING)) is None


def test_a_rare_class_that_is_not_found_is_imbalance_ignored(evidence):
    frequent = ClassRecall(name="no", num_train=900, num_rows=190, recall=0.99)
    rare = ClassRecall(name="yes", num_train=40, num_rows=20, recall=0.2)
    verdict = find_imbalance(evidence(classes=(frequent, rare)))
    assert "of class 'yes' 20% are found, of 'no', which has 22 times" in verdict.message
    assert verdict.advice[0].change == {"training.class_weights": "balanced"}
    assert find_imbalance(evidence(classes=(frequent, rare), is_weighed=True)) is None
    few = rare.model_copy(update={"num_rows": 2, "recall": 0.0})
    assert find_imbalance(evidence(classes=(frequent, few))) is None


def test_leakage_is_what_the_checks_found_and_left_in(evidence):
    finding = Finding(
        check="leakage.target",
        severity="warning",
        count=1,
        share=0.1,
        message="column 'paid' gives the target away",
        columns=("paid",),
    )
    verdict = find_leakage(evidence(findings=(finding,)))
    assert verdict.advice[0].change == {"data.exclude": ["paid"]}
    fixed = finding.model_copy(update={"severity": "info"})
    assert find_leakage(evidence(findings=(fixed,))) is None


def test_few_validation_rows_that_waver_are_noisy_and_many_are_not(evidence):
    curve = tuple(0.4 + 0.15 * (-1) ** epoch for epoch in range(20))
    few = {"train": 200, "validation": 30}
    assert (
        "the 30 validation rows"
        in find_noisy_validation(evidence(val_loss=curve, num_rows=few)).message
    )
    assert find_noisy_validation(evidence(val_loss=curve)) is None
    wild = evidence(val_loss=curve, train_loss=curve, num_rows=few)
    assert find_noisy_validation(wild) is None


def test_long_epochs_of_small_batches_are_slow(evidence):
    seen = {"epoch_seconds": (20.0,) * 10, "num_rows": {"train": 900_000, "validation": 9}}
    verdict = find_too_slow(evidence(**seen))
    changes = [advice.change for advice in verdict.advice]
    assert changes == [{"training.batch_size": 128}, {"training.layers": [64, 32]}, {}]
    assert find_too_slow(evidence(**(seen | {"epoch_seconds": (1.0,) * 10}))) is None


def test_the_upper_limit_is_wilsons():
    assert upper_limit(0.0, 10) == pytest.approx(0.2775, abs=1e-4)
    assert upper_limit(0.5, 100) == pytest.approx(0.5962, abs=1e-4)
