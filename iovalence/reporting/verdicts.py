"""Own how the report puts a diagnosis."""

from iovalence.diagnosis.verdict import Diagnosis
from iovalence.diagnosis.wording import capitalise, change_yaml, format_evidence
from iovalence.reporting.context import Step, Verdict


def describe_verdicts(diagnosis: Diagnosis | None) -> tuple[Verdict, ...]:
    """Return what the page says of each verdict; nothing for a run without a diagnosis."""
    return tuple(
        Verdict(
            title=capitalise(verdict.title),
            sentence=f"{capitalise(verdict.message)}.",
            severity=verdict.severity,
            evidence=tuple(f"{name}: {value}" for name, value in format_evidence(verdict)),
            advice=tuple(Step(text=one.text, change=change_yaml(one)) for one in verdict.advice),
        )
        for verdict in (diagnosis.verdicts if diagnosis else ())
    )
