"""Own whether two texts are the same value, when a spreadsheet has written one of them.

Spreadsheets write numbers with fewer digits and with the comma of their country, and dates as its
people write them, often without seconds.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product

# Six digits are what is left of a long number.
_TOLERANCE = 1e-5
_DATES = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%d.%m.%y", "%m/%d/%y")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


def is_same_value(written: str, value: str) -> bool:
    """Return whether a text may be what a spreadsheet made of a value.

    Args:
        written: What it wrote.
        value: The value as we write it: numbers with a point, times as ISO 8601.
    """
    if written.casefold() == value.strip().casefold():
        return True
    try:
        return _is_same_number(written, float(value))
    except ValueError:
        pass
    time = _read_iso(value)
    return time is not None and any(time == _cut(time, found) for found in _read_times(written))


def _is_same_number(written: str, number: float) -> bool:
    text = written if "." in written else written.replace(",", ".")
    return math.isclose(float(text), number, rel_tol=_TOLERANCE)


def _cut(time: datetime, found: tuple[datetime, str]) -> datetime:
    """Return the time that was found, with what its format leaves out taken from `time`."""
    read, form = found
    whole = ":" in form
    return read.replace(
        hour=read.hour if whole else time.hour,
        minute=read.minute if whole else time.minute,
        second=read.second if "%S" in form else time.second,
        microsecond=time.microsecond,
    )


def _read_times(written: str) -> Iterator[tuple[datetime, str]]:
    """Yield what a text may mean as a time, and how it was read."""
    iso = _read_iso(written)
    if iso is not None:
        seconds = "%H:%M:%S" if written.count(":") >= 2 else "%H:%M" if ":" in written else ""
        yield iso, seconds
    for date, time in product(_DATES, _TIMES):
        try:
            yield datetime.strptime(written, date + time), date + time
        except ValueError:
            continue


def _read_iso(text: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return read if read.tzinfo is None else read.astimezone(UTC).replace(tzinfo=None)
