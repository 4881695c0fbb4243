"""Own what can be wrong with the numbers that a regression predicts, and what does not apply to it.

A target with one value throughout ends a run anyway. Here: one that is nearly so, and values so far
out that a squared error would look at little else.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.table import Table
from iovalence.quality.findings import Finding, list_rows, name_rows, severity_of
from iovalence.quality.section import TargetCheck

NOT_FOR_NUMBERS = ("labels.spelling", "labels.rare", "balance")
_SAME = 1e-10  # of the median: values that differ by less are one
# Make the median and the mean of absolute deviations estimate a normal standard deviation.
_OF_MEDIAN, _OF_MEAN = 1.482602, 1.253314


def check_target(
    table: Table, target: pa.Array, concerned: NDArray[np.bool_], section: TargetCheck
) -> tuple[Finding, ...]:
    """Report near-constant targets and outlying values of a regression, all files alike.

    Args:
        table: N rows.
        target: Values, (N,).
        concerned: Rows still in the data, all with a value, bool (N,).
        section: Action and limits.
    """
    if table.schema.task == "classification":
        return ()
    if section.action == "off":
        return (_say_what_is_left_out(),)
    rows = np.flatnonzero(concerned)
    values = target.take(pa.array(rows)).to_numpy(zero_copy_only=False)
    in_train = rows < table.schema.num_rows[0]
    found = (
        _say_what_is_left_out(),
        _check_near_constant(table, values[in_train], rows[in_train], section),
        _check_outliers(table, values, rows, in_train, section),
    )
    return tuple(finding for finding in found if finding)


def _say_what_is_left_out() -> Finding:
    return Finding(
        check="labels",
        severity="info",
        count=0,
        share=0.0,
        message=f"not applied to a regression: {', '.join(NOT_FOR_NUMBERS)}",
    )


def _check_near_constant(
    table: Table, values: NDArray[np.float64], rows: NDArray[np.int64], section: TargetCheck
) -> Finding | None:
    distinct, counts = np.unique(_round(values), return_counts=True)
    common, count = distinct[counts.argmax()], int(counts.max())
    share = count / len(values)
    if share <= section.max_share:
        return None
    others = rows[_round(values) != common]
    examples = name_rows(table, others)
    return Finding(
        check="target.near_constant",
        severity=severity_of(section.action),
        count=count,
        share=share,
        message=f"at most {section.max_share:.0%} of the train file may have one value of "
        f"'{table.schema.target}', found {count} of {len(values)} to be {common:g}"
        + (f"; the others{list_rows(examples, len(others))}" if len(others) else ""),
        rows=examples,
        advice="predict first whether it is this value (a classification), or collect other rows",
    )


def _round(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values with what arithmetic leaves of equal ones taken off, (N,).

    Their unit is a ten-billionth of the median, so that values that differ in a digit that
    anybody measures stay apart.
    """
    unit = _SAME * float(np.median(np.abs(values)))
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = np.rint(values / unit) * unit if unit else values
    return np.where(np.isfinite(rounded), rounded, values)


def _check_outliers(
    table: Table,
    values: NDArray[np.float64],
    rows: NDArray[np.int64],
    in_train: NDArray[np.bool_],
    section: TargetCheck,
) -> Finding | None:
    centre, spread = _robust_spread(values[in_train])
    with np.errstate(over="ignore"):
        far = np.abs(values - centre) > section.max_deviation * spread
    count = int(far.sum())
    if not count or not spread:
        return None
    far_rows = rows[far]
    examples = name_rows(table, far_rows)
    return Finding(
        check="target.outliers",
        severity=severity_of(section.action),
        count=count,
        share=count / len(values),
        message=f"values of '{table.schema.target}' must lie within {section.max_deviation:g} "
        f"robust deviations ({spread:.4g}) of the median ({centre:.4g}), found {count} of "
        f"{len(values)} outside, {_write_range(values[far])}" + list_rows(examples, count),
        rows=examples,
        done="kept",
        advice="correct them, or predict a logarithm of the target where such values are real",
    )


def _write_range(values: NDArray[np.float64]) -> str:
    low, high = f"{values.min():.4g}", f"{values.max():.4g}"
    return f"at {low}" if low == high else f"between {low} and {high}"


def _robust_spread(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the median and a standard deviation that outliers hardly move.

    Source: Iglewicz, Hoaglin 1993, "How to Detect and Handle Outliers": the median of absolute
        deviations, and their mean where more than half of the values are the same.
    """
    centre = float(np.median(values))
    with np.errstate(over="ignore"):
        deviations = np.abs(values - centre)
        spread = _OF_MEDIAN * float(np.median(deviations)) or _OF_MEAN * float(deviations.mean())
    return centre, spread
