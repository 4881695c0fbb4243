"""Own what a check reports: one typed list of findings, for every reader."""

from typing import Literal

from iovalence.data.schema import Source
from iovalence.record import Record

Severity = Literal["info", "warning", "failure"]
MAX_EXAMPLES = 5


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
        message: What was found, one line.
        rows: At most five of the rows concerned.
        done: What was done about it, one line; empty for nothing.
        advice: What a person can do, one line; empty for nothing.
    """

    check: str
    severity: Severity
    count: int
    share: float
    message: str
    rows: tuple[RowNumber, ...] = ()
    done: str = ""
    advice: str = ""
