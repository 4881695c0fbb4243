import numpy as np
import pytest

from iovalence.evaluation.contest import hold_contest
from iovalence.evaluation.result import Contest
from iovalence.evaluation.wording import describe_loss
from iovalence.models.predictions import Predictions
from tests.evaluation.test_paired import draw_labels, predict


def hold(right, other, **options):
    labels = draw_labels()
    ours, theirs = (
        predict(labels, right=share, seed=1 + at) for at, share in enumerate((right, other))
    )
    return hold_contest("boosting", labels, ours, theirs, **options)


def test_a_baseline_that_is_clearly_better_has_won():
    contest = hold(0.6, 0.9)
    assert contest.is_lost
    assert 0 < contest.low < contest.other - contest.model < contest.high
    assert (contest.metric, contest.num_rows) == ("accuracy", 600)


@pytest.mark.parametrize("other", [0.6, 0.77])
def test_a_baseline_that_is_worse_or_hardly_better_has_not(other):
    contest = hold(0.8, other)
    assert not contest.is_lost
    assert describe_loss(contest) is None


def test_a_model_that_weighed_the_classes_is_judged_by_all_of_them_alike():
    assert hold(0.6, 0.9, is_weighed=True).metric == "balanced_accuracy"


def test_of_errors_the_smaller_one_is_better():
    y_true = np.random.default_rng(0).normal(size=200)
    near, far = (Predictions(None, y_true + noise, None) for noise in (0.1, 0.5))
    far.values[::2] -= 1.1
    assert hold_contest("boosting", y_true, far, near).is_lost
    assert not hold_contest("boosting", y_true, near, far).is_lost


def test_the_loss_is_told_with_its_interval():
    shares = Contest(
        baseline="boosting",
        metric="accuracy",
        num_rows=600,
        model=0.853,
        other=0.871,
        low=0.011,
        high=0.025,
        is_lost=True,
    )
    assert describe_loss(shares) == (
        "gradient boosting is better on this table: validation Accuracy 87.1 % against 85.3 %, a "
        "difference of +1.8 points (+1.1 to +2.5); a network may be the wrong tool"
    )


def test_a_difference_in_the_targets_unit_is_written_out():
    values = Contest(
        baseline="boosting",
        metric="rmse",
        num_rows=600,
        model=53120.0,
        other=46817.0,
        low=-7930.0,
        high=-4740.0,
        is_lost=True,
    )
    assert "a difference of -6,303 (-7,930 to -4,740);" in describe_loss(values)
