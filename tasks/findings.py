"""Own what people see of findings while a run goes on: lines, and a table in Prefect."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from iovalence.config.load import LoadedConfig
from iovalence.errors import GateError
from iovalence.quality.checks import QualityReport
from iovalence.quality.findings import Finding, by_gravity, tell_findings
from iovalence.runs.folder import RunFolder
from tasks.progress import say, tell

ARTIFACT_KEY = "data-checks"
ANSWER_SECONDS = 2.0


def say_findings(loaded: LoadedConfig, run: RunFolder, findings: Iterable[Finding]) -> None:
    """Say what was found, in a few lines; what failed is said when the run ends."""
    known = [finding for finding in findings if finding.severity != "failure"]
    for line in tell_findings(known, str(run.quality_page)):
        say(loaded, line)


@contextmanager
def showing_failures(loaded: LoadedConfig, run: RunFolder) -> Iterator[None]:
    """Show the findings of a run that a check ends in this block."""
    try:
        yield
    except GateError:
        show_findings(run)
        say(loaded, f"the data checks failed; wrote {run.quality_page}")
        raise


def show_findings(run: RunFolder) -> None:
    """Show the findings of a run as a table in Prefect's pages: row numbers, no row's values.

    A server that has gone fails no run: the same is in the run's folder.
    """
    import httpx
    from prefect.artifacts import create_table_artifact
    from prefect.exceptions import PrefectException

    report = QualityReport.load(run.quality)
    # Prefect's client would try again for 20 s where the server has gone.
    if not is_there():
        return
    try:
        create_table_artifact(
            table=[_cells(finding) for finding in by_gravity(report.findings)] or [dict(_NOTHING)],
            key=ARTIFACT_KEY,
            description=_describe(run, report),
        )
    except (httpx.HTTPError, PrefectException) as err:
        tell(f"warning: Prefect's page has no findings of this run, got '{err}'")


def is_there() -> bool:
    """Say whether the server answers, whatever it says."""
    from prefect.settings import PREFECT_API_URL

    try:
        with urllib.request.urlopen(f"{PREFECT_API_URL.value()}/health", timeout=ANSWER_SECONDS):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, http.client.HTTPException, ValueError):
        return False


_NOTHING = {"check": "all", "severity": "info", "found": "nothing", "done": "", "to do": ""}


def _cells(finding: Finding) -> dict[str, Any]:
    rows = ", ".join(str(row) for row in finding.rows)
    return {
        "check": finding.check,
        "severity": finding.severity,
        "found": finding.short_message,
        "count": finding.count,
        "example rows": rows,
        "done": finding.done,
        "to do": finding.advice,
    }


def _describe(run: RunFolder, report: QualityReport) -> str:
    num_rows = sum(counts.num_rows for counts in report.counts)
    left = num_rows - sum(counts.kept for counts in report.counts)
    return (
        f"Run `{run.run_id}`: of {num_rows:,} rows read, {left:,} left. "
        f"All of it, with example rows: `{run.quality_page}`"
    )
