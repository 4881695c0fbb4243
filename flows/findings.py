"""Own what a person reads of findings in a terminal: a short table, the counts, and the page.

What is no terminal gets a line for each finding.
"""

import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from flows.commands.console import print_table, print_text
from iovalence.quality.findings import Finding, Severity, by_gravity, tell_notes

if TYPE_CHECKING:
    from iovalence.quality.checks import QualityReport
    from iovalence.runs.checks import ChecksFolder

WIDE_COLUMNS = 100
COLOURS: dict[Severity, str] = {"failure": "red", "warning": "yellow", "info": "green"}


def show_checks(report: "QualityReport", folder: "ChecksFolder") -> None:
    """Print what the checks found, what reading the table noted, and where to read more."""
    found = [one for one in by_gravity(report.findings) if not one.is_quiet]
    if not found:
        print_text("nothing was found")
    elif not sys.stdout.isatty():
        print_text("\n".join(map(_line, found)))
    elif shutil.get_terminal_size().columns < WIDE_COLUMNS:
        _print_blocks(found)
    else:
        _print_table(found)
    lines = [*tell_notes(report.notes, str(folder.quality)), *_count_lines(report)]
    if folder.label_review.is_file():
        lines.append(f"labels to decide on: {folder.label_review}")
    print_text("\n".join([*lines, f"page: {folder.quality_page}"]))


def _line(finding: Finding) -> str:
    check, severity, found, _ = _cells(finding)
    done = f"; done: {finding.done}" if finding.done else ""
    advice = f"; to do: {finding.advice}" if finding.advice else ""
    return f"{severity}: {check}: {found}{done}{advice}"


def _cells(finding: Finding) -> Sequence[str]:
    return finding.check, finding.severity, finding.short_message, finding.done or finding.advice


def _print_table(findings: Sequence[Finding]) -> None:
    from rich.text import Text

    rows = []
    for finding in findings:
        check, severity, found, then = _cells(finding)
        rows.append((check, Text(severity, COLOURS[finding.severity]), found, then))
    print_table(("check", "severity", "found", "done, or to do"), rows)


def _print_blocks(findings: Sequence[Finding]) -> None:
    """Print each finding below the other: four columns are too many for a narrow terminal."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console(highlight=False)
    for finding in findings:
        check, severity, found, then = _cells(finding)
        console.print(Text.assemble((severity, COLOURS[finding.severity]), f"  {check}"))
        console.print(Padding(Text(found), (0, 0, 0, 2)))
        if then:
            label = "done" if finding.done else "to do"
            console.print(Padding(Text(f"{label}: {then}"), (0, 0, 0, 2)))


def _count_lines(report: "QualityReport") -> Iterator[str]:
    for counts in report.counts:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in counts.removed.items())
        left = counts.num_rows - counts.kept
        why = f" ({reasons})" if reasons else ""
        yield f"{counts.source}: of {counts.num_rows:,} rows {left:,} leave{why}"
