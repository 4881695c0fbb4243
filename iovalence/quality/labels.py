"""Own what can be wrong with labels: missing, spelled in several ways, rare, unseen.

A row without a label can be neither trained on nor measured, so it takes part in nothing whatever
the action is; the action says how loudly. A given file is never changed: there `fix` cannot drop
the row and stops instead, while `warn` and `off` are the user's word that it may be passed over.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from iovalence.data.table import Table
from iovalence.data.values import FALSE_WORDS, TRUE_WORDS
from iovalence.quality.findings import (
    MAX_EXAMPLES,
    Finding,
    Severity,
    count_rows,
    list_rows,
    name_file,
    name_rows,
    num_checked,
    severity_of,
)
from iovalence.quality.section import Action

_QUOTED = re.compile(r"""(['"`])(.+)\1|[“„](.+)[”“]|‘(.+)’""")
_MAX_LABEL = 40  # characters of a label in a message
_PUNCTUATION = " .,;:!"
_SAYS = dict.fromkeys((*TRUE_WORDS, "1"), True) | dict.fromkeys((*FALSE_WORDS, "0"), False)
# Of Unicode's format characters (Cf) those that show nothing: byte order mark, zero width space,
# soft hyphen and the like. Arabic number signs are seen, and tags tell flags apart.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]"
)
_WHOLE_NUMBER = re.compile(r"\+?(-?\d+)(?:\.0+)?")

Checked = tuple[tuple[Finding, ...], NDArray[np.bool_]]
"""Findings, and the rows that leave, bool (N,)."""


def canonical_key(label: str) -> str:
    """Return what is the same for all spellings of one label.

    Case, blanks, characters that nobody sees, quotes around it, punctuation at its end and the `.0`
    of a whole number say nothing. But a label of one letter keeps its case (`a` and `A`, `Aa` and
    `AA`), and signs, comparisons and fractions always count (`A+`, `-1`, `<=50K`, `3.1` and
    `3.10`).
    """
    seen = label if label.isascii() else _INVISIBLE.sub("", label)
    text = " ".join(unicodedata.normalize("NFC", seen).split()) or label
    bare = _unquote(_unquote(text).rstrip(_PUNCTUATION)).rstrip(_PUNCTUATION) or text
    number = _WHOLE_NUMBER.fullmatch(bare)
    if number:
        return number[1]
    folded = bare.casefold()
    return bare if len(set(folded)) == 1 else folded


def label_keys(labels: Sequence[str], among: Iterable[str]) -> list[str]:
    """Return for each label of a target what is the same for all that mean the same.

    That is `canonical_key`; but where all labels say yes or no, each of these two is one label
    however it is said: `yes`, `true`, `y`, `t` and `1`. Letters and digits alone say it only
    where they are two: `y`, `n`, `t` and `f` may be grades.

    Args:
        labels: Distinct labels.
        among: Those that decide what the labels say: of the train file, or a model's classes.
    """
    keys = [canonical_key(label) for label in labels]
    deciding = {canonical_key(label).casefold() for label in among}
    sides = {_SAYS.get(key) for key in deciding}
    is_said = len(deciding) == 2 or any(len(key) > 1 for key in deciding)
    if sides != {True, False} or not is_said:
        return keys
    return [_side(_SAYS.get(key.casefold()), key) for key in keys]


def respell(target: pa.ChunkedArray, classes: tuple[str, ...] | None) -> pa.ChunkedArray:
    """Return labels, (N,), with the spelling of the class that each one means."""
    if classes is None:
        return target
    by_key = dict(zip(label_keys(classes, classes), classes, strict=True))
    encoded = pc.dictionary_encode(target.combine_chunks())
    found = encoded.dictionary.to_pylist()
    names = [
        name if name in classes else by_key.get(key, name)
        for name, key in zip(found, label_keys(found, classes), strict=True)
    ]
    return pa.chunked_array([pa.array(names, pa.string()).take(encoded.indices)])


def _side(says: bool | None, key: str) -> str:
    return key if says is None else TRUE_WORDS[0] if says else FALSE_WORDS[0]


def _unquote(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    return text if quoted is None else str(quoted[quoted.lastindex or 0]).strip()


def encode_labels(target: pa.Array) -> tuple[NDArray[np.int64], list[str]]:
    """Return the number of each label, int64 (N,), -1 where missing, and the K distinct labels."""
    encoded = target.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes.astype(np.int64), encoded.dictionary.to_pylist()


def quote(label: object) -> str:
    """Return a label for a message: in quotes, in one line, and not too long."""
    return repr(str(label)[:_MAX_LABEL])


def list_counts(texts: list[str], counts: NDArray[np.int64]) -> str:
    """Return "'a' (3), 'b' (2) and 4 more": the most frequent of the texts that occur, first."""
    order = [int(at) for at in np.argsort(-counts, kind="stable") if counts[at]]
    shown = ", ".join(f"{texts[at]} ({counts[at]})" for at in order[:MAX_EXAMPLES])
    return shown + (f" and {len(order) - MAX_EXAMPLES} more" if len(order) > MAX_EXAMPLES else "")


def merge_spellings(table: Table, action: Action) -> tuple[pa.Array, tuple[Finding, ...]]:
    """Return the target, (N,), with one spelling for each label, and what was found.

    The spelling is the commonest of the train file; `warn` and `fail` change nothing.
    """
    target = table.columns.column(table.schema.target).combine_chunks()
    if action == "off" or table.schema.task == "regression":
        return target, ()
    codes, names = encode_labels(target)
    chosen = _choose_spellings(names, codes, table.source_of_rows() == 0)
    respelled = (codes >= 0) & (chosen[codes] != codes)
    if not respelled.any():
        return target, ()
    finding = _report_spellings(table, codes, names, chosen, respelled, action)
    if action != "fix":
        return target, (finding,)
    merged = pa.array(chosen[codes], mask=codes < 0)
    return pa.array(names, type=target.type).take(merged), (finding,)


def _choose_spellings(
    names: list[str], codes: NDArray[np.int64], in_train: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return for each of the K labels the number of the one to write instead, int64 (K,)."""
    train = np.bincount(codes[in_train & (codes >= 0)], minlength=len(names))
    every = np.bincount(codes[codes >= 0], minlength=len(names))
    best: dict[str, int] = {}
    of_train = [names[code] for code in np.flatnonzero(train)]
    keys = label_keys(names, of_train)
    for code, key in enumerate(keys):
        rival = best.setdefault(key, code)
        if (train[code], every[code]) > (train[rival], every[rival]):
            best[key] = code
    return np.array([best[key] for key in keys], dtype=np.int64)


def _report_spellings(
    table: Table,
    codes: NDArray[np.int64],
    names: list[str],
    chosen: NDArray[np.int64],
    respelled: NDArray[np.bool_],
    action: Action,
) -> Finding:
    counts = np.bincount(codes[respelled], minlength=len(names))
    written = [
        f"{quote(name)} for {quote(names[to])}" for name, to in zip(names, chosen, strict=True)
    ]
    count = int(respelled.sum())
    rows = name_rows(table, np.flatnonzero(respelled))
    return Finding(
        check="labels.spelling",
        severity=severity_of(action),
        count=count,
        share=count / table.num_rows,
        message=f"a label must be written in one way, found {count} of {table.num_rows} otherwise: "
        + list_counts(written, counts)
        + list_rows(rows, count),
        rows=rows,
        columns=(table.schema.target,),
        done="written as most of the train file writes it" if action == "fix" else "",
        advice="" if action == "fix" else "write it in one way" + _or_fix(action, "spelling"),
    )


def check_missing(table: Table, target: pa.Array, action: Action) -> Checked:
    """Report the rows without a label, and let them leave as the module's text says."""
    missing = target.is_null().to_numpy(zero_copy_only=False)
    given = table.source_of_rows() > 0
    unfixable = given & (action in ("fix", "fail"))
    findings = []
    if (missing & ~given).any():
        loud: Severity = "info" if action == "off" else severity_of(action)
        findings.append(_report_missing(table, missing & ~given, loud, action, given=False))
    if (missing & given).any():
        loud = "failure" if unfixable.any() else "info" if action == "off" else "warning"
        findings.append(_report_missing(table, missing & given, loud, action, given=True))
    return tuple(findings), missing & ~unfixable


def _report_missing(
    table: Table, missing: NDArray[np.bool_], severity: Severity, action: Action, *, given: bool
) -> Finding:
    count = int(missing.sum())
    rows = name_rows(table, np.flatnonzero(missing))
    file = name_file(table, np.flatnonzero(missing))
    left_out = "left out: such a row can be neither trained on nor measured"
    advice = "give them a label, or take them out of the file"
    if table.schema.task == "regression":
        advice = "give them a number, or take them out of the file"
    if severity == "failure" and given:
        advice += ", or set quality.labels.missing: warn to measure without them"
    elif severity == "failure":
        advice += _or_fix(action, "missing")
    return Finding(
        check="labels.missing",
        severity=severity,
        count=count,
        share=count / num_checked(table, given=given),
        message=f"rows of {file} must have a '{table.schema.target}', found {count} without"
        + _describe_unread(table, missing)
        + list_rows(rows, count),
        rows=rows,
        columns=(table.schema.target,),
        done="" if severity == "failure" else left_out,
        advice=advice,
    )


def _describe_unread(table: Table, missing: NDArray[np.bool_]) -> str:
    """Return what stands in the rows whose target is no number, and where; empty for nothing."""
    written = table.with_written().get(table.schema.target)
    if written is None:
        return ""
    index = np.flatnonzero(missing & written.is_valid().to_numpy())
    if not len(index):
        return ""
    texts = [written[row].as_py() for row in index[:MAX_EXAMPLES].tolist()]
    where = zip(texts, name_rows(table, index), strict=False)
    shown = ", ".join(f"{quote(text)} in {row}" for text, row in where)
    more = f" and {len(index) - MAX_EXAMPLES} more" if len(index) > MAX_EXAMPLES else ""
    return f", {len(index)} of them with what is no number: {shown}{more}"


def check_rare(
    table: Table,
    target: pa.Array,
    distinct: NDArray[np.bool_],
    concerned: NDArray[np.bool_],
    num_parts: int,
    action: Action,
) -> Checked:
    """Report the classes with too few rows to be in every part.

    Args:
        table: N rows.
        target: Labels, (N,).
        distinct: Rows to count: copies count once, as they stay in one part, bool (N,).
        concerned: Rows of the train file still in the data, bool (N,).
        num_parts: Parts that the train file is split into, 1 to 3.
        action: `fix` lets the rows of these classes leave.
    """
    leaves = np.zeros(table.num_rows, dtype=bool)
    if action == "off" or table.schema.task == "regression":
        return (), leaves
    codes, names = encode_labels(target)
    counts = np.bincount(codes[distinct & concerned], minlength=len(names))
    rare = (counts > 0) & (counts < num_parts)
    rows_rare = concerned & rare[codes]
    if not rare.any():
        return (), leaves
    finding = _report_rare(table, names, counts * rare, rows_rare, num_parts, action)
    return (finding,), rows_rare if action == "fix" else leaves


def _report_rare(
    table: Table,
    names: list[str],
    counts: NDArray[np.int64],
    rows_rare: NDArray[np.bool_],
    num_parts: int,
    action: Action,
) -> Finding:
    rows = name_rows(table, np.flatnonzero(rows_rare))
    count = int(rows_rare.sum())
    done: dict[Action, str] = {
        "fix": f"removed their {count_rows(count)}",
        "warn": "their rows stay in the train part, if the split draws rows: nothing measures them",
    }
    return Finding(
        check="labels.rare",
        severity=severity_of(action),
        count=count,
        share=count / num_checked(table, given=False),
        message=f"a class must have at least {num_parts} different rows to be in each of "
        f"{num_parts} parts, found {np.count_nonzero(counts)} with fewer: "
        + list_counts([*map(quote, names)], counts)
        + list_rows(rows, count),
        rows=rows,
        columns=(table.schema.target,),
        done=done.get(action, ""),
        advice="collect more rows of these classes, or join them with others"
        + _or_fix(action, "rare"),
    )


def check_unseen(table: Table, target: pa.Array, kept: NDArray[np.bool_]) -> tuple[Finding, ...]:
    """Report the classes that only a given file has: no model can answer with them."""
    if table.schema.task == "regression":
        return ()
    codes, names = encode_labels(target)
    given = table.source_of_rows() > 0
    kept = kept & (codes >= 0)
    known = np.bincount(codes[kept & ~given], minlength=len(names)) > 0
    unseen = kept & given & ~known[codes]
    count = int(unseen.sum())
    if not count:
        return ()
    rows = name_rows(table, np.flatnonzero(unseen))
    counts = np.bincount(codes[unseen], minlength=len(names))
    finding = Finding(
        check="labels.unseen",
        severity="warning",
        count=count,
        share=count / num_checked(table, given=True),
        message=f"classes of {name_file(table, np.flatnonzero(unseen))} must be in the train file "
        "too, found "
        f"{np.count_nonzero(counts)} that are not: {list_counts([*map(quote, names)], counts)}"
        + list_rows(rows, count),
        rows=rows,
        columns=(table.schema.target,),
        done="kept: they count as wrong, since no model can answer with them",
        advice="correct the labels, or add rows of these classes to the train file",
    )
    return (finding,)


def _or_fix(action: Action, check: str) -> str:
    return "" if action == "fix" else f", or set quality.labels.{check}: fix"
