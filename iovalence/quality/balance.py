"""Own how unequal the classes are; know nothing of how a loss is weighted."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.table import Table
from iovalence.quality.findings import Finding, severity_of
from iovalence.quality.labels import encode_labels, list_counts, quote
from iovalence.quality.section import BalanceCheck

_ADVICE = (
    "set quality.balance: fix or training.class_weights: balanced, and judge by balanced accuracy "
    "and PR AUC, not by accuracy"
)


def check_balance(
    table: Table,
    target: pa.Array,
    concerned: NDArray[np.bool_],
    section: BalanceCheck,
    *,
    class_weights_given: bool,
) -> tuple[tuple[Finding, ...], bool]:
    """Report the classes' shares, and whether the largest is too large for the smallest.

    Args:
        table: N rows.
        target: Labels, (N,).
        concerned: Rows of the train file still in the data, bool (N,).
        section: Action and limit.
        class_weights_given: Whether `training.class_weights` says what to do already.

    Returns:
        Findings, and whether to train with balanced class weights.
    """
    if section.action == "off" or table.schema.task == "regression":
        return (), False
    codes, names = encode_labels(target)
    counts = np.bincount(codes[concerned], minlength=len(names))
    total, smallest = int(counts.sum()), int(counts[counts > 0].min())
    ratio = float(counts.max() / smallest)
    uneven = ratio > section.max_ratio
    weigh = uneven and section.action == "fix" and not class_weights_given
    limit = "the largest class must have at most {:g} rows for one of the smallest, found {:.1f}: "
    finding = Finding(
        check="balance",
        severity=severity_of(section.action) if uneven else "info",
        count=smallest,
        share=smallest / total,
        message=(limit.format(section.max_ratio, ratio) if uneven else "rows of each class: ")
        + list_counts([*map(quote, names)], counts),
        done=_describe_fix(weigh) if uneven and section.action == "fix" else "",
        advice=_ADVICE if uneven and section.action != "fix" else "",
    )
    return (finding,), weigh


def _describe_fix(weigh: bool) -> str:
    if weigh:
        return "trained with class_weights: balanced"
    return "nothing: training.class_weights is given, and stays"
