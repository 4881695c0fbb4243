"""Own what a person sees of `reproduce`: how it goes, its verdict, and its exit status."""

import re

from iovalence.errors import GateError
from iovalence.reproduction.again import Audience
from iovalence.reproduction.difference import Difference, Reproduction
from iovalence.reproduction.reproduce import reproduce
from iovalence.runs.folder import RunFolder
from tasks.progress import show_epochs, tell

SHOWN_DIFFERENCES = 12
_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")


def reproduce_run(run: RunFolder) -> Reproduction:
    """Make a run again in this process, with lines on standard error as training has them.

    Raises:
        RunNotFoundError: The run did not finish.
        StorageError: The manifest cannot be read, or the workspace not be written to.
    """
    return reproduce(run, Audience(tell, show_epochs))


def describe(found: Reproduction) -> list[str]:
    """Return the verdict for people: one line, then what it rests on."""
    lines = [f"{'equal' if found.equal else 'different'}  run {found.run_id} {_headline(found)}"]
    shown = found.differences[:SHOWN_DIFFERENCES]
    lines += [f"  {line.cause:12}{_shorten(_told(line))}" for line in shown]
    more = len(found.differences) - len(shown)
    lines += [f"  and {more} more differences (--json has all)"] if more else []
    lines += [f"  note        {_shorten(note)}" for note in found.notes]
    if found.compared:
        told = ", ".join(f"{name} ({size})" for name, size in found.compared.items())
        lines.append(f"  compared    {told}")
    return lines


def _headline(found: Reproduction) -> str:
    if found.equal:
        return "was made again, and all that came of it is the same"
    if found.has_equal_result is None:
        return "could not be made again"
    causes = {line.cause for line in found.differences}
    if found.has_equal_result:
        since = "; its files were altered since" if causes == {"record"} else " all the same"
        return f"was made again; what came of it is equal{since}"
    if causes == {"result"}:
        return "differs, made again from equal data and configuration, versions and hardware"
    return "was made again, and what came of it differs"


def _told(line: Difference) -> str:
    what = "" if line.what == line.cause else f"{line.what}: "
    return f"{what}{line.then} then, {line.now} now"


def _shorten(text: str) -> str:
    return _HASH.sub(r"\1...", text)


def raise_for_difference(found: Reproduction) -> None:
    """Raise where anything differs.

    Raises:
        GateError: With the first difference.
    """
    if found.equal:
        return
    first = found.first
    told = f"other {first.cause}: {_shorten(_told(first))}" if first else "nothing to compare"
    raise GateError(f"run {found.run_id} must be the same when it is made again, got {told}")
