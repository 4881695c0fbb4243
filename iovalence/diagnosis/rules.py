"""Own the rules: one small function for each pattern, which names it or says nothing.

What a threshold is and why stands in docs/diagnosis.md. No verdict is better than a wrong one:
where what a rule rests on is missing, it says nothing.
"""

import math
from itertools import pairwise

from iovalence.diagnosis.curves import WIDTH, fit_trend, measure_noise, smooth
from iovalence.diagnosis.evidence import ClassRecall, Evidence, Losses
from iovalence.diagnosis.remedies import (
    against_not_learning,
    against_overfitting,
    against_underfitting,
    look_at_columns,
    lower_rate,
    raise_rate,
    speed_up,
    train_longer,
    validation_share,
    weigh_classes,
    widen_validation,
)
from iovalence.diagnosis.verdict import Verdict

MIN_EPOCHS = 5
"""Fewer epochs have no course that could be told from their noise."""
MIN_ERRORS = 3.0
"""A fall or a rise counts from so many standard errors on."""

WILD_LOSS = 1.5
"""A network that knows nothing has a loss of 1; above this many, updates threw it off."""
WILD_JUMP = 0.3
"""A rise of the train loss in one epoch, as a share of all that it ever fell."""

CERTAIN_GAIN = 3.0
"""Standard errors by which a model must beat the best constant to have learned for certain."""
SMALL_GAIN = 0.1
"""As a share of the constant's loss: what is above is no nothing, however few the rows."""

HIGHEST_LOW_RATE = 0.001
"""For optimizers that scale each update; a rate that the page calls good is the highest of them."""
HIGHEST_LOW_RATE_SGD = 0.01
"""For those that do not."""
STRAIGHT = 0.5
"""The slope of a curve's second half, as a share of its first half's: a straight line has 1."""
SHORT_OF_BASELINE = 0.75
"""Share of the way to the baseline's loss; who is that far is not slow."""
STILL_FALLING = 0.03
"""Fall in the last fifth of the epochs, as a share of all that was gained."""
LAST_EPOCHS = 0.2

FAR_BELOW_TRAIN = 0.9
"""Share of the baseline's gain that the network must have on the train part, ..."""
FAR_BELOW_VALIDATION = 1.0
"""... and on the validation part."""

LOST_AGAIN = 0.05
"""Rise of the validation loss from its best to the end, as a share of all that was gained."""

UNEVEN = 10.0
"""Rows of the largest class for one of the smallest, as in `quality.balance.max_ratio`."""
MIN_ROWS_OF_CLASS = 3
RARELY_FOUND = 0.9
"""Upper limit of the rare class's recall, as a share of the frequent one's recall."""

FEW_ROWS = 100
WAVERING = 0.15
"""Fluctuation of the validation loss between epochs, as a share of all that was gained."""
CALM = 0.5
"""The train loss must fluctuate by less than this share of it: else the rate is at fault."""

LONG_S = 120.0
LONG_EPOCH_S = 5.0
MANY_ROWS = 10_000

_Z95 = 1.96


def find_rate_too_high(seen: Evidence) -> Verdict | None:
    """Name a loss that became infinite, rose above that of knowing nothing, or jumped."""
    section, ignorant = seen.section, _ignorant_loss(seen)
    if seen.failed_step is not None:
        return Verdict(
            name="learning_rate_too_high",
            severity="failure",
            message=f"the loss was not finite at step {seen.failed_step} of epoch "
            f"{seen.failed_epoch}",
            evidence={
                "step": seen.failed_step,
                "epoch": seen.failed_epoch or 0,
                "learning_rate": _rate(seen),
            },
            advice=lower_rate(section, is_infinite=True),
        )
    if ignorant is None or not seen.train_loss:
        return None
    worst, jump = max(seen.train_loss), _largest_jump(seen.train_loss)
    fall = seen.train_loss[0] - min(seen.train_loss)
    jumps = jump > WILD_JUMP * fall and jump > WILD_JUMP * ignorant
    if worst <= WILD_LOSS * ignorant and not jumps:
        return None
    return Verdict(
        name="learning_rate_too_high",
        severity="warning",
        message=f"the train loss rose to {worst:.3g}; knowing nothing costs {ignorant:.3g}"
        if worst > WILD_LOSS * ignorant
        else f"the train loss jumped by {jump:.3g} from one epoch to the next",
        evidence={
            "highest_train_loss": worst,
            "loss_of_knowing_nothing": ignorant,
            "largest_rise": jump,
            "learning_rate": _rate(seen),
        },
        advice=lower_rate(section, is_infinite=False),
    )


def find_leakage(seen: Evidence) -> Verdict | None:
    """Name what the checks of the data found and left in."""
    found = [
        finding
        for finding in seen.findings
        if finding.check.startswith("leakage.") and finding.severity != "info"
    ]
    if not found:
        return None
    columns = tuple(dict.fromkeys(name for finding in found for name in finding.columns))
    return Verdict(
        name="leakage_suspected",
        severity="warning",
        message=f"the check {found[0].check} warned of {_name(found[0].columns, found[0].count)}, "
        "and what it found is still in the data",
        evidence={"findings": len(found), "rows": found[0].count},
        advice=look_at_columns(columns),
    )


def _name(columns: tuple[str, ...], count: int) -> str:
    return f"column {', '.join(columns)}" if columns else f"{count:,} rows"


def find_not_learning(seen: Evidence) -> Verdict | None:
    """Name a model that is not certain to be better than the best constant."""
    gain, constant = seen.gain, seen.constant
    if gain is None or constant is None or (_has_signal(seen) and _is_on_its_way(seen)):
        return None
    small = SMALL_GAIN * constant.validation
    if gain.mean > small or gain.mean > CERTAIN_GAIN * gain.error:
        return None
    return Verdict(
        name="not_learning",
        severity="warning",
        message=f"the validation loss is not clearly below that of always saying the same "
        f"({constant.validation:.3g})",
        evidence={
            "gain": gain.mean,
            "standard_error": gain.error,
            "constant_loss": constant.validation,
            "rows": gain.num_rows,
        },
        advice=against_not_learning(seen.section, has_signal=_has_signal(seen)),
    )


def _is_on_its_way(seen: Evidence) -> bool:
    return find_rate_too_low(seen) is not None or find_stopped_early(seen) is not None


def find_rate_too_low(seen: Evidence) -> Verdict | None:
    """Name a validation loss that falls along a straight line, far from a baseline's."""
    curve, baseline = seen.val_loss, _best_baseline(seen)
    if baseline is None or len(curve) < MIN_EPOCHS or not _has_signal(seen):
        return None
    half = (len(curve) + 1) // 2
    first, second = fit_trend(curve[:half]), fit_trend(curve[-half:])
    is_straight = second.falls(MIN_ERRORS) and second.slope <= STRAIGHT * first.slope
    start = max(curve[0], seen.constant.validation if seen.constant else 0.0)
    way = (start - curve[-1]) / (start - baseline.validation)
    if not is_straight or way > SHORT_OF_BASELINE or _rate(seen) > _highest_low_rate(seen):
        return None
    return Verdict(
        name="learning_rate_too_low",
        severity="warning",
        message=f"the validation loss fell in a straight line, by {-second.slope:.2g} an epoch, "
        f"and is {curve[-1]:.3g} where a simple model has {baseline.validation:.3g}",
        evidence={
            "fall_an_epoch_at_first": -first.slope,
            "fall_an_epoch_at_last": -second.slope,
            "val_loss": curve[-1],
            "baseline_loss": baseline.validation,
            "learning_rate": _rate(seen),
        },
        advice=raise_rate(seen.section),
    )


def find_stopped_early(seen: Evidence) -> Verdict | None:
    """Name a training whose epochs ran out while the validation loss still fell."""
    curve = seen.val_loss
    if seen.stopped_early or seen.constant is None or len(curve) < 2 * MIN_EPOCHS:
        return None
    last = max(MIN_EPOCHS, math.ceil(LAST_EPOCHS * len(curve)))
    trend = fit_trend(curve[-last:])
    gained = max(curve[0], seen.constant.validation) - min(curve)
    fall = -trend.slope * last
    if not trend.falls(MIN_ERRORS) or fall < STILL_FALLING * gained:
        return None
    return Verdict(
        name="stopped_too_early",
        severity="warning",
        message=f"the epochs ran out while the validation loss still fell, by {fall:.2g} in the "
        f"last {last} epochs",
        evidence={"epochs": seen.num_epochs, "fall": fall, "gained": gained},
        advice=train_longer(seen.section),
    )


def find_underfitting(seen: Evidence) -> Verdict | None:
    """Name a network that is worse than a baseline on the rows it learned from, and on others."""
    plain, constant, baseline = seen.plain, seen.constant, _best_baseline(seen)
    if plain is None or constant is None or baseline is None or seen.is_weighed:
        return None
    if not _has_signal(seen):
        return None
    train = (constant.train - plain.train) / (constant.train - baseline.train)
    validation = (constant.validation - plain.validation) / (
        constant.validation - baseline.validation
    )
    if train > FAR_BELOW_TRAIN or validation > FAR_BELOW_VALIDATION:
        return None
    return Verdict(
        name="underfitting",
        severity="warning",
        message=f"the loss levelled off at {plain.train:.3g} on the train part and "
        f"{plain.validation:.3g} on the validation part, where a simple model has "
        f"{baseline.train:.3g} and {baseline.validation:.3g}",
        evidence={
            "train_loss": plain.train,
            "val_loss": plain.validation,
            "baseline_train_loss": baseline.train,
            "baseline_val_loss": baseline.validation,
            "share_of_its_gain": train,
        },
        advice=against_underfitting(seen.section),
    )


def find_overfitting(seen: Evidence) -> Verdict | None:
    """Name a validation loss that rose again while the train loss fell, and went on to."""
    curve = seen.val_loss
    if seen.constant is None or len(curve) < 2 * MIN_EPOCHS or seen.stopped_early:
        return None
    means = smooth(curve)
    best = min(range(len(means)), key=means.__getitem__)
    rise, gained = means[-1] - means[best], seen.constant.validation - means[best]
    noise = measure_noise(curve) * math.sqrt(2 / WIDTH)
    fall = smooth(seen.train_loss)[best] - smooth(seen.train_loss)[-1]
    if rise <= max(LOST_AGAIN * max(gained, 0), MIN_ERRORS * noise) or fall <= 0:
        return None
    kept = seen.section.keep == "best"
    return Verdict(
        name="overfitting",
        severity="info" if kept else "warning",
        message=f"the validation loss rose from {means[best]:.3g} to {means[-1]:.3g} while the "
        "train loss fell"
        + (f"; the model kept is that of epoch {seen.kept_epoch}" if kept else ""),
        evidence={
            "best_val_loss": means[best],
            "last_val_loss": means[-1],
            "fluctuation": noise,
            "fall_of_train_loss": fall,
            "best_epoch": best + (WIDTH + 1) // 2,
        },
        advice=against_overfitting(seen.section),
    )


def find_imbalance(seen: Evidence) -> Verdict | None:
    """Name a rare class that is found far less often than the most frequent one."""
    classes = [one for one in seen.classes if one.num_train]
    if seen.is_weighed or len(classes) < 2:
        return None
    frequent = max(classes, key=lambda one: one.num_train)
    rare = [one for one in classes if _is_ignored(one, frequent)]
    if not rare:
        return None
    worst = min(rare, key=lambda one: one.recall)
    return Verdict(
        name="imbalance_ignored",
        severity="warning",
        message=f"of class '{worst.name}' {worst.recall:.0%} are found, of '{frequent.name}', "
        f"which has {frequent.num_train / worst.num_train:.0f} times as many rows, "
        f"{frequent.recall:.0%}",
        evidence={
            "ratio": frequent.num_train / worst.num_train,
            "recall": worst.recall,
            "upper_limit": upper_limit(worst.recall, worst.num_rows),
            "recall_of_largest": frequent.recall,
            "rows": worst.num_rows,
        },
        advice=weigh_classes(),
    )


def _is_ignored(one: ClassRecall, frequent: ClassRecall) -> bool:
    return (
        frequent.num_train > UNEVEN * one.num_train
        and one.num_rows >= MIN_ROWS_OF_CLASS
        and upper_limit(one.recall, one.num_rows) < RARELY_FOUND * frequent.recall
    )


def upper_limit(share: float, num_rows: int) -> float:
    """Return the upper limit of a share's 95 % interval.

    Source: Wilson 1927, Probable inference, the law of succession, and statistical inference.
    """
    square = _Z95**2 / num_rows
    spread = _Z95 * math.sqrt(share * (1 - share) / num_rows + square / (4 * num_rows))
    return (share + square / 2 + spread) / (1 + square)


def find_noisy_validation(seen: Evidence) -> Verdict | None:
    """Name few validation rows whose loss wavers while the train loss does not."""
    curve, num_rows = seen.val_loss, seen.num_rows.get("validation", 0)
    if seen.constant is None or len(curve) < MIN_EPOCHS or num_rows >= FEW_ROWS:
        return None
    noise, gained = measure_noise(curve), seen.constant.validation - min(curve)
    if noise <= WAVERING * gained or measure_noise(seen.train_loss) > CALM * noise:
        return None
    return Verdict(
        name="noisy_validation",
        severity="info",
        message=f"the loss of the {num_rows} validation rows wavers by {noise:.2g} from epoch to "
        "epoch: which one is best is partly luck",
        evidence={"fluctuation": noise, "gained": gained, "rows": num_rows},
        advice=widen_validation(validation_share(seen)),
    )


def find_too_slow(seen: Evidence) -> Verdict | None:
    """Name long epochs of many small batches."""
    total, size = sum(seen.epoch_seconds), seen.section.batch_size
    rows = seen.num_rows.get("train", 0)
    if not seen.epoch_seconds or not isinstance(size, int) or rows < MANY_ROWS:
        return None
    mean = total / len(seen.epoch_seconds)
    advice = speed_up(seen.section, seen.device)
    if total < LONG_S or mean < LONG_EPOCH_S or not advice:
        return None
    return Verdict(
        name="too_slow",
        severity="info",
        message=f"an epoch of {rows:,} rows in batches of {size} took {mean:.0f} s",
        evidence={"epoch_seconds": mean, "rows": rows, "batch_size": size, "seconds": total},
        advice=advice,
    )


def _ignorant_loss(seen: Evidence) -> float | None:
    """Return the loss of a network that knows nothing: of equal odds, or of the mean."""
    if seen.constant is None:
        return None
    equal_odds = math.log(len(seen.classes)) if len(seen.classes) > 1 else 0.0
    return max(seen.constant.train, equal_odds)


def _largest_jump(curve: tuple[float, ...]) -> float:
    return max((b - a for a, b in pairwise(curve)), default=0.0)


def _rate(seen: Evidence) -> float:
    rate = seen.section.learning_rate
    return float(rate) if rate != "auto" else math.nan


def _highest_low_rate(seen: Evidence) -> float:
    is_scaled = seen.section.optimizer not in ("sgd", "momentum")
    return HIGHEST_LOW_RATE if is_scaled else HIGHEST_LOW_RATE_SGD


def _best_baseline(seen: Evidence) -> Losses | None:
    """Return the losses of the baseline that does best on the validation part, or None."""
    return min(seen.baselines.values(), key=lambda one: one.validation, default=None)


def _has_signal(seen: Evidence) -> bool:
    """Say whether a baseline learned something that holds for the validation part."""
    baseline, constant = _best_baseline(seen), seen.constant
    if baseline is None or constant is None:
        return False
    learned = constant.validation - baseline.validation
    return learned > SMALL_GAIN * constant.validation and baseline.train < constant.train
