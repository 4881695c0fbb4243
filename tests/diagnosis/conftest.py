"""Evidence of an ordinary run, of which tests change what they are about."""

import pytest

from iovalence.diagnosis.evidence import ClassRecall, Evidence, Gain, Losses
from iovalence.training.section import TrainingSection


def make_evidence(*, settings=None, **changes):
    """Return the evidence of a run that went well, with some of it changed."""
    falling = tuple(0.2 + 0.5 * 0.7**epoch for epoch in range(20))
    found = {
        "task": "classification",
        "section": TrainingSection.model_validate(settings or {}),
        "num_rows": {"train": 700, "validation": 150},
        "train_loss": falling,
        "val_loss": tuple(loss + 0.02 for loss in falling),
        "kept_epoch": 20,
        "stopped_early": True,
        "constant": Losses(train=0.69, validation=0.69),
        "gain": Gain(mean=0.45, error=0.03, num_rows=150),
        "plain": Losses(train=0.2, validation=0.22),
        "baselines": {"linear": Losses(train=0.25, validation=0.26)},
        "classes": (
            ClassRecall(name="no", num_train=400, num_rows=80, recall=0.9),
            ClassRecall(name="yes", num_train=300, num_rows=70, recall=0.9),
        ),
    }
    return Evidence(**(found | changes))


@pytest.fixture
def evidence():
    return make_evidence
