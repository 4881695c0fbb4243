"""Sequences as the trainer takes them: an order for each epoch, batches of like lengths."""

import pytest
import torch

from iovalence.models.architecture import RecurrentSpec
from iovalence.models.recurrent import RecurrentNetwork
from iovalence.training.objective import Objective
from iovalence.training.section import SettledTraining
from iovalence.training.sequences import ResidentRows, SequenceTensors
from iovalence.training.trainer import Trainer, compute_outputs, measure

CPU = torch.device("cpu")


def make_part(num=103, seed=0, batch_size=8, longest=40):
    """Make sequences whose class is that of the sign of their sum."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, longest + 1, (num,), generator=generator)
    features = torch.randn(int(lengths.sum()), 2, generator=generator)
    sums = [some[:, 0].sum() for some in features.split(lengths.tolist())]
    return SequenceTensors(
        rows=ResidentRows(features, None),
        starts=lengths.cumsum(0) - lengths,
        lengths=lengths,
        target=(torch.stack(sums) > 0).long(),
        weight=None,
        row_weight=None,
        batch_size=batch_size,
    )


def make_trainer(part=None, **settings):
    section = SettledTraining(
        **{"model_type": "rnn", "layers": (16,), "epochs": 2, "batch_size": 8} | settings
    )
    spec = RecurrentSpec(
        num_features=2,
        embedding_sizes=(),
        layers=section.layers,
        activation=section.activation,
        num_outputs=2,
        cell=section.cell,
        bidirectional=section.bidirectional,
        max_length=None,
    )
    network = RecurrentNetwork(spec, CPU)
    network.initialise(section.seed)
    part = make_part() if part is None else part
    return Trainer(network, Objective("classification"), part, make_part(50, seed=1), section)


def test_an_epoch_takes_each_sequence_once_in_an_order_of_its_own():
    part = make_part()
    first, again, other = (part.order(7, epoch) for epoch in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.sort().values.tolist() == [*range(103)]


def test_the_sequences_of_a_batch_are_about_as_long():
    part = make_part(1600)
    spread = part.lengths[part.order(7, 1)].view(-1, 8).float().std(1).mean()
    assert spread < 3  # 11.5 if they were drawn at random


def test_epochs_of_a_small_table_have_other_batches():
    part = make_part(160)
    batches = [{frozenset(some.tolist()) for some in part.order(7, e).view(-1, 8)} for e in (1, 2)]
    assert len(batches[0] & batches[1]) <= 1


def test_sequences_of_one_length_are_shuffled_all_together():
    part = make_part(longest=1)
    assert part.order(7, 1).tolist() != [*range(103)]


def test_a_recurrent_network_learns_what_a_row_does_not_say():
    trainer = make_trainer(make_part(600, longest=6), epochs=8, learning_rate=0.01)
    trainer.fit()
    assert measure(trainer.network, trainer.objective, trainer.validation)["accuracy"] > 0.85


@pytest.mark.parametrize("num_rows", [8, 20, 16384])
def test_outputs_are_the_same_however_many_are_taken_at_once(monkeypatch, num_rows):
    trainer = make_trainer()
    wanted = compute_outputs(trainer.network, trainer.train)
    monkeypatch.setattr("iovalence.training.trainer.LARGE_BATCH", num_rows)
    assert torch.allclose(compute_outputs(trainer.network, trainer.train), wanted, atol=1e-6)


def test_blocks_do_not_show(monkeypatch):
    whole = make_trainer(dropout=0.0).fit().flat
    monkeypatch.setattr("iovalence.training.trainer.BLOCK_ROWS", 16)
    assert torch.equal(make_trainer(dropout=0.0).fit().flat, whole)


def test_a_step_is_that_of_plain_pytorch():
    trainer = make_trainer(dropout=0.0, epochs=1, optimizer="sgd", l2_regularization=0.0)
    plain = make_trainer(dropout=0.0).network
    for rows in trainer.train.order(42, 1).split(8):
        batch = trainer.train.take(rows)
        for value in plain.parameters.values():
            value.grad.zero_()
        loss = torch.nn.functional.cross_entropy(plain.forward(*batch.inputs), batch.target)
        loss.backward()
        with torch.no_grad():
            for value in plain.parameters.values():
                value -= 0.001 * value.grad
    trainer.fit()
    assert torch.allclose(trainer.network.flat, plain.flat, atol=1e-6)
