"""Own what the page of the checks says of each column, those first that a person must look at."""

from collections.abc import Sequence
from typing import Any

from iovalence.data.schema import Column, TableSchema
from iovalence.evaluation.wording import format_count, format_number, format_share
from iovalence.quality.findings import Finding, by_gravity
from iovalence.quality.profile import MAX_CATEGORIES, ColumnProfile, Profile
from iovalence.quality.sketch import Sketch

MAX_COLUMNS = 100
MAX_MARKS = 3
MAX_VALUE = 40  # characters
_UNUSED = ("left_out", "excluded")


def describe_columns(
    schema: TableSchema, profile: Profile, findings: Sequence[Finding], left_out: Sequence[str]
) -> dict[str, Any]:
    """Return the hundred columns that need a person most, and how many more there are.

    Args:
        schema: The table's.
        profile: Of its train file.
        findings: What the checks found; those that name columns mark them.
        left_out: Features that the checks left out.
    """
    known = profile.by_name()
    told = [one for one in by_gravity(findings) if not one.is_quiet]
    lines = [
        _describe(column, known[column.name], profile.num_rows, _find_marks(column.name, told))
        for column in schema.without_features(left_out).columns
        if column.name in known
    ]
    lines.sort(key=lambda line: line["order"])
    return {"lines": lines[:MAX_COLUMNS], "more": max(0, len(lines) - MAX_COLUMNS)}


def _find_marks(name: str, told: Sequence[Finding]) -> list[Finding]:
    """Return the findings that name a column, one for each check, the gravest first."""
    by_check: dict[str, Finding] = {}
    for finding in told:
        if name in finding.columns:
            by_check.setdefault(finding.check, finding)
    return list(by_check.values())


def _describe(
    column: Column, seen: ColumnProfile, num_rows: int, marks: list[Finding]
) -> dict[str, Any]:
    grave = [one.severity for one in marks]
    is_unused = column.role in _UNUSED
    rank = 0 if "failure" in grave else 1 if "warning" in grave else 2 if marks else 3
    missing = seen.num_missing / num_rows if num_rows else 0.0
    return {
        "name": column.name,
        "kind": column.kind,
        "role": column.role.replace("_", " "),
        "reason": _say_why(column, marks) if is_unused else "",
        "missing": format_share(missing),
        "distinct": count_distinct(seen),
        "values": say_values(seen, num_rows),
        "marks": [(one.check, one.severity) for one in marks[:MAX_MARKS]],
        "order": (rank, not is_unused, -missing),
    }


def _say_why(column: Column, marks: Sequence[Finding]) -> str:
    by = next((one.check for one in marks if one.is_mended), "")
    return f"{by} left it out" if by else column.reason


def count_distinct(seen: ColumnProfile) -> str:
    """Return how many different values a column has, as far as its profile knows; else empty."""
    if seen.categories is not None:
        if seen.categories.num_rest:
            return f"over {format_count(MAX_CATEGORIES)}"
        return format_count(len(seen.categories.counts))
    if seen.sketch is None or seen.numbers is None:
        return ""
    num_knots = len(seen.sketch.knots)
    is_exact = _has_all(seen.sketch) and seen.sketch.num_sampled == seen.numbers.num_known
    return format_count(num_knots) if is_exact else f"over {format_count(num_knots - 1)}"


def _has_all(sketch: Sketch) -> bool:
    """Return whether there is no number between two knots."""
    return sketch.below[1:] == sketch.up_to[:-1]


def say_values(seen: ColumnProfile, num_rows: int) -> str:
    """Return a column's range, or its commonest value and the share of all rows that have it."""
    if seen.numbers is not None:
        low, high = seen.numbers.minimum, seen.numbers.maximum
        if low == high:
            return f"{format_number(low)} alone"
        return f"{format_number(low)} to {format_number(high)}"
    if seen.period is not None:
        return " to ".join(map(_shorten_time, (seen.period.earliest, seen.period.latest)))
    if seen.categories is not None and seen.categories.counts:
        name, count = next(iter(seen.categories.counts.items()))
        short = name if len(name) <= MAX_VALUE else f"{name[: MAX_VALUE - 1]}…"
        return f"{short} {format_share(count / num_rows)}"
    return ""


def _shorten_time(time: str) -> str:
    return time.removesuffix("T00:00:00").replace("T", " ")
