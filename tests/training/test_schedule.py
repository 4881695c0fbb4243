import pytest
import torch

from iovalence.training.schedule import Progress, Watch, rates_of_epoch
from iovalence.training.section import SettledTraining


def torch_rates(build, num_steps):
    parameter = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    scheduler = build(optimizer)
    rates = []
    for _ in range(num_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def rates(num_epochs, num_steps=1, **settings):
    section = SettledTraining(learning_rate=0.1, epochs=num_epochs, **settings)
    return [
        rate
        for epoch in range(1, num_epochs + 1)
        for rate in rates_of_epoch(section, epoch, num_steps)
    ]


def test_without_a_scheduler_the_rate_is_fixed():
    assert rates(3, 2) == [0.1] * 6


def test_step_divides_by_ten_every_ten_epochs():
    found = rates(30, scheduler="step")
    expected = torch_rates(lambda o: torch.optim.lr_scheduler.StepLR(o, 10, 0.1), 30)
    assert found == pytest.approx(expected)


def test_cosine_annealing_goes_as_in_torch():
    found = rates(20, scheduler="cosine_annealing")
    expected = torch_rates(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20), 20)
    assert found == pytest.approx(expected)


def test_one_cycle_goes_as_in_torch():
    found = rates(10, 7, scheduler="one_cycle")
    expected = torch_rates(lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, 70), 70)
    assert found == pytest.approx(expected)


def test_warm_up_rises_to_the_rate_and_the_schedule_follows():
    found = rates(4, 2, scheduler="cosine_annealing", warmup_epochs=2)
    assert found[:4] == pytest.approx([0.025, 0.05, 0.075, 0.1])
    assert found[4:] == pytest.approx([0.1, 0.1, 0.05, 0.05])


def watch_losses(losses, **settings):
    watch = Watch(SettledTraining(**settings), has_validation=True)
    progress, stops = Progress(), []
    for epoch, loss in enumerate(losses, 1):
        progress = watch.after_epoch(progress, epoch, loss)
        stops.append(watch.stops(progress))
    return progress, stops


def test_training_stops_after_patience_epochs_without_improvement():
    _, stops = watch_losses([1.0, 0.5, 0.5, 0.4995, 0.6], patience=3)
    assert stops == [False, False, False, False, True]


def test_a_fall_smaller_than_min_delta_is_no_improvement_but_may_be_the_best():
    progress, _ = watch_losses([1.0, 0.9999, 0.9998], patience=3)
    assert (progress.best_epoch, progress.waited) == (3, 2)


def test_small_falls_that_add_up_are_an_improvement():
    progress, _ = watch_losses([1.0, 0.9994, 0.9988], patience=3)
    assert progress.waited == 0


def test_early_stopping_can_be_switched_off():
    _, stops = watch_losses([1.0] * 9, patience=1, early_stopping=False)
    assert not any(stops)


def test_without_a_validation_part_training_does_not_stop_early():
    watch = Watch(SettledTraining(patience=1), has_validation=False)
    progress = watch.after_epoch(Progress(), 1, 1.0)
    assert not watch.stops(watch.after_epoch(progress, 2, 1.0))


def test_plateau_lowers_the_rate_before_training_stops():
    progress, stops = watch_losses([1.0, 1.0, 1.0, 1.0], scheduler="plateau", patience=5)
    assert progress.drops == 1
    assert not any(stops)
    section = SettledTraining(learning_rate=0.1, scheduler="plateau")
    assert rates_of_epoch(section, 5, 1, progress.drops) == pytest.approx([0.01])


def test_a_loss_that_is_not_a_number_is_no_improvement():
    progress, _ = watch_losses([1.0, float("nan")])
    assert (progress.best_epoch, progress.waited) == (1, 1)
