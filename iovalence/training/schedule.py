"""Own the learning rate of every step, and when training has gone on long enough."""

import math
from dataclasses import dataclass

from iovalence.record import Record
from iovalence.training.section import SettledTraining, TrainingSection

ONE_CYCLE_RISE = 0.3
ONE_CYCLE_START = 25.0
ONE_CYCLE_END = 1e4


def rates_of_epoch(
    section: SettledTraining, epoch: int, num_steps: int, drops: int = 0
) -> list[float]:
    """Return the learning rate of each step of an epoch.

    Args:
        section: The scheduler and its settings.
        epoch: Which epoch, from 1.
        num_steps: Steps of one epoch.
        drops: How often `plateau` has lowered the rate so far.
    """
    if section.scheduler == "one_cycle":
        first = (epoch - 1) * num_steps
        total = section.epochs * num_steps
        return [_one_cycle(section.learning_rate, first + i, total) for i in range(num_steps)]
    if epoch <= section.warmup_epochs:
        steps = section.warmup_epochs * num_steps
        first = (epoch - 1) * num_steps
        return [section.learning_rate * (first + i + 1) / steps for i in range(num_steps)]
    return [section.learning_rate * _factor(section, epoch, drops)] * num_steps


def _factor(section: TrainingSection, epoch: int, drops: int) -> float:
    done = epoch - 1 - section.warmup_epochs
    if section.scheduler == "step":
        return section.gamma ** (done // section.step_size)
    if section.scheduler == "plateau":
        return section.gamma**drops
    if section.scheduler == "cosine_annealing":
        # Source: Loshchilov and Hutter 2017, equation 5, one period without restarts.
        return 0.5 * (1 + math.cos(math.pi * done / (section.epochs - section.warmup_epochs)))
    return 1.0


def _one_cycle(peak: float, step: int, total: int) -> float:
    """Rise from peak/25 for three tenths of all steps, then fall to peak/250,000, by cosines.

    Source: Smith and Topin 2019, with the defaults of torch.optim.lr_scheduler.OneCycleLR.
    """
    start, end = peak / ONE_CYCLE_START, peak / ONE_CYCLE_START / ONE_CYCLE_END
    turn = max(ONE_CYCLE_RISE * total - 1, 1e-9)
    if step <= turn:
        return _between(start, peak, step / turn)
    return _between(peak, end, (step - turn) / max(total - 1 - turn, 1e-9))


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * min(share, 1.0)))


class Progress(Record):
    """Remember how the watched loss has gone, so that training can be stopped and resumed.

    Attributes:
        best_loss: Lowest loss so far.
        best_epoch: Epoch of `best_loss`, from 1; 0 before the first.
        reference: Loss that the next epoch has to fall below by `min_delta`.
        waited: Epochs in a row that did not.
        drops: How often `plateau` has lowered the rate.
        waited_for_drop: Epochs in a row without improvement since the last drop.
    """

    best_loss: float = math.inf
    best_epoch: int = 0
    reference: float = math.inf
    waited: int = 0
    drops: int = 0
    waited_for_drop: int = 0


@dataclass(frozen=True)
class Watch:
    """Judge each epoch's watched loss: that of the validation part, else of the train part."""

    section: TrainingSection
    has_validation: bool

    def after_epoch(self, progress: Progress, epoch: int, loss: float) -> Progress:
        """Return the progress after an epoch that ended with `loss`."""
        improved = loss < progress.reference - self.section.min_delta
        is_best = loss < progress.best_loss
        waited_for_drop = 0 if improved else progress.waited_for_drop + 1
        drop = self.section.scheduler == "plateau" and waited_for_drop >= self.plateau_patience
        return Progress(
            best_loss=loss if is_best else progress.best_loss,
            best_epoch=epoch if is_best else progress.best_epoch,
            reference=loss if improved else progress.reference,
            waited=0 if improved else progress.waited + 1,
            drops=progress.drops + drop,
            waited_for_drop=0 if drop else waited_for_drop,
        )

    def stops(self, progress: Progress) -> bool:
        """Say whether training stops early."""
        watched = self.section.early_stopping and self.has_validation
        return watched and progress.waited >= self.section.patience

    @property
    def plateau_patience(self) -> int:
        """Return the epochs without improvement before `plateau` lowers the rate.

        Half of `patience`, so that a lower rate gets its chance before training stops.
        """
        return max(1, self.section.patience // 2)
