"""Own how faults of the configuration are told: one line each, with its place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from iovalence.config.node import Place
from iovalence.errors import ConfigError


@dataclass(frozen=True, order=True)
class Fault:
    """Say one thing that is wrong.

    Attributes:
        place: Where it was written.
        text: What must hold, and what was found.
        advice: What to do; empty where the text says it.
    """

    place: Place
    text: str
    advice: str = ""

    def __str__(self) -> str:
        advice = f"; {self.advice}" if self.advice else ""
        return f"{self.text} ({self.place}){advice}"


def raise_faults(faults: Iterable[Fault]) -> None:
    """Raise one error with every fault, in the order of the file, overrides last.

    Raises:
        ConfigError: There is a fault.
    """
    lines = [str(fault) for fault in sorted(set(faults))]
    if lines:
        raise ConfigError(lines)


def nearest(word: str, names: Sequence[str]) -> str | None:
    """Return the name that `word` was probably meant to be, or None."""
    found = get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    begun = [name for name in names if len(word) > 2 and name.startswith(word.lower())]
    return next(iter([*begun, *found]), None)
