"""Own which verdicts stand beside each other, and the sentence that says all."""

from collections.abc import Callable, Sequence

from iovalence.diagnosis.evidence import Evidence
from iovalence.diagnosis.rules import (
    find_imbalance,
    find_leakage,
    find_noisy_validation,
    find_not_learning,
    find_overfitting,
    find_rate_too_high,
    find_rate_too_low,
    find_stopped_early,
    find_too_slow,
    find_underfitting,
)
from iovalence.diagnosis.verdict import Diagnosis, Name, Verdict

Rule = Callable[[Evidence], Verdict | None]

RULES: tuple[Rule, ...] = (
    find_rate_too_high,
    find_leakage,
    find_not_learning,
    find_rate_too_low,
    find_stopped_early,
    find_underfitting,
    find_overfitting,
    find_imbalance,
    find_noisy_validation,
    find_too_slow,
)
"""The gravest first."""

EXPLAINED_BY: dict[Name, tuple[Name, ...]] = {
    "not_learning": ("learning_rate_too_high",),
    "learning_rate_too_low": ("learning_rate_too_high",),
    "stopped_too_early": ("learning_rate_too_high", "not_learning", "learning_rate_too_low"),
    "underfitting": (
        "learning_rate_too_high",
        "not_learning",
        "learning_rate_too_low",
        "stopped_too_early",
    ),
    "overfitting": ("learning_rate_too_high",),
    "imbalance_ignored": ("learning_rate_too_high", "not_learning", "learning_rate_too_low"),
    "noisy_validation": ("learning_rate_too_high", "not_learning", "overfitting"),
}
"""A verdict is left out where another one is its cause: one change at a time is advised."""


def diagnose(evidence: Evidence) -> Diagnosis:
    """Return what happened in a training."""
    found: list[Verdict] = []
    for rule in RULES:
        verdict = rule(evidence)
        if verdict is None:
            continue
        causes = EXPLAINED_BY.get(verdict.name, ())
        if not any(one.name in causes for one in found):
            found.append(verdict)
    return Diagnosis(headline=write_headline(found), verdicts=tuple(found))


def write_headline(verdicts: Sequence[Verdict]) -> str:
    """Return all verdicts in one sentence."""
    if not verdicts:
        return "Training went well: none of the patterns that ask for a change was seen."
    titles = ", ".join(verdict.title for verdict in verdicts)
    return f"{titles[:1].upper()}{titles[1:]}: {verdicts[0].message}."
