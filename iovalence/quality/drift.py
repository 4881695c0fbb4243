"""Own whether distributions moved since the last accepted run; know only the two profiles.

A column has moved where a difference is both larger than its limit and significant: a million rows
make any difference significant, and a hundred make any difference large. Numbers have two measures,
categories one; the probabilities of all of them are corrected together.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from iovalence.quality.findings import MAX_EXAMPLES, Finding, accept_once, severity_of
from iovalence.quality.labels import canonical_key
from iovalence.quality.profile import Categories, ColumnProfile, Profile, pair_columns
from iovalence.quality.section import DriftCheck
from iovalence.quality.significance import adjust_holm, homogeneity_p, kolmogorov_p, merge_small
from iovalence.quality.sketch import Sketch, compute_ks
from iovalence.record import Record

# A tenth of all rows lies on the other side of some number, or has another category.
MIN_KS, MIN_TV = 0.1, 0.1
_ADVICE = "see what changed where these columns come from"

Statistic = Literal["PSI", "KS", "TV"]
Counts = NDArray[np.float64]


class Measure(Record):
    """Hold by how much one column differs from what it was, in one measure.

    Attributes:
        column: Its name.
        statistic: PSI, the population stability index on deciles of the accepted run; KS, the
            largest distance of the two distributions; TV, the total variation distance.
        value: 0 or more; KS and TV 1 at most.
        limit: From where on it is large.
        p_value: How likely chance alone gives as much, before any correction.
        adjusted_p: Likewise, corrected for all measures of the table.
        moved: Whether it is both large and significant.
    """

    column: str
    statistic: Statistic
    value: float
    limit: float
    p_value: float
    adjusted_p: float = 1.0
    moved: bool = False

    def __str__(self) -> str:
        return f"{self.statistic} {self.value:.2f}"


@dataclass(frozen=True)
class _Moved:
    """Hold a column that moved, with its measures that say so."""

    column: str
    measures: tuple[Measure, ...]

    @property
    def size(self) -> float:
        return max(measure.value / measure.limit for measure in self.measures)

    def __str__(self) -> str:
        return f"'{self.column}' {' and '.join(map(str, self.measures))}"


def measure_drift(now: Profile, before: Profile, section: DriftCheck) -> tuple[Measure, ...]:
    """Return by how much each column differs from what it was.

    Args:
        now: This table.
        before: That of the last accepted run.
        section: Limits.
    """
    pairs = [pair for pair in pair_columns(now, before) if pair[0].kind == pair[1].kind]
    measures = [measure for pair in pairs for measure in _measure(*pair, section.psi)]
    adjusted = adjust_holm([measure.p_value for measure in measures])
    return tuple(
        measure.model_copy(
            update={
                "adjusted_p": p_value,
                "moved": measure.value >= measure.limit and p_value <= section.alpha,
            }
        )
        for measure, p_value in zip(measures, adjusted, strict=True)
    )


def _measure(now: ColumnProfile, before: ColumnProfile, max_psi: float) -> Iterator[Measure]:
    if now.sketch is not None and before.sketch is not None:
        yield from _measure_numbers(now.name, now.sketch, before.sketch, max_psi)
    elif now.categories is not None and before.categories is not None:
        key = canonical_key if now.role == "target" else str
        ours, theirs = count_groups(now.categories, before.categories, key)
        ours, theirs = merge_small(ours, theirs)
        yield Measure(
            column=now.name,
            statistic="TV",
            value=compute_tv(ours, theirs),
            limit=MIN_TV,
            p_value=homogeneity_p(ours, theirs),
        )


def _measure_numbers(name: str, now: Sketch, before: Sketch, max_psi: float) -> Iterator[Measure]:
    edges = before.edges()
    ours, theirs = now.counts(edges), before.counts(edges)
    yield Measure(
        column=name,
        statistic="PSI",
        value=compute_psi(ours, theirs),
        limit=max_psi,
        p_value=homogeneity_p(*merge_small(ours, theirs)),
    )
    distance = compute_ks(now, before)
    yield Measure(
        column=name,
        statistic="KS",
        value=distance,
        limit=MIN_KS,
        p_value=kolmogorov_p(distance, now.num_sampled, before.num_sampled),
    )


def compute_psi(now: Counts, before: Counts) -> float:
    """Return the population stability index of two samples' counts by bin, both float64 (B,).

    Half a row is added to each bin, so that an empty one does not make it infinite.

    Source: Siddiqi (2006), Credit Risk Scorecards: sum of (p - q) ln(p / q); from 0.1 on to be
    looked at, from 0.25 on a shift. The limit in wide use, 0.2, is the default here.
    """
    ours, theirs = ((counts + 0.5) / (counts + 0.5).sum() for counts in (now, before))
    return float(((ours - theirs) * np.log(ours / theirs)).sum())


def compute_tv(now: Counts, before: Counts) -> float:
    """Return the total variation distance of two samples' counts by group, both float64 (G,).

    It is the smallest share of rows, in [0, 1], that would have to change their group for the
    shares to be equal.

    Source: Levin, Peres and Wilmer (2009), Markov Chains and Mixing Times, proposition 4.2.
    """
    return float(np.abs(now / now.sum() - before / before.sum()).sum() / 2)


def count_groups(
    now: Categories, before: Categories, key: Callable[[str], str] = str
) -> tuple[Counts, Counts]:
    """Return how often each category stands in both tables, float64 (G,) each.

    What one of them counts among its rarest, the last group holds in both.

    Args:
        now: Of this table.
        before: Of the other.
        key: What is equal for categories that are to be one.
    """
    ours, theirs = _count(now, key), _count(before, key)
    # A name that is missing where rare ones were not kept may be one of these.
    unsure = {name for name in ours.keys() ^ theirs.keys() if _is_unsure(name, ours, now, before)}
    names = [name for name in {**theirs, **ours} if name not in unsure]
    both = []
    for counts, rest in ((ours, now.num_rest), (theirs, before.num_rest)):
        others = rest + sum(counts.get(name, 0) for name in unsure)
        both.append(np.array([*(counts.get(name, 0) for name in names), others], float))
    return both[0], both[1]


def _count(categories: Categories, key: Callable[[str], str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, rows in categories.counts.items():
        counts[key(name)] = counts.get(key(name), 0) + rows
    return counts


def _is_unsure(name: str, ours: dict[str, int], now: Categories, before: Categories) -> bool:
    return bool(before.num_rest if name in ours else now.num_rest)


def report_drift(
    measures: Sequence[Measure], target: str, run_id: str, section: DriftCheck
) -> tuple[Finding, ...]:
    """Return a finding for the target and one for all other columns, where they moved.

    Args:
        measures: Of all columns.
        target: The column to predict.
        run_id: The run that the table is compared with.
        section: The action, and the limits.
    """
    groups = (
        ("drift.target", [one for one in measures if one.column == target]),
        ("drift", [one for one in measures if one.column != target]),
    )
    found = (_report(check, some, measures, run_id, section) for check, some in groups)
    return tuple(finding for finding in found if finding)


def _report(
    check: str,
    some: Sequence[Measure],
    measures: Sequence[Measure],
    run_id: str,
    section: DriftCheck,
) -> Finding | None:
    moved = find_moved(some)
    if not moved:
        return None
    num_columns = len({measure.column for measure in some})
    named = "; ".join(map(str, moved[:MAX_EXAMPLES]))
    more = f"; and {len(moved) - MAX_EXAMPLES} more" if len(moved) > MAX_EXAMPLES else ""
    what = "the target" if check == "drift.target" else f"{len(moved)} of {num_columns} columns"
    return Finding(
        check=check,
        severity=severity_of(section.action),
        count=len(moved),
        share=len(moved) / num_columns,
        message=f"distributions must be as in run {run_id}, found {what} to have moved: "
        f"{named}{more} (Holm's correction of {len(measures)} tests, alpha {section.alpha:g}; "
        "all figures are in drift.json)",
        columns=tuple(one.column for one in moved),
        advice=f"{_ADVICE}; {accept_once(section.action, 'quality.drift')}",
    )


def find_moved(measures: Sequence[Measure]) -> list[_Moved]:
    """Return the columns that moved, those that did most first."""
    by_column: dict[str, list[Measure]] = {}
    for measure in measures:
        if measure.moved:
            by_column.setdefault(measure.column, []).append(measure)
    moved = [_Moved(column, tuple(some)) for column, some in by_column.items()]
    return sorted(moved, key=lambda one: -one.size)
