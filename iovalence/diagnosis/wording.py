"""Own how a diagnosis reads: in a terminal, and as YAML."""

from typing import Any

from iovalence.config.yaml_text import to_yaml
from iovalence.diagnosis.verdict import Advice, Diagnosis, Verdict

MANY, VAST = 1e4, 1e12
"""Numbers between these are counts, and written out."""


def write_lines(diagnosis: Diagnosis) -> list[str]:
    """Return the whole diagnosis for people: evidence, and what to try as YAML."""
    lines = [diagnosis.headline]
    for verdict in diagnosis.verdicts:
        lines += ["", f"{verdict.severity}: {verdict.title}", f"  {verdict.message}"]
        lines += [f"  {name:28}{value}" for name, value in format_evidence(verdict)]
        for at, advice in enumerate(verdict.advice, 1):
            lines.append(f"  {at}. {advice.text}")
            lines += [f"       {line}" for line in change_yaml(advice).splitlines()]
    return lines


def change_yaml(advice: Advice) -> str:
    """Return a change as YAML that a configuration takes; empty where it sets nothing."""
    nested: dict[str, dict[str, Any]] = {}
    for key, value in advice.change.items():
        section, _, name = key.partition(".")
        nested.setdefault(section, {})[name] = value
    return to_yaml(nested) if nested else ""


def format_evidence(verdict: Verdict) -> list[tuple[str, str]]:
    """Return the numbers of a verdict as people read them, each with its name."""
    return [
        (name.replace("_", " "), f"{value:,.0f}" if MANY <= abs(value) < VAST else f"{value:.4g}")
        for name, value in verdict.evidence.items()
    ]


def capitalise(text: str) -> str:
    """Return a text with its first letter as a capital, the others as they are."""
    return text[:1].upper() + text[1:]
