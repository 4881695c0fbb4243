"""Own what the last accepted run lets one expect of the next table, and where it is not so.

Named as Great Expectations would name it, judged by code of our own: on a profile, and on the rows
themselves only where a profile says that some of them are otherwise. Rows that chance explains,
such as a number a little above all earlier ones, are reported and are no warning.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.data.table import Table
from iovalence.quality.findings import (
    MAX_EXAMPLES,
    Finding,
    Severity,
    accept_once,
    list_rows,
    name_rows,
    severity_of,
)
from iovalence.quality.labels import canonical_key
from iovalence.quality.profile import (
    Categories,
    ColumnProfile,
    Profile,
    Range,
    is_judged,
    pair_columns,
)
from iovalence.quality.section import ActionWithoutFix
from iovalence.quality.significance import adjust_holm, poisson_p, record_p, rise_p

CHECK = "expectations.inferred"
ALPHA = 0.01
# Even one number is too far out when it is so many widths of the accepted range away from it.
FAR_WIDTHS = 10.0
# A missing share has risen when it is so much above what it was; or, where none was missing, so
# large.
MIN_RISE, MIN_FIRST = 0.05, 0.01
_MAX_SHOWN = 40  # characters of a category
_MAX_WHOLE = 1e15
_ADVICE = "see what changed where the column comes from; "
_KEY = "quality.expectations.inferred"

Pair = tuple[ColumnProfile, ColumnProfile]


@dataclass(frozen=True)
class _Both:
    """Hold a table, its profile, and that of the accepted run."""

    table: Table
    now: Profile
    before: Profile

    @property
    def pairs(self) -> list[Pair]:
        """Return each judged column as it is and as it was."""
        return pair_columns(self.now, self.before)

    @property
    def same_kind(self) -> list[Pair]:
        """Return those whose kind has not changed."""
        return [pair for pair in self.pairs if pair[0].kind == pair[1].kind]

    def train(self, name: str) -> pa.ChunkedArray:
        """Return the values of a column in the train file, (N,)."""
        return self.table.columns.column(name).slice(0, self.now.num_rows)


@dataclass(frozen=True)
class _Breach:
    """Hold one column that is not as expected.

    Attributes:
        column: Its name.
        must: What must hold.
        rows: Indices of the rows that are otherwise, int64.
        num_checked: Rows that were looked at.
        examples: Values of some of these rows, as text.
        p_value: How likely chance alone gives as many.
        is_far: Whether it counts whatever chance says.
    """

    column: str
    must: str
    rows: NDArray[np.int64]
    num_checked: int
    examples: tuple[str, ...]
    p_value: float
    is_far: bool = False

    @property
    def share(self) -> float:
        return len(self.rows) / self.num_checked


def check_inferred(
    table: Table, now: Profile, before: Profile, run_id: str, action: ActionWithoutFix
) -> tuple[Finding, ...]:
    """Report where a table is not what the last accepted run lets one expect.

    Args:
        table: The table.
        now: Its profile.
        before: That of the accepted run.
        run_id: The accepted run.
        action: `warn` or `fail`.
    """
    both, severity = _Both(table, now, before), severity_of(action)
    findings = [*_check_columns(both, run_id, severity), *_check_kinds(both, run_id, severity)]
    for name, find in _FINDERS.items():
        findings += _report_all(both, name, [*find(both)], run_id, severity)
    return tuple(findings)


def _check_columns(both: _Both, run_id: str, severity: Severity) -> Iterator[Finding]:
    ours, theirs = both.now.by_name(), both.before.by_name()
    gone = [c.name for c in both.before.columns if is_judged(c) and c.name not in ours]
    new = [c.name for c in both.now.columns if is_judged(c) and c.name not in theirs]
    if gone or new:
        found = [f"{len(gone)} missing ({_list(gone)})"] * bool(gone)
        found += [f"{len(new)} new ({_list(new)})"] * bool(new)
        yield Finding(
            check=f"{CHECK}.expect_table_columns_to_match_set",
            severity=severity,
            count=len(gone) + len(new),
            share=(len(gone) + len(new)) / len({*ours, *theirs}),
            message=f"columns must be those of run {run_id}, found {' and '.join(found)}",
            columns=tuple(new),
            advice="correct the file, or name in data.exclude what is not to be used",
        )


def _check_kinds(both: _Both, run_id: str, severity: Severity) -> Iterator[Finding]:
    others = [
        f"'{now.name}' {now.kind}, was {before.kind}"
        for now, before in both.pairs
        if now.kind != before.kind and has_values(now) and has_values(before)
    ]
    if others:
        yield Finding(
            check=f"{CHECK}.expect_column_values_to_be_of_type",
            severity=severity,
            count=len(others),
            share=len(others) / len(both.pairs),
            message=f"columns must be of the kind they were in run {run_id}, "
            f"found {len(others)} otherwise: {_list(others, '{}', '; ')}",
            advice=_advise(severity),
        )


def _advise(severity: Severity) -> str:
    return _ADVICE + accept_once("fail" if severity == "failure" else "warn", _KEY)


def has_values(column: ColumnProfile) -> bool:
    """Return whether a column has a value; without any it has no kind of its own."""
    is_known = column.kind in ("text", "identifier", "unsupported")
    return is_known or any((column.numbers, column.categories, column.period))


def _list(names: Sequence[str], form: str = "'{}'", between: str = ", ") -> str:
    shown = between.join(form.format(name) for name in names[:MAX_EXAMPLES])
    more = len(names) - MAX_EXAMPLES
    return f"{shown} and {more} more" if more > 0 else shown


def _find_outside(both: _Both) -> Iterator[_Breach]:
    for now, before in both.same_kind:
        if now.numbers is None or before.numbers is None:
            continue
        low, high = before.numbers.minimum, before.numbers.maximum
        if now.numbers.minimum < low or now.numbers.maximum > high:
            values = both.train(now.name).to_numpy()
            yield _outside(now.name, values, now.numbers, before.numbers)


def _outside(name: str, values: NDArray[np.float64], now: Range, before: Range) -> _Breach:
    low, high = before.minimum, before.maximum
    is_low, is_high = (values < low) & (values > -np.inf), (values > high) & (values < np.inf)
    rows = np.flatnonzero(is_low | is_high)
    counts = (int(is_low.sum()), int(is_high.sum()))
    p_value = min(record_p(count, before.num_known, now.num_known) for count in counts)
    return _Breach(
        column=name,
        must=f"be between {_write(low)} and {_write(high)}" if low < high else f"be {_write(low)}",
        rows=rows,
        num_checked=now.num_known,
        examples=_examples([*map(_write, values[rows[: 4 * MAX_EXAMPLES]].tolist())]),
        p_value=min(1.0, 2 * p_value),
        is_far=0 < FAR_WIDTHS * (high - low) < max(low - now.minimum, now.maximum - high),
    )


def _write(value: float) -> str:
    """Return a number as people write it: a whole one with all its digits."""
    return f"{value:.0f}" if value.is_integer() and abs(value) < _MAX_WHOLE else f"{value:.6g}"


def _write_share(share: float) -> str:
    return "< 0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"


def _examples(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))[:MAX_EXAMPLES]


def _find_unseen(both: _Both) -> Iterator[_Breach]:
    for now, before in both.same_kind:
        ours, theirs = now.categories, before.categories
        # Where rare categories were not kept, one that is not known may be one of these.
        if ours is None or theirs is None or theirs.num_rest:
            continue
        if ours.num_rest or not ours.counts.keys() <= theirs.counts.keys():
            values = both.train(now.name).cast(pa.string())
            yield from _unseen(now, values, ours, theirs)


def _unseen(
    column: ColumnProfile, values: pa.ChunkedArray, now: Categories, before: Categories
) -> Iterator[_Breach]:
    names = pc.unique(values).to_pylist()
    unseen = _unseen_names(names, before.counts, is_target=column.role == "target")
    rows = np.flatnonzero(pc.is_in(values, value_set=pa.array(unseen, pa.string())).to_numpy())
    # Good (1953), Biometrika 40: what is new has the share of what stood in a single row before.
    expected = now.num_known * (before.num_single + 1) / before.num_known
    if unseen:
        yield _Breach(
            column=column.name,
            must=f"be one of {len(before.counts)} known values",
            rows=rows,
            num_checked=now.num_known,
            examples=_examples([f"'{name[:_MAX_SHOWN]}'" for name in unseen]),
            p_value=poisson_p(len(rows), expected),
        )


def _unseen_names(
    names: Sequence[str | None], known: dict[str, int], *, is_target: bool
) -> list[str]:
    """Return the names that are not known; another spelling of a label is no other label."""
    key = canonical_key if is_target else str
    seen = {key(name) for name in known}
    return [name for name in names if name is not None and key(name) not in seen]


def _find_missing(both: _Both) -> Iterator[_Breach]:
    num_now, num_before = both.now.num_rows, both.before.num_rows
    for now, before in both.pairs:
        share, share_before = now.num_missing / num_now, before.num_missing / num_before
        if share - share_before < (MIN_RISE if before.num_missing else MIN_FIRST):
            continue
        yield _Breach(
            column=now.name,
            must=f"be missing in {_write_share(share_before)} of the rows at most"
            if before.num_missing
            else "never be missing",
            rows=np.flatnonzero(pc.is_null(both.train(now.name)).to_numpy()),
            num_checked=num_now,
            examples=(),
            p_value=rise_p(now.num_missing, num_now, before.num_missing, num_before),
        )


_FINDERS: dict[str, Callable[[_Both], Iterator[_Breach]]] = {
    "expect_column_values_to_be_between": _find_outside,
    "expect_column_values_to_be_in_set": _find_unseen,
    "expect_column_values_to_not_be_null": _find_missing,
}


def _report_all(
    both: _Both, name: str, breaches: Sequence[_Breach], run_id: str, severity: Severity
) -> Iterator[Finding]:
    """Yield a finding for each of the worst breaches, and one for all that chance explains."""
    # All columns were looked at: those without a breach are tests too.
    num_others = max(0, len(both.pairs) - len(breaches))
    adjusted = adjust_holm([*(breach.p_value for breach in breaches), *[1.0] * num_others])
    is_real = [
        breach.is_far or p_value <= ALPHA
        for breach, p_value in zip(breaches, adjusted, strict=False)
    ]
    check = f"{CHECK}.{name}"
    real = [breach for breach, counts in zip(breaches, is_real, strict=True) if counts]
    real.sort(key=lambda breach: -breach.share)
    for breach in real[:MAX_EXAMPLES]:
        yield _report(both.table, check, breach, run_id, severity)
    for some, grade in (
        (real[MAX_EXAMPLES:], severity),
        ([one for one, counts in zip(breaches, is_real, strict=True) if not counts], "info"),
    ):
        if some:
            yield _summarise(check, some, len(both.pairs), run_id, grade)


def _report(table: Table, check: str, breach: _Breach, run_id: str, severity: Severity) -> Finding:
    count, rows = len(breach.rows), name_rows(table, breach.rows)
    shown = f": {', '.join(breach.examples)}" if breach.examples else ""
    return Finding(
        check=check,
        severity=severity,
        count=count,
        share=breach.share,
        message=f"'{breach.column}' must {breach.must} as in run {run_id}, found {count} of "
        f"{breach.num_checked} rows otherwise ({_write_share(breach.share)}){shown}"
        + list_rows(rows, count),
        rows=rows,
        columns=(breach.column,),
        advice=_advise(severity),
    )


def _summarise(
    check: str, breaches: Sequence[_Breach], num_columns: int, run_id: str, severity: Severity
) -> Finding:
    by_chance = ", no more rows than chance explains" if severity == "info" else ""
    named = [f"'{breach.column}' in {len(breach.rows)} rows" for breach in breaches]
    return Finding(
        check=check,
        severity=severity,
        count=len(breaches),
        share=len(breaches) / num_columns,
        message=f"columns must hold what they did in run {run_id}, found {len(breaches)} "
        f"{'' if by_chance else 'more '}otherwise{by_chance}: {_list(named, '{}')}",
        advice="" if by_chance else _advise(severity),
    )
