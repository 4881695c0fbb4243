import pytest
import torch

from iovalence.errors import CheckpointError, TrainingError
from iovalence.models.architecture import NetworkSpec
from iovalence.models.network import Network
from iovalence.training.checkpoint import Checkpoints, read_checkpoint
from iovalence.training.objective import Objective
from iovalence.training.parts import PartTensors
from iovalence.training.section import SettledTraining
from iovalence.training.steps import clip_norm
from iovalence.training.trainer import Trainer, measure

CPU = torch.device("cpu")


def make_rows(num_rows=300, seed=0):
    """Make rows whose class is that of the sign of a product: no linear model learns it."""
    features = torch.randn(num_rows, 4, generator=torch.Generator().manual_seed(seed))
    target = (features[:, 0] * features[:, 1] > 0).long()
    return PartTensors(features, None, target, None, None)


def make_trainer(rows=None, validation=True, observe=None, checkpoints=None, **settings):
    rows = make_rows() if rows is None else rows
    section = SettledTraining(**({"epochs": 3, "learning_rate": 0.01} | settings))
    spec = NetworkSpec(
        num_features=4,
        embedding_sizes=(),
        layers=section.layers,
        activation=section.activation,
        num_outputs=2,
    )
    network = Network(spec, CPU)
    network.initialise(section.seed)
    return Trainer(
        network=network,
        objective=Objective("classification"),
        train=rows,
        validation=make_rows(100, seed=1) if validation else None,
        section=section,
        observe=observe,
        checkpoints=checkpoints,
    )


def test_a_network_learns_what_no_linear_model_can():
    trainer = make_trainer(make_rows(2000), epochs=20, dropout=0.1)
    trainer.fit()
    assert measure(trainer.network, trainer.objective, trainer.validation)["accuracy"] > 0.9


def test_the_same_seed_gives_the_same_weights_and_another_does_not():
    first, again, other = (make_trainer(seed=seed).fit().flat for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_last_smaller_batch_is_a_step_too():
    assert make_trainer(make_rows(1000)).num_steps == 32
    assert make_trainer(make_rows(1000), epochs=2).fit().num_steps == 64


def test_a_batch_larger_than_a_block_is_one_step():
    trained = make_trainer(make_rows(9000), batch_size=9000, epochs=1).fit()
    assert trained.num_steps == 1


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw", "rmsprop"])
def test_every_optimizer_lowers_the_loss(optimizer):
    seen = []
    make_trainer(
        optimizer=optimizer, epochs=5, dropout=0.0, observe=lambda f: seen.append(f.metrics)
    ).fit()
    assert seen[-1]["train_loss"] < seen[0]["train_loss"]


def test_every_epoch_reports_its_figures():
    seen = []
    make_trainer(observe=seen.append, epochs=2).fit()
    assert [figures.epoch for figures in seen] == [1, 2]
    assert set(seen[0].metrics) == {
        "train_loss",
        "train_accuracy",
        "val_loss",
        "val_accuracy",
        "learning_rate",
        "epoch_seconds",
        "rows_per_second",
    }


def test_a_step_whose_loss_is_not_finite_changes_nothing_and_names_its_rows():
    rows = make_rows(64)
    rows.features[5, 0] = float("inf")
    trainer = make_trainer(rows, batch_size=64)
    trainer.name_rows = lambda taken: f"{len(taken)} named rows"
    before = trainer.network.flat.clone()
    with pytest.raises(TrainingError, match=r"step 1 \(epoch 1\), in the batch of 64 named rows"):
        trainer.fit()
    assert torch.equal(trainer.network.flat, before)


def test_no_step_after_one_that_is_not_finite_changes_anything():
    rows = make_rows(128)
    rows.features[5, 0] = float("inf")
    trainer = make_trainer(rows, batch_size=16)
    with pytest.raises(TrainingError, match="the loss must be finite") as caught:
        trainer.fit()
    step = int(str(caught.value).split("at step ")[1].split()[0])
    assert trainer.optimizer.state["step"].item() == step - 1
    assert bool(torch.isfinite(trainer.network.flat).all())


def test_the_best_epoch_is_kept_unless_the_last_is_asked_for():
    seen = []
    settings = {"epochs": 12, "learning_rate": 0.05, "dropout": 0.0, "early_stopping": False}
    trained = make_trainer(make_rows(60), observe=seen.append, **settings).fit()
    losses = [figures.metrics["val_loss"] for figures in seen]
    assert trained.kept_epoch == losses.index(min(losses)) + 1
    assert trained.kept_epoch < 12
    trainer = make_trainer(make_rows(60), keep="last", **settings)
    assert torch.equal(trainer.fit().flat, trainer.network.flat)


def test_training_copes_without_a_validation_part():
    seen = []
    trained = make_trainer(validation=False, observe=seen.append).fit()
    assert trained.kept_epoch == 3
    assert "val_loss" not in seen[0].metrics


def test_clipping_bounds_the_norm_and_keeps_the_direction():
    grad = torch.tensor([3.0, 4.0])
    clip_norm(grad, 1.0)
    torch.testing.assert_close(grad, torch.tensor([0.6, 0.8]))
    clip_norm(grad, 10.0)
    torch.testing.assert_close(grad, torch.tensor([0.6, 0.8]))


def test_clipping_changes_training():
    free, clipped = make_trainer(), make_trainer(gradient_clip=0.01)
    assert not torch.equal(free.fit().flat, clipped.fit().flat)


def test_a_loss_of_a_class_that_the_model_does_not_know_is_left_out():
    trainer = make_trainer()
    rows = make_rows(10)
    known = measure(trainer.network, trainer.objective, rows.take(torch.arange(8)))
    rows.target[8:] = -1
    assert measure(trainer.network, trainer.objective, rows) == pytest.approx(known)


def test_checkpoints_are_kept_by_the_interval_with_best_and_last(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2, interval=2)
    trainer = make_trainer(
        checkpoints=checkpoints, epochs=7, checkpoint_interval=2, early_stopping=False
    )
    trained = trainer.fit()
    names = sorted(path.stem for path in tmp_path.iterdir())
    assert names == ["best", "epoch-00004", "epoch-00006", "last"]
    last = read_checkpoint(tmp_path / "last.safetensors")
    assert last.state.position.epoch == 7
    assert torch.equal(last.tensors["parameters"], trainer.network.flat)
    best = read_checkpoint(tmp_path / "best.safetensors")
    assert torch.equal(best.tensors["parameters"], trained.flat)
    assert best.state.position.epoch == trained.kept_epoch


def interrupted(trainer, after_blocks):
    """Train until so many blocks are done, and be stopped."""
    left = iter([False] * (after_blocks - 1))
    trainer.should_stop = lambda: next(left, True)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit()


@pytest.mark.parametrize("optimizer", ["momentum", "adam", "rmsprop"])
@pytest.mark.parametrize("after_blocks", [1, 2, 3, 5])
def test_a_training_stopped_anywhere_goes_on_to_the_same_weights(
    tmp_path, monkeypatch, after_blocks, optimizer
):
    monkeypatch.setattr("iovalence.training.trainer.BLOCK_ROWS", 128)
    whole, again = [], []
    settings = {"optimizer": optimizer, "scheduler": "plateau", "patience": 2, "epochs": 4}
    expected = make_trainer(observe=whole.append, **settings).fit()
    checkpoints = Checkpoints(tmp_path, keep=2, interval=2)
    first = make_trainer(observe=again.append, checkpoints=checkpoints, **settings)
    interrupted(first, after_blocks)
    assert first.position.block in (1, 2, 3)
    second = make_trainer(observe=again.append, checkpoints=checkpoints, **settings)
    second.restore(checkpoints.newest(pytest.fail))
    trained = second.fit()
    assert torch.equal(trained.flat, expected.flat)
    assert torch.equal(
        second.network.flat, read_checkpoint(tmp_path / "last.safetensors").tensors["parameters"]
    )
    assert [without_times(f) for f in again] == [without_times(f) for f in whole]


def without_times(figures):
    timed = ("epoch_seconds", "rows_per_second")
    return (
        figures.epoch,
        figures.is_best,
        {name: value for name, value in figures.metrics.items() if name not in timed},
    )


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=3, interval=1)
    make_trainer(checkpoints=checkpoints, epochs=3).fit()
    for name in ("last", "epoch-00003"):
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(path.read_bytes()[:-1])
    told = []
    assert checkpoints.newest(told.append).state.position.epoch == 2
    assert len(told) == 2
    assert "last.safetensors); the one before it is used" in told[0]


def test_a_checkpoint_of_another_network_or_optimizer_is_refused(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=1, interval=1)
    make_trainer(checkpoints=checkpoints, epochs=1).fit()
    found = checkpoints.newest(pytest.fail)
    with pytest.raises(CheckpointError, match="the network or the optimizer is another"):
        make_trainer(optimizer="sgd").restore(found)
    with pytest.raises(CheckpointError, match="the network or the optimizer is another"):
        make_trainer(layers=(8,)).restore(found)


def test_checkpoints_by_time_are_saved_within_an_epoch(tmp_path, monkeypatch):
    monkeypatch.setattr("iovalence.training.trainer.BLOCK_ROWS", 64)
    times = iter(range(0, 10_000, 40))
    checkpoints = Checkpoints(tmp_path, keep=1, interval=9, minutes=1, clock=lambda: next(times))
    saved = []
    checkpoints.before_saving = lambda: saved.append(trainer.position.block)
    trainer = make_trainer(checkpoints=checkpoints, epochs=1)
    trainer.fit()
    assert saved[:-1] == [2, 4]


def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    (tmp_path / ".last.safetensors.123.tmp").write_bytes(b"half")
    assert Checkpoints(tmp_path, keep=1, interval=1).newest(pytest.fail) is None
    assert not list(tmp_path.iterdir())
