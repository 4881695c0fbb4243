"""Own the name of what was checked so far; do none of it."""

from iovalence.record import Record
from iovalence.runs.store import StageOutput
from iovalence.stages.compared import ComparedStages


class Checks(Record):
    """Name what was checked so far.

    Attributes:
        ingested: The table.
        checked: Which of its rows stay.
        compared: How it compares with the table of the last accepted run; None before.
        suspected: Which of its labels are doubtful; None before.
        parted: The part of each row, checked; None before the split.
    """

    ingested: StageOutput
    checked: StageOutput
    compared: ComparedStages | None = None
    suspected: StageOutput | None = None
    parted: StageOutput | None = None
