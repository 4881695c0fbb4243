import math

import pytest

from iovalence.runs.sweep import Configuration
from iovalence.sweeps.ranking import rank


def ended(number, value=None, state="FINISHED", rungs=1, by="val_loss"):
    return Configuration(
        number=number,
        values={},
        config_hash="",
        state=state,
        metrics={} if value is None else {by: value},
        rungs=(0.0,) * rungs,
    )


def test_the_lowest_loss_is_best_and_of_equals_the_first():
    assert rank([ended(1, 0.3), ended(2, 0.1), ended(3, 0.1)], "val_loss") == (2, 3, 1)


@pytest.mark.parametrize("by", ["val_accuracy", "val_roc_auc", "val_r2"])
def test_the_highest_score_is_best(by):
    assert rank([ended(1, 0.3, by=by), ended(2, 0.9, by=by)], by) == (2, 1)


def test_not_a_number_is_behind_every_number_and_before_what_failed():
    all_ended = [ended(1, state="FAILED"), ended(2, math.nan), ended(3, 5.0)]
    assert rank(all_ended, "val_loss") == (3, 2, 1)


def test_what_has_not_ended_has_no_place():
    waiting = [ended(1, state=state) for state in ("WAITING", "RUNNING", "KILLED")]
    assert rank([*waiting, ended(2, 1.0)], "val_loss") == (2,)


def test_who_was_taken_further_comes_first():
    assert rank([ended(1, 0.1), ended(2, 0.2, rungs=2)], "val_loss") == (2, 1)
