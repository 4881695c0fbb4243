"""Own the page of the checks as a stage: gather from the stages' folders what the page says."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iovalence.atomic import write_text
from iovalence.config.load import LoadedConfig
from iovalence.data.ingest import load_table
from iovalence.data.schema import SOURCES
from iovalence.quality.actions import list_settings
from iovalence.quality.checks import CheckedRows, QualityReport
from iovalence.quality.examples import show_rows
from iovalence.quality.parts import CheckedParts
from iovalence.quality.removed import write_removed_rows
from iovalence.quality.spread import spread_target
from iovalence.reporting.findings_page import FindingsContext, render_findings
from iovalence.runs.store import StageOutput


def write_findings(
    loaded: LoadedConfig,
    report: QualityReport,
    ingested: StageOutput,
    checked: StageOutput,
    parted: StageOutput | None = None,
    *,
    page: Path,
    removed_rows: Path,
) -> None:
    """Write what the checks found for people: a page, and the rows that left.

    Args:
        loaded: The configuration.
        report: What the checks found.
        ingested: The table.
        checked: Which of its rows stay.
        parted: Likewise, after the checks of parts; None where these were not done.
        page: Where the page is written.
        removed_rows: Where the rows that left are written.

    Raises:
        StorageError: A file cannot be written, or a stage's is damaged.
    """
    table, rows = load_table(ingested.folder), CheckedRows.load(checked.folder)
    parts = None if parted is None else CheckedParts.load(parted.folder)
    reason = rows.reason if parts is None else parts.reason
    part = None if parts is None else parts.part
    write_removed_rows(removed_rows, table, reason)
    named = (row for finding in report.findings for row in (*finding.rows, *finding.partners))
    context = FindingsContext(
        schema=table.schema,
        report=report,
        settings=list_settings(loaded.config.quality),
        part_rows=None if part is None else _count_parts(part),
        rows=show_rows(table, named),
        spread=spread_target(table, rows.target, reason == "", part),
    )
    write_text(page, render_findings(context))


def _count_parts(part: NDArray[np.int8]) -> dict[str, int]:
    counts = np.bincount(part[part >= 0], minlength=len(SOURCES))
    return dict(zip(SOURCES, counts.tolist(), strict=True))
