"""Verdicts stand beside each other only where neither explains the other."""

import numpy as np

from iovalence.diagnosis.diagnose import diagnose
from iovalence.diagnosis.evidence import Gain, Losses


def test_a_run_without_verdicts_is_healthy(evidence):
    diagnosis = diagnose(evidence())
    assert diagnosis.names == ("healthy",)
    assert diagnosis.headline.startswith("Training went well")


def test_a_rate_too_high_explains_that_nothing_was_learned(evidence):
    seen = evidence(
        train_loss=(50.0, 9.0, 0.7),
        gain=Gain(mean=0.0, error=0.01, num_rows=150),
        plain=Losses(train=0.7, validation=0.7),
    )
    assert diagnose(seen).names == ("learning_rate_too_high",)


def test_a_rate_too_low_explains_a_loss_that_is_still_high(evidence):
    curve = tuple(np.linspace(0.69, 0.6, 20).tolist())
    seen = evidence(
        settings={"learning_rate": 1e-5},
        train_loss=curve,
        val_loss=curve,
        stopped_early=False,
        gain=Gain(mean=0.01, error=0.02, num_rows=150),
        plain=Losses(train=0.6, validation=0.6),
    )
    diagnosis = diagnose(seen)
    assert diagnosis.names == ("learning_rate_too_low",)
    assert diagnosis.headline.startswith("Learning rate too low: the validation loss fell in")
