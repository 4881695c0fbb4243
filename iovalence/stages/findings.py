"""Own the page of the checks as a stage: gather from the stages' folders what the page says."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.atomic import write_text
from iovalence.config.load import LoadedConfig
from iovalence.data.ingest import load_table
from iovalence.data.schema import SOURCES
from iovalence.data.table import Table
from iovalence.quality.actions import list_settings
from iovalence.quality.checks import CheckedRows, QualityReport
from iovalence.quality.comparison import Accepted
from iovalence.quality.examples import show_rows, show_value
from iovalence.quality.findings import MAX_EXAMPLES, RowNumber, name_rows
from iovalence.quality.parts import CheckedParts
from iovalence.quality.profile import Profile
from iovalence.quality.removed import write_removed_rows
from iovalence.quality.review import DROPPED, KEPT
from iovalence.quality.spread import TargetSpread, spread_target
from iovalence.reporting.drift_table import Move
from iovalence.reporting.findings_page import FindingsContext, render_findings
from iovalence.stages.checked import Checks
from iovalence.stages.compared import load_comparison
from iovalence.stages.stored import profile_stage
from iovalence.trials.suspects import NOT_LOOKED, Suspects

COMPARISONS = ("expectations.inferred", "drift")
ERRORS = "labels.errors"
_MIDNIGHT = " 00:00:00"
_ENDED = "was not done: a check before it failed"


def write_findings(
    loaded: LoadedConfig,
    report: QualityReport,
    checks: Checks,
    *,
    page: Path,
    removed_rows: Path,
) -> None:
    """Write what the checks found for people: a page, and the rows that left.

    Args:
        loaded: The configuration.
        report: What the checks found.
        checks: What was checked so far.
        page: Where the page is written.
        removed_rows: Where the rows that left are written.

    Raises:
        StorageError: A file cannot be written, or a stage's is damaged.
    """
    table, rows = load_table(checks.ingested.folder), CheckedRows.load(checks.checked.folder)
    parts = None if checks.parted is None else CheckedParts.load(checks.parted.folder)
    reason = rows.reason if parts is None else parts.reason
    part = None if parts is None else parts.part
    write_removed_rows(removed_rows, table, reason)
    spread = spread_target(table, rows.target, reason == "", part)
    decided = dict(_list_decided(table, rows))
    context = _gather(loaded, report, checks, table, part, spread, decided)
    write_text(page, render_findings(context))


def _gather(
    loaded: LoadedConfig,
    report: QualityReport,
    checks: Checks,
    table: Table,
    part: NDArray[np.int8] | None,
    spread: TargetSpread,
    decided: dict[RowNumber, str],
) -> FindingsContext:
    named = [row for finding in report.findings for row in (*finding.rows, *finding.partners)]
    return FindingsContext(
        schema=table.schema,
        report=report,
        settings=list_settings(loaded.config.quality),
        part_rows=None if part is None else _count_parts(part),
        rows=show_rows(table, [*named, *decided]),
        spread=spread,
        unseen=dict(_list_unseen(checks)),
        profile=_find_profile(loaded, checks, report),
        move=_find_move(checks),
        doubts=dict(_list_doubts(table, checks)),
        decided=decided,
        periods=dict(_list_periods(loaded, table, part)),
    )


def _list_unseen(checks: Checks) -> Iterator[tuple[str, str]]:
    """Yield each check that did not look at the data, and why."""
    if checks.compared is None:
        yield from ((name, _ENDED) for name in COMPARISONS)
    elif Accepted.load(checks.compared.compared.folder / "accepted.json").profile is None:
        why = "compares with the last accepted run, and there is none yet"
        yield from ((name, why) for name in COMPARISONS)
    if checks.suspected is None:
        yield ERRORS, _ENDED
        return
    for finding in Suspects.load(checks.suspected.folder).report.findings:
        if finding.message.startswith(NOT_LOOKED):
            yield ERRORS, finding.message


def _find_profile(loaded: LoadedConfig, checks: Checks, report: QualityReport) -> Profile | None:
    """Return what the columns hold; None where the page will be written again anyway."""
    if checks.compared is not None:
        profiled = checks.compared.profiled
    elif any(one.severity == "failure" for one in report.findings):
        profiled = profile_stage(loaded, checks.ingested)
    else:
        return None
    return Profile.load(profiled.folder / "profile.json")


def _find_move(checks: Checks) -> Move | None:
    if checks.compared is None:
        return None
    figures = load_comparison(checks.compared).drift
    before = Accepted.load(checks.compared.compared.folder / "accepted.json").profile
    if figures is None or before is None:
        return None
    now = Profile.load(checks.compared.profiled.folder / "profile.json")
    return Move(figures, now, before)


def _list_doubts(table: Table, checks: Checks) -> Iterator[tuple[RowNumber, tuple[str, str]]]:
    """Yield the most doubtful rows, each with the suggested label and the label's score."""
    if checks.suspected is None:
        return
    found = Suspects.load(checks.suspected.folder)
    suggested = found.suggested.slice(0, MAX_EXAMPLES).to_pylist()
    rows = name_rows(table, found.index)
    for row, label, score in zip(rows, suggested, found.score.tolist(), strict=False):
        yield row, (str(label), f"{score:.3f}")


def _list_decided(table: Table, rows: CheckedRows) -> Iterator[tuple[RowNumber, str]]:
    """Yield the first rows that a person decided on, those that changed first."""
    verbs = {KEPT: "kept", DROPPED: "left out"}
    index = np.flatnonzero(rows.review)
    index = index[np.argsort(rows.review[index] == KEPT, kind="stable")][:MAX_EXAMPLES]
    for row, at in zip(name_rows(table, index), index.tolist(), strict=True):
        label = show_value(rows.target[at].as_py())
        yield row, verbs.get(int(rows.review[at]), f"now {label}")


def _list_periods(
    loaded: LoadedConfig, table: Table, part: NDArray[np.int8] | None
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the first and the last time of each part, where the split is by time."""
    names = table.schema.names("time")
    if part is None or loaded.config.data.split != "time" or not names:
        return
    for at, name in enumerate(SOURCES):
        ends = pc.min_max(table.columns.column(names[0]).filter(pa.array(part == at))).as_py()
        first, last = show_value(ends["min"]), show_value(ends["max"])
        if first is not None and last is not None:
            yield name, (first.removesuffix(_MIDNIGHT), last.removesuffix(_MIDNIGHT))


def _count_parts(part: NDArray[np.int8]) -> dict[str, int]:
    counts = np.bincount(part[part >= 0], minlength=len(SOURCES))
    return dict(zip(SOURCES, counts.tolist(), strict=True))
