"""Own what a check reports: one typed list of findings, for every reader."""

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from iovalence.data.schema import SOURCES, Source
from iovalence.data.table import Table
from iovalence.quality.section import Action
from iovalence.record import Record

Severity = Literal["info", "warning", "failure"]
MAX_EXAMPLES = 5
MAX_LINES = 8
MAX_SHORT, MAX_NOTE = 200, 400
LARGE_LOSS = 0.05
"""Share of a part's rows from which on a fix that takes them is worth a warning."""

_ASIDE = re.compile(r" \([^()]*\)$")
# What begins so was left as it was; a person's "kept 3, left out 1" is no such thing.
_UNTOUCHED = re.compile(r"(kept(?! \d)|nothing|each is|their rows stay|trained once more)\b")

_SEVERITY: dict[Action, Severity] = {"warn": "warning", "fix": "info", "fail": "failure"}


def severity_of(action: Action) -> Severity:
    """Return how grave a finding is under the action that its check has; `off` has none."""
    return _SEVERITY[action]


def warn_of_losses(
    findings: Iterable["Finding"], num_left: int, num_rows: int, action: Action
) -> list["Finding"]:
    """Return the findings of a check, as warnings where its fix took much of the data.

    Args:
        findings: Of one check.
        num_left: Rows of a file or a part that left because of it.
        num_rows: All rows of that file or part.
        action: What the check is set to: what nothing is done about is no loss.
    """
    if action != "fix" or num_left <= LARGE_LOSS * num_rows:
        return list(findings)
    return [
        finding.model_copy(update={"severity": "warning"})
        if finding.severity == "info" and finding.done
        else finding
        for finding in findings
    ]


class RowNumber(Record):
    """Name one row: the file it came from, and its number there, from 1, no header counted."""

    source: Source
    row: int

    def __str__(self) -> str:
        return f"{self.source} row {self.row}"


class Finding(Record):
    """Say what one check found, what was done and what to do.

    Attributes:
        check: The check's name, as in `duplicates.exact`.
        severity: `failure` stops the run with status 4.
        count: Rows (or classes, as the message says) concerned.
        share: `count` as a share of all that were checked, in [0, 1].
        message: What must hold and what was found, one line, with the rows.
        rows: At most five of the rows concerned.
        done: What was done about it, one line; empty for nothing.
        advice: What a person can do, one line; empty for nothing.
        columns: Names of the columns concerned, where it is not the whole row.
        can_fix: Whether the check's `fix` would do anything about it, where the check has one.
        partners: For each of `rows`, the row that it copies or contradicts; empty where a row is
            judged by itself.
    """

    check: str
    severity: Severity
    count: int
    share: float
    message: str
    rows: tuple[RowNumber, ...] = ()
    done: str = ""
    advice: str = ""
    columns: tuple[str, ...] = ()
    partners: tuple[RowNumber, ...] = ()
    can_fix: bool = True

    @property
    def short_message(self) -> str:
        """Return the message in one line of at most 200 characters, without its rows.

        What stands in brackets at the end is the first to go.
        """
        text = self.message.removesuffix(list_rows(self.rows, self.count))
        if len(text) > MAX_SHORT:
            text = _ASIDE.sub("", text)
        return textwrap.shorten(_printable(text), MAX_SHORT, placeholder=" ...")

    @property
    def is_quiet(self) -> bool:
        """Return whether a check was satisfied, and this only says what it saw."""
        return self.severity == "info" and not self.done

    @property
    def is_mended(self) -> bool:
        """Return whether it is settled because rows, labels, weights or columns were changed."""
        return self.severity == "info" and bool(self.done) and not _UNTOUCHED.match(self.done)

    @property
    def line(self) -> str:
        """Return it in one line for people: gravity, check, what was found and what was done."""
        grave = "" if self.severity == "info" else f"{self.severity}: "
        done = f"; {_printable(self.done)}" if self.done else ""
        return f"{grave}{self.check}: {self.short_message}{done}"


def by_gravity(findings: Iterable[Finding]) -> list[Finding]:
    """Return failures, then warnings, then what was fixed, then what was only looked at."""
    order = ("failure", "warning", "info")
    return sorted(findings, key=lambda finding: (order.index(finding.severity), finding.is_quiet))


def tell_findings(findings: Iterable[Finding], page: str) -> list[str]:
    """Return a line for each finding that people need to know, the gravest first.

    Args:
        findings: What was found; checks that were satisfied are passed over.
        page: Where all of them are, for what is beyond eight lines.
    """
    lines = [finding.line for finding in by_gravity(findings) if not finding.is_quiet]
    more = len(lines) - MAX_LINES
    return lines if more <= 0 else [*lines[:MAX_LINES], f"and {more} more findings: {page}"]


def tell_notes(notes: Sequence[str], place: str) -> list[str]:
    """Return a line for each of the first notes of reading.

    Args:
        notes: A line each.
        place: Where all of them are, for what is beyond eight lines.
    """
    lines = [f"note: {textwrap.shorten(_printable(note), MAX_NOTE)}" for note in notes[:MAX_LINES]]
    more = len(notes) - MAX_LINES
    return [*lines, f"and {more} more notes: {place}"] if more > 0 else lines


def _printable(text: str) -> str:
    # A column's name or a label may hold what would move a terminal's cursor.
    return "".join(char if char.isprintable() or char == " " else repr(char)[1:-1] for char in text)


def name_rows(table: Table, indices: NDArray[np.int64]) -> tuple[RowNumber, ...]:
    """Return the numbers of the first five of the rows at `indices`, int64, in the table."""
    starts = np.cumsum((0, *table.schema.num_rows))
    examples = []
    for index in indices[:MAX_EXAMPLES].tolist():
        source = int(np.searchsorted(starts, index, side="right")) - 1
        examples.append(RowNumber(source=SOURCES[source], row=index - int(starts[source]) + 1))
    return tuple(examples)


def accept_once(action: Action, key: str) -> str:
    """Return how a change since the last accepted run is accepted.

    Args:
        action: What the check is set to.
        key: Where that stands.
    """
    if action == "fail":
        return f"where the change is meant, accept it once: --set {key}=warn"
    return "a run that meets its gates is what the next is compared with"


def name_file(table: Table, indices: NDArray[np.int64]) -> str:
    """Return "the test file" where the rows at `indices`, int64, are all of that one."""
    sources = np.unique(table.source_of_rows()[indices])
    return f"the {SOURCES[sources[0]]} file" if len(sources) == 1 else "a given file"


def num_checked(table: Table, *, given: bool) -> int:
    """Return the rows of the given files together, or those of the train file."""
    return sum(table.schema.num_rows[1:]) if given else table.schema.num_rows[0]


def count_rows(count: int) -> str:
    """Return "1 row" or "1,234 rows"."""
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def list_rows(rows: Sequence[RowNumber], count: int) -> str:
    """Return "(train row 4, train row 9 and 22 more)" for `count` rows in all."""
    if not rows:
        return ""
    more = f" and {count - len(rows)} more" if count > len(rows) else ""
    return f" ({', '.join(str(row) for row in rows)}{more})"
