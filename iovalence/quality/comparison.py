"""Own the comparison of a table with that of the last accepted run; know no run's folder."""

from collections.abc import Iterator
from pathlib import Path

from iovalence.atomic import write_text
from iovalence.data.table import Table
from iovalence.quality.drift import Measure, measure_drift, report_drift
from iovalence.quality.findings import Finding, Severity
from iovalence.quality.inferred import CHECK as INFERRED
from iovalence.quality.inferred import check_inferred
from iovalence.quality.profile import Profile
from iovalence.quality.section import QualitySection
from iovalence.record import Record

DRIFT = "drift"
CORRECTION = "Holm (1979)"


class Accepted(Record):
    """Say what a table is compared with: the last accepted run, and what is remembered of it.

    Attributes:
        run_id: The run; None where there is none, or nothing is to be compared.
        profile: Of its table; None where nothing is left of it.
        notes: Earlier runs that should have been compared with and could not, and why, a line each.
    """

    run_id: str | None = None
    profile: Profile | None = None
    notes: tuple[str, ...] = ()

    def save(self, path: Path) -> None:
        """Write this to `path`, on one line: it is thousands of numbers."""
        write_text(path, self.model_dump_json() + "\n")


class DriftFigures(Record):
    """Hold by how much each column differs from what it was in an accepted run.

    Attributes:
        compared_with: The run.
        alpha: The adjusted probability up to which a difference is significant.
        correction: How probabilities were corrected for their number.
        measures: One or two for each column.
    """

    compared_with: str
    alpha: float
    correction: str = CORRECTION
    measures: tuple[Measure, ...]


class Comparison(Record):
    """Hold what comparing a table with that of the last accepted run found.

    Attributes:
        findings: Of the inferred expectations, then of the drift.
        drift: The figures of all columns; None where drift was not measured.
    """

    findings: tuple[Finding, ...]
    drift: DriftFigures | None = None


def is_wanted(section: QualitySection) -> bool:
    """Return whether anything is to be compared with an accepted run."""
    return section.expectations.inferred != "off" or section.drift.action != "off"


def belongs_to_comparison(check: str) -> bool:
    """Return whether a finding of this check rests on an accepted run."""
    return check.startswith((INFERRED, DRIFT))


def compare_table(
    table: Table, profile: Profile, accepted: Accepted, section: QualitySection
) -> Comparison:
    """Compare a table with that of the last accepted run.

    Args:
        table: The table.
        profile: Its profile.
        accepted: What to compare it with.
        section: What happens about what is found.
    """
    if not is_wanted(section):
        return Comparison(findings=())
    if accepted.profile is None and accepted.notes:
        return Comparison(findings=(*_report_lost(section, accepted.notes),))
    notes = tuple(_say(section, line, "warning") for line in accepted.notes)
    if accepted.run_id is None or accepted.profile is None:
        line = (
            f"no earlier run of this experiment that predicts '{profile.target}' has met all its "
            "gates: this table is compared with none"
        )
        return Comparison(findings=notes or (_say(section, line),))
    return _compare(table, profile, accepted.run_id, accepted.profile, notes, section)


def _compare(
    table: Table,
    now: Profile,
    run_id: str,
    before: Profile,
    notes: tuple[Finding, ...],
    section: QualitySection,
) -> Comparison:
    inferred: tuple[Finding, ...] = ()
    drifted: tuple[Finding, ...] = ()
    figures = None
    if section.expectations.inferred != "off":
        inferred = check_inferred(table, now, before, run_id, section.expectations.inferred)
    if section.drift.action != "off":
        measures = measure_drift(now, before, section.drift)
        drifted = report_drift(measures, now.target, run_id, section.drift)
        alpha = section.drift.alpha
        figures = DriftFigures(compared_with=run_id, alpha=alpha, measures=measures)
    found = (*notes, *inferred, *drifted)
    if any(finding.severity != "info" for finding in (*inferred, *drifted)):
        return Comparison(findings=found, drift=figures)
    line = f"the table must be as that of run {run_id}, the last accepted one, and is"
    return Comparison(findings=(*found, _say(section, line)), drift=figures)


def _report_lost(section: QualitySection, notes: tuple[str, ...]) -> Iterator[Finding]:
    """Say that what to compare with is lost; a gate that cannot be judged is not met."""
    gates = [
        (DRIFT, "quality.drift", section.drift.action),
        (INFERRED, "quality.expectations.inferred", section.expectations.inferred),
    ]
    failing = [(check, key) for check, key, action in gates if action == "fail"]
    if not failing:
        yield from (_say(section, line, "warning") for line in notes)
        return
    again = " ".join(f"--set {key}=warn" for _, key in failing)
    message = (
        f"the table must be compared with the last accepted run, found none to read: {notes[0]}"
    )
    more = f" (and {len(notes) - 1} more)" if len(notes) > 1 else ""
    yield Finding(
        check=failing[0][0],
        severity="failure",
        count=0,
        share=0.0,
        message=message + more,
        advice=f"restore that file, or train once with {again} for a new run to compare with",
    )


def _say(section: QualitySection, line: str, severity: Severity = "info") -> Finding:
    return Finding(
        check=DRIFT if section.drift.action != "off" else INFERRED,
        severity=severity,
        count=0,
        share=0.0,
        message=line,
    )
