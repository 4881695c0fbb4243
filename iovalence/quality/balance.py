"""Own how unequal the classes are; know nothing of how a loss is weighted.

Two numbers say it: the ratio of the largest class to the smallest, which one tiny class decides,
and the effective number of classes, which all rows decide.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from iovalence.data.table import Table
from iovalence.quality.findings import MAX_EXAMPLES, Finding, severity_of
from iovalence.quality.labels import encode_labels, quote
from iovalence.quality.section import BalanceCheck

_FEW_ROWS = 10
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
    copies: NDArray[np.bool_] | None = None,
) -> tuple[tuple[Finding, ...], bool]:
    """Report the classes' shares, and whether the largest is too large for the smallest.

    Args:
        table: N rows.
        target: Labels, (N,).
        concerned: Rows of the train file still in the data, bool (N,); all have a label.
        section: Action and limit.
        class_weights_given: Whether `training.class_weights` says what to do already.
        copies: Rows of the train file that left as copies of others, bool (N,): the ratio is told
            with them too, since copies can make or hide an imbalance. None where none left.

    Returns:
        Findings, and whether to train with balanced class weights.
    """
    if section.action == "off" or table.schema.task == "regression":
        return (), False
    codes, names = encode_labels(target)
    counts = np.bincount(codes[concerned], minlength=len(names))
    with_copies = counts if copies is None else counts + _count(codes[copies], len(names))
    smallest = int(counts[counts > 0].min())
    uneven = compute_ratio(counts) > section.max_ratio
    weigh = uneven and section.action == "fix" and not class_weights_given
    finding = Finding(
        check="balance",
        severity=severity_of(section.action) if uneven else "info",
        count=smallest,
        share=smallest / int(counts.sum()),
        message=_describe(names, counts, with_copies, section.max_ratio if uneven else None),
        done=_describe_fix(names, counts, weigh) if uneven and section.action == "fix" else "",
        advice=_advise(names, counts, section) if uneven else "",
    )
    return (finding,), weigh


def compute_ratio(counts: NDArray[np.int64]) -> float:
    """Return how many rows the largest class has for one of the smallest, from counts (K,).

    A class without rows does not count.
    """
    return float(counts.max() / counts[counts > 0].min())


def compute_effective_number(counts: NDArray[np.int64]) -> float:
    """Return how many classes of equal size would be as diverse as these: 1 to K.

    Args:
        counts: Rows of each class, int64 (K,), one above 0 at least.

    Source: the exponential of Shannon's entropy, the Hill number of order 1 (Hill 1973, Diversity
    and Evenness; Jost 2006, Entropy and diversity): of all orders the one that counts a class
    by its share, neither for more nor for less. The effective number of *samples* of Cui et al.
    2019 (Class-Balanced Loss) is another thing: a way to choose weights, with a parameter that a
    reader cannot know.
    """
    shares = counts[counts > 0] / counts.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _count(codes: NDArray[np.int64], num_classes: int) -> NDArray[np.int64]:
    """Return the rows of each class, int64 (K,); a row without a label has the code -1."""
    return np.bincount(codes[codes >= 0], minlength=num_classes)


def _describe(
    names: list[str],
    counts: NDArray[np.int64],
    with_copies: NDArray[np.int64],
    max_ratio: float | None,
) -> str:
    """Return shares, ratio and effective number; `max_ratio` is what was not met, or None."""
    ratio, before = _write_ratio(counts), _write_ratio(with_copies)
    copied = f" ({before} with the copies that left)" if before != ratio else ""
    effective = (
        f"effective number of classes {compute_effective_number(counts):.2f} "
        f"of {np.count_nonzero(counts)}"
    )
    shares = _list_shares(names, counts)
    if max_ratio is None:
        return f"rows of each class: {shares}; {ratio} to 1{copied}; {effective}"
    return (
        f"the largest class must have at most {max_ratio:g} rows for one of the smallest, "
        f"found {ratio}{copied}: {shares}; {effective}"
    )


def _write_ratio(counts: NDArray[np.int64]) -> str:
    return f"{compute_ratio(counts):.1f}".removesuffix(".0")


def _list_shares(names: list[str], counts: NDArray[np.int64]) -> str:
    """Return "'a' 90 (90 %), 'b' 10 (10 %)": the five largest classes, and the smallest."""
    order = [int(at) for at in np.argsort(-counts, kind="stable") if counts[at]]
    total = int(counts.sum())

    def name(at: int) -> str:
        return f"{quote(names[at])} {counts[at]} ({100 * counts[at] / total:.3g} %)"

    shown = ", ".join(map(name, order[:MAX_EXAMPLES]))
    more = len(order) - MAX_EXAMPLES
    return shown + (f" and {more} more, the smallest {name(order[-1])}" if more > 0 else "")


def _describe_fix(names: list[str], counts: NDArray[np.int64], weigh: bool) -> str:
    if not weigh:
        return "nothing: training.class_weights is given, and stays"
    largest, smallest = _extremes(names, counts)
    times = f"{compute_ratio(counts):.3g}"
    return (
        f"trained with class_weights: balanced: a row of {smallest} counts about {times} times as "
        f"much as one of {largest}"
    )


def _advise(names: list[str], counts: NDArray[np.int64], section: BalanceCheck) -> str:
    if section.action != "fix":
        return _ADVICE
    smallest, num_rows = _extremes(names, counts)[1], int(counts[counts > 0].min())
    if num_rows >= _FEW_ROWS:
        return ""
    return (
        f"collect more rows of {smallest}: with only {num_rows} there, which count so much, the "
        "model learns them by heart"
    )


def _extremes(names: list[str], counts: NDArray[np.int64]) -> tuple[str, str]:
    """Return the largest class and the smallest, in quotes."""
    smallest = np.where(counts > 0, counts, counts.max()).argmin()
    return quote(names[counts.argmax()]), quote(names[smallest])
