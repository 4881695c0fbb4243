"""Own what MLflow is told of the data checks and the diagnosis: figures, and tags to search by."""

from iovalence.diagnosis.verdict import Diagnosis
from iovalence.quality.checks import QualityReport
from iovalence.runs.folder import RunFolder

WARNINGS_TAG = "iovalence.data_warnings"
DIAGNOSIS_TAG = "iovalence.diagnosis"
FAILURES_TAG = "iovalence.data_failures"
NONE = "none"


def count_findings(run: RunFolder) -> dict[str, float]:
    """Return rows and findings as figures; empty for a run that was not checked.

    Raises:
        StorageError: The record of the checks is damaged.
    """
    if not run.quality.is_file():
        return {}
    report = QualityReport.load(run.quality)
    num_rows = sum(counts.num_rows for counts in report.counts)
    kept = sum(counts.kept for counts in report.counts)
    grave = [finding.severity for finding in report.findings]
    return {
        "data_rows_read": float(num_rows),
        "data_rows_removed": float(num_rows - kept),
        "data_warnings": float(grave.count("warning")),
        "data_failures": float(grave.count("failure")),
    }


def warn_of_data(run: RunFolder) -> str:
    """Return one line on the checks that warned and failed; empty where none did.

    Raises:
        StorageError: The record of the checks is damaged.
    """
    tags = name_findings(run)
    said = [
        f"{what}: {tags[tag]}"
        for tag, what in ((FAILURES_TAG, "failed"), (WARNINGS_TAG, "warnings"))
        if tags.get(tag, NONE) != NONE
    ]
    return f"Data checks, {'; '.join(said)}; see `quality.html`" if said else ""


def name_findings(run: RunFolder) -> dict[str, str]:
    """Return the names of the checks that warned and that failed, as tags.

    Raises:
        StorageError: The record of the checks is damaged.
    """
    if not run.quality.is_file():
        return {}
    findings = QualityReport.load(run.quality).findings
    tags = {}
    for tag, severity in ((WARNINGS_TAG, "warning"), (FAILURES_TAG, "failure")):
        names = sorted({finding.check for finding in findings if finding.severity == severity})
        tags[tag] = ", ".join(names) or NONE
    return tags


def name_verdicts(run: RunFolder) -> dict[str, str]:
    """Return the names of the verdicts, or `healthy`, as a tag; none for a run without diagnosis.

    Raises:
        StorageError: The diagnosis is damaged.
    """
    if not run.diagnosis.is_file():
        return {}
    return {DIAGNOSIS_TAG: ", ".join(Diagnosis.load(run.diagnosis).names)}
