import pytest
import torch

from iovalence.errors import TrainingError
from iovalence.models.architecture import NetworkSpec
from iovalence.models.network import Network
from iovalence.training.joint import JointSteps, pays, take_together
from iovalence.training.objective import Objective
from iovalence.training.parts import PartTensors
from iovalence.training.section import SettledTraining
from iovalence.training.trainer import Trainer

CPU = torch.device("cpu")
VARIED = [
    {"learning_rate": 0.01, "dropout": 0.2, "l2_regularization": 0.0},
    {"learning_rate": 0.003, "dropout": 0.5, "seed": 7},
    {"learning_rate": 0.03, "dropout": 0.2, "optimizer": "momentum", "patience": 1},
    {"learning_rate": 0.01, "dropout": 0.1, "gradient_clip": 0.5, "epochs": 3},
]


def make_rows(num_rows, seed, task="classification", codes=False):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(num_rows, 6, generator=generator)
    signal = features[:, 0] * features[:, 1]
    target = (signal > 0).long() if task == "classification" else signal
    known = torch.randint(0, 5, (num_rows, 2), generator=generator) if codes else None
    return PartTensors(features, known, target, None, None)


def make_trainer(task="classification", codes=False, **settings):
    section = SettledTraining(**({"epochs": 6, "layers": (24, 12)} | settings))
    spec = NetworkSpec(
        num_features=6,
        embedding_sizes=((5, 3), (5, 2)) if codes else (),
        layers=section.layers,
        activation=section.activation,
        num_outputs=2 if task == "classification" else 1,
    )
    network = Network(spec, CPU)
    network.initialise(section.seed)
    train, validation = (make_rows(rows, rows, task, codes) for rows in (500, 90))
    return Trainer(network, Objective(task), train, validation, section)


@pytest.mark.parametrize("codes", [False, True])
@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_networks_trained_together_end_as_each_would_alone(task, activation, codes):
    shape = {"task": task, "activation": activation, "codes": codes}
    alone = [make_trainer(**shape, **varied).fit() for varied in VARIED]
    together = take_together([make_trainer(**shape, **varied).working() for varied in VARIED])
    for one, other in zip(together, alone, strict=True):
        assert torch.equal(one.flat, other.flat)
        assert (one.num_epochs, one.kept_epoch) == (other.num_epochs, other.kept_epoch)


def test_without_dropout_too():
    settings = [{"dropout": 0.0, "learning_rate": rate} for rate in (0.01, 0.001)]
    alone = [make_trainer(**varied).fit().flat for varied in settings]
    together = take_together([make_trainer(**varied).working() for varied in settings])
    assert all(torch.equal(a.flat, b) for a, b in zip(together, alone, strict=True))


def test_networks_of_other_shapes_are_trained_beside_each_other():
    settings = [{}, {"layers": (8,)}, {"batch_size": 50}, {"dropout": 0.0}]
    alone = [make_trainer(**varied).fit().flat for varied in settings]
    together = take_together([make_trainer(**varied).working() for varied in settings])
    assert all(torch.equal(a.flat, b) for a, b in zip(together, alone, strict=True))


def test_steps_of_one_shape_are_really_taken_together(monkeypatch):
    sizes = []
    run = JointSteps.run
    monkeypatch.setattr(
        JointSteps, "run", lambda s, works: sizes.append(len(works)) or run(s, works)
    )
    take_together([make_trainer(**varied).working() for varied in VARIED])
    assert sizes[0] == 4
    assert 3 in sizes  # the one of three epochs has ended


def test_a_stop_reaches_all_of_them_after_each_has_come_to_its_block():
    trainers = [make_trainer(learning_rate=rate) for rate in (0.01, 0.02)]
    asked = []
    for trainer in trainers:
        trainer.should_stop = lambda: len(asked.append(1) or asked) >= 3
    with pytest.raises(KeyboardInterrupt):
        take_together([trainer.working() for trainer in trainers])
    assert [trainer.position.epoch for trainer in trainers] == [1, 1]


def test_a_fault_of_one_is_raised():
    trainers = [make_trainer(), make_trainer(learning_rate=0.01)]
    trainers[1].train.features[0] = torch.inf
    with pytest.raises(TrainingError, match="the loss must be finite"):
        take_together([trainer.working() for trainer in trainers])


def test_large_steps_and_a_gpu_do_not_pay():
    assert pays(17_000, 32, "cpu")
    assert not pays(17_000, 1024, "cpu")
    assert not pays(17_000, 32, "cuda")
