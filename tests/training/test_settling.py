import torch

from iovalence.runs.choices import Choice
from iovalence.training.fit import Machine, fitting
from iovalence.training.section import SettledTraining, TrainingSection
from iovalence.training.settling import plan, settle
from iovalence.training.trainer import take_alone
from tests.training.test_linear import make_prepared

PREPARED = make_prepared("classification")
BOTH = TrainingSection(
    learning_rate="auto", batch_size="auto", layers=(16,), epochs=4, device="cpu"
)
RECORDED = {
    "training.batch_size": Choice(value=64, reason="chosen then"),
    "training.learning_rate": Choice(value=0.0123, reason="found then"),
}


def settled(section, **given):
    return settle(section, 1, PREPARED, class_weights="none", **given)


def weights(section):
    working = fitting(PREPARED, section, Machine("cpu", 1), class_weights="none")
    return take_alone(working).network.flat


def test_numbers_stay_and_nothing_is_chosen():
    section = TrainingSection(learning_rate=0.02, batch_size=50, epochs=7, layers=(5,))
    found = settled(section, recorded=RECORDED)
    assert found.section.model_dump() == section.model_dump()
    assert found.section.model_fields_set == section.model_fields_set
    assert (found.choices, found.sweep) == ({}, None)


def test_what_is_auto_becomes_a_number_with_a_reason():
    found = settled(BOTH)
    assert found.section.batch_size == 32
    assert found.section.learning_rate == found.sweep.chosen
    assert list(found.choices) == ["training.batch_size", "training.learning_rate"]
    assert found.choices["training.learning_rate"].reason == found.sweep.reason
    assert found.section.layers == (16,)


def test_training_afterwards_is_that_with_the_number_given():
    found = settled(BOTH)
    number = found.choices["training.learning_rate"].value
    given = SettledTraining(learning_rate=number, batch_size=32, layers=(16,), epochs=4)
    assert torch.equal(weights(found.section), weights(given))


def test_what_is_recorded_is_taken_and_nothing_measured():
    found = settled(BOTH, recorded=RECORDED)
    assert (found.section.batch_size, found.section.learning_rate) == (64, 0.0123)
    assert found.choices == RECORDED
    assert found.sweep is None


def test_one_key_may_be_recorded_and_the_other_not():
    rate = {"training.learning_rate": RECORDED["training.learning_rate"]}
    found = settled(BOTH, recorded=rate)
    assert (found.section.batch_size, found.section.learning_rate) == (32, 0.0123)


def test_class_weights_count_in_the_sweep():
    plain, balanced = (
        settle(BOTH, 1, PREPARED, class_weights=weights).sweep for weights in ("none", "balanced")
    )
    assert plain.losses != balanced.losses


def test_a_plan_trains_nothing_and_agrees_with_what_is_settled():
    planned = plan(BOTH, "auto", PREPARED)
    assert planned.batch_size == settled(BOTH).section.batch_size
    assert planned.machine == Machine("cpu", 1)
    assert list(planned.choices) == ["training.batch_size"]


def test_the_threads_follow_the_batch_size_that_was_taken():
    wide = TrainingSection(batch_size="auto", layers=(4096,), device="cpu")
    large = {"training.batch_size": Choice(value=2**20, reason="")}
    assert plan(wide, "auto", PREPARED).machine.threads == 1
    assert plan(wide, 3, PREPARED, large).machine.threads == 3
