"""Own what a diagnosis says, as diagnosis.json has it: verdicts with evidence and advice."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from iovalence.record import Record

Name = Literal[
    "learning_rate_too_high",
    "leakage_suspected",
    "not_learning",
    "learning_rate_too_low",
    "stopped_too_early",
    "underfitting",
    "overfitting",
    "imbalance_ignored",
    "noisy_validation",
    "too_slow",
]
Severity = Literal["info", "warning", "failure"]
HEALTHY = "healthy"


class Advice(Record):
    """Say one thing to do about a verdict.

    Attributes:
        text: The step in words, as the page of the basics has it.
        change: The same as settings, by dotted key, each value as `--set` takes it; empty where
            no setting does it, as for more data.
    """

    text: str
    change: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def overrides(self) -> tuple[str, ...]:
        """Return the change as texts `KEY=VALUE`, as `--set` takes them."""
        return tuple(f"{key}={json.dumps(value)}" for key, value in self.change.items())


class Verdict(Record):
    """Say one thing that happened in a training.

    Attributes:
        name: Which of the patterns.
        severity: `failure` where training failed; `info` where the model is hardly worse for it.
        message: What was seen, one plain sentence.
        evidence: The numbers it rests on, by name.
        advice: What to try, the first first; what is set already is left out.
    """

    name: Name
    severity: Severity
    message: str
    evidence: Mapping[str, float] = Field(default_factory=dict)
    advice: tuple[Advice, ...] = ()

    @property
    def title(self) -> str:
        """Return the name as people read it."""
        return self.name.replace("_", " ")

    @property
    def first_change(self) -> Advice | None:
        """Return the first advice that settings carry out, or None."""
        return next((advice for advice in self.advice if advice.change), None)

    @property
    def line(self) -> str:
        """Return it in one line for people, with the first thing to try."""
        first = self.advice[0].text if self.advice else ""
        return f"{self.title}: {self.message}" + (f"; try {first}" if first else "")


class Diagnosis(Record):
    """Hold what was said of one run.

    Attributes:
        headline: All of it in one sentence.
        verdicts: The gravest first; none where nothing is wrong.
    """

    headline: str
    verdicts: tuple[Verdict, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the verdicts, or `healthy`."""
        return tuple(verdict.name for verdict in self.verdicts) or (HEALTHY,)
