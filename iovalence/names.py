"""Own how a wrong name is answered: with the nearest right one."""

import difflib
from collections.abc import Iterable


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the valid name most like `name`, or an empty text."""
    by_lower = {candidate.lower(): candidate for candidate in valid}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f"; did you mean '{by_lower[found[0]]}'?" if found else ""
