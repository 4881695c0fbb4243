"""Own the page of what the checks found: one HTML file that needs no network and no script.

Here is what the page says; `findings.html.j2` is how it looks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from iovalence.data.schema import TableSchema
from iovalence.evaluation.wording import format_count, format_number, format_share
from iovalence.quality.actions import CheckSetting, setting_of
from iovalence.quality.checks import QualityReport
from iovalence.quality.examples import MAX_TEXT, ShownRow, choose_columns
from iovalence.quality.findings import Finding, RowNumber, by_gravity, list_rows
from iovalence.quality.profile import Profile
from iovalence.quality.spread import ClassCounts, TargetSpread
from iovalence.reporting.column_table import describe_columns
from iovalence.reporting.drift_table import Move, describe_moves
from iovalence.reporting.pages import render_page

MAX_CLASSES = 12
MAX_FILES = 5
MAX_NAME = 60
PART_LABELS = {"train": "Train", "validation": "Validation", "test": "Test"}
CLASSES_ONLY = frozenset({"labels.spelling", "labels.rare", "labels.errors", "balance"})
NUMBERS_ONLY = frozenset({"target"})
AFTER_SPLIT = ("leakage",)
ERRORS, MISSING = "labels.errors", "labels.missing"
WORDS = {"failure": "failed", "warning": "warning", "info": "note"}


@dataclass(frozen=True, kw_only=True)
class FindingsContext:
    """Hold all that the page is made of.

    Attributes:
        schema: What the table holds.
        report: What the checks found, and where the rows went.
        settings: Every check, as it is set.
        part_rows: Rows of each part by its name; None where no split was made.
        rows: Values of the example rows and of their partners.
        spread: How the target is spread before the checks and after them; None for unknown.
        unseen: Checks that were not done, by name, and why.
        profile: What each column of the train file holds; None for unknown.
        move: What the table was in the accepted run; None where there is none.
        doubts: For rows whose label is contradicted, the suggested label and the label's score.
        decided: For rows that a person decided on, what was decided.
        periods: First and last time of each part by its name, where parts follow one another.
    """

    schema: TableSchema
    report: QualityReport
    settings: Sequence[CheckSetting]
    part_rows: Mapping[str, int] | None = None
    rows: Mapping[RowNumber, ShownRow] = field(default_factory=dict)
    spread: TargetSpread | None = None
    unseen: Mapping[str, str] = field(default_factory=dict)
    profile: Profile | None = None
    move: Move | None = None
    doubts: Mapping[RowNumber, tuple[str, str]] = field(default_factory=dict)
    decided: Mapping[RowNumber, str] = field(default_factory=dict)
    periods: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def render_findings(context: FindingsContext) -> str:
    """Return the page as HTML."""
    return render_page("findings.html.j2", _describe(context))


def _describe(context: FindingsContext) -> dict[str, Any]:
    """Return what the template shows, by name."""
    findings = by_gravity(context.report.findings)
    groups = (
        ("Failed", [one for one in findings if one.severity == "failure"]),
        ("To look at", [one for one in findings if one.severity == "warning"]),
        ("Put right", [one for one in findings if one.is_mended]),
        ("Good to know", [one for one in findings if _is_note(one)]),
    )
    return {
        "headline": write_verdict(context.report),
        "schema": context.schema,
        "files": [PurePath(file.path).name for file in context.schema.files[:MAX_FILES]],
        "more_files": max(0, len(context.schema.files) - MAX_FILES),
        "rows": _describe_rows(context.report),
        "parts": _describe_parts(context.part_rows, context.periods),
        "groups": [
            (title, [_describe_finding(one, context) for one in some])
            for title, some in groups
            if some
        ],
        "columns": _describe_columns(context),
        "notes": context.report.notes,
        "fine": list(_list_fine(context)),
        "passed_over": list(_list_passed_over(context)),
        "spread": None if context.spread is None else _describe_spread(context.spread),
    }


def _is_note(finding: Finding) -> bool:
    """Return whether it is worth knowing, and neither a fault nor anything that was changed."""
    return finding.severity == "info" and not finding.is_quiet and not finding.is_mended


def _describe_columns(context: FindingsContext) -> dict[str, Any] | None:
    if context.profile is None:
        return None
    report = context.report
    return describe_columns(context.schema, context.profile, report.findings, report.left_out)


def write_verdict(report: QualityReport) -> str:
    """Return in one sentence what came of the checks."""
    grave = [finding.severity for finding in report.findings]
    failed, warned = grave.count("failure"), grave.count("warning")
    mended = sum(one.is_mended for one in report.findings)
    known = sum(map(_is_note, report.findings))
    said = []
    if warned:
        said.append(f"{warned} {'thing' if warned == 1 else 'things'} to look at")
    if mended:
        said.append(f"{mended} put right")
    if known:
        said.append(f"{known} good to know")
    if failed:
        also = f"; {', '.join(said)}" if said else ""
        return (
            f"{failed} {'check' if failed == 1 else 'checks'} failed, so nothing is trained{also}."
        )
    return f"No check failed: {', '.join(said)}." if said else "All is well: nothing was found."


def _describe_rows(report: QualityReport) -> dict[str, Any]:
    """Return where the rows of each file went, and why they left."""
    reasons = list(dict.fromkeys(reason for one in report.counts for reason in one.removed))
    num_rows = sum(one.num_rows for one in report.counts)
    kept = sum(one.kept for one in report.counts)
    totals = [
        (reason, sum(one.removed.get(reason, 0) for one in report.counts)) for reason in reasons
    ]
    most = max((count for _, count in totals), default=0)
    return {
        "num": num_rows,
        "kept": kept,
        "kept_width": _width(kept, num_rows),
        "kept_share": format_share(kept / num_rows) if num_rows else "",
        "files": report.counts,
        "reasons": [
            {
                "name": reason,
                "count": count,
                "share": format_share(count / num_rows),
                "width": _width(count, most),
                "by_file": [(one.source, one.removed.get(reason, 0)) for one in report.counts],
            }
            for reason, count in sorted(totals, key=lambda item: -item[1])
        ],
    }


def _describe_parts(
    part_rows: Mapping[str, int] | None, periods: Mapping[str, tuple[str, str]]
) -> list[dict[str, Any]]:
    """Return the parts, each with its place in a bar of all rows that stayed."""
    if part_rows is None:
        return []
    total, before, parts = sum(part_rows.values()), 0.0, []
    for name, count in part_rows.items():
        width = _width(count, total)
        share = format_share(count / total) if total else ""
        label = PART_LABELS[name]
        part = {"label": label, "count": count, "share": share, "at": before, "width": width}
        parts.append({**part, "period": periods.get(name)})
        before += width
    return [part for part in parts if part["count"]]


def _width(count: float, total: float) -> float:
    """Return a share in per cent of a bar's length; what is there at all can be seen."""
    return max(0.5, round(100 * count / total, 2)) if count and total else 0.0


def _describe_finding(finding: Finding, context: FindingsContext) -> dict[str, Any]:
    setting = setting_of(finding, context.settings)
    examples = _describe_examples(finding, context)
    message = finding.message
    if finding.rows:
        message = message.removesuffix(list_rows(finding.rows, finding.count))
    return {
        "finding": finding,
        "message": message,
        "share": format_share(finding.share),
        "width": _width(finding.share, 1.0),
        "examples": examples,
        "more": max(0, finding.count - len(finding.rows)),
        "word": "done" if finding.is_mended else WORDS[finding.severity],
        "moves": _describe_moves(finding, context),
        "choices": [] if setting is None else list(_list_choices(finding, setting)),
    }


def _list_choices(finding: Finding, setting: CheckSetting) -> Iterator[tuple[str, str]]:
    """Yield what the configuration can say instead: what for, and the line to write."""
    if finding.is_mended:
        yield from _list_undoing(finding, setting)
    if finding.severity == "info":
        return
    if setting.can_fix and finding.can_fix and setting.action != "fix":
        yield "To have it put right", setting.write_yaml("fix")
    if finding.severity == "failure":
        yield "To train nevertheless", setting.write_yaml("warn")


def _list_undoing(finding: Finding, setting: CheckSetting) -> Iterator[tuple[str, str]]:
    """Yield what leaves the data as it was; a row without a label can never be used."""
    if finding.check == ERRORS:
        yield "To do without these decisions", "--set quality.labels.review_file=null"
    elif setting.action == "fix" and finding.check != MISSING:
        yield "To leave it as it was", f"--set quality.{setting.key}=warn"


def _describe_moves(finding: Finding, context: FindingsContext) -> dict[str, Any] | None:
    if context.move is None or finding.check not in ("drift", "drift.target"):
        return None
    return describe_moves(finding.columns, context.move)


def _describe_examples(finding: Finding, context: FindingsContext) -> dict[str, Any]:
    """Return a table of the example rows; a partner that differs has a line of its own."""
    known = [(column.name, column.role) for column in context.schema.columns]
    names = choose_columns(known, finding, context.rows) if context.rows else []
    lines: list[dict[str, Any]] = []
    extra, said = _find_remarks(finding, context)
    rows = finding.rows or (tuple(said) if finding.check == ERRORS and finding.is_mended else ())
    for at, row in enumerate(rows):
        partner = finding.partners[at] if at < len(finding.partners) else None
        values = _values(row, names, context)
        other = None if partner is None else _values(partner, names, context)
        is_same = partner is not None and other == values
        like = partner if is_same else None
        remarks = said.get(row, ("",) * len(extra))
        lines.append({"row": row, "like": like, "extra": remarks, "cells": values})
        if partner is not None and not is_same:
            remarks = ("",) * len(extra)
            lines.append(
                {"row": f"beside {partner}", "like": None, "extra": remarks, "cells": other}
            )
    return {
        "names": names,
        "extra": extra,
        "titles": [_shorten(name, MAX_TEXT) for name in names],
        "target": context.schema.target,
        "marked": finding.columns,
        "lines": lines,
        "hidden": max(0, len(known) - len(names)),
    }


def _find_remarks(
    finding: Finding, context: FindingsContext
) -> tuple[tuple[str, ...], Mapping[RowNumber, tuple[str, ...]]]:
    """Return what else is known of the rows of a finding: titles, and a text each for a row."""
    if finding.check != ERRORS:
        return (), {}
    if finding.is_mended:
        return ("Decision",), {row: (text,) for row, text in context.decided.items()}
    return ("Suggested", "Score of the label"), context.doubts


def _values(row: RowNumber, names: Sequence[str], context: FindingsContext) -> list[str | None]:
    shown = context.rows.get(row, {})
    return [shown.get(name) for name in names]


def _list_fine(context: FindingsContext) -> Iterator[dict[str, Any]]:
    """Yield each check that looked and has nothing to say against the data."""
    findings = context.report.findings
    for setting in context.settings:
        ours = [one for one in findings if setting_of(one, context.settings) == setting]
        if setting.name in context.unseen or any(not one.is_quiet for one in ours):
            continue
        if not ours and _why_not(setting, context):
            continue
        seen = "; ".join(one.message for one in ours)
        yield {"setting": setting, "seen": seen}
    for one in findings:
        if one.is_quiet and setting_of(one, context.settings) is None:
            yield {
                "setting": {"name": one.check, "looks_for": "", "action": ""},
                "seen": one.message,
            }


def _list_passed_over(context: FindingsContext) -> Iterator[dict[str, str]]:
    """Yield each check that did not look, and why."""
    for setting in context.settings:
        ours = any(setting_of(one, context.settings) == setting for one in context.report.findings)
        why = _why_not(setting, context)
        if why and (not ours or setting.name in context.unseen):
            yield {"name": setting.name, "looks_for": setting.looks_for, "why": why}


def _why_not(setting: CheckSetting, context: FindingsContext) -> str:
    """Return why a check did not look at the data; empty where it did."""
    if setting.action == "off":
        return "off"
    if setting.name in CLASSES_ONLY and context.schema.task == "regression":
        return "is for classes, and the target is a number"
    if setting.name in NUMBERS_ONLY and context.schema.task == "classification":
        return "is for numbers, and the target has classes"
    if setting.name == "expectations":
        return "none are declared"
    if setting.name in context.unseen:
        return context.unseen[setting.name]
    if context.part_rows is None and setting.name.startswith(AFTER_SPLIT):
        return "looks at the parts, and no split was made since a check failed"
    if setting.name == "leakage.group" and not context.schema.names("group"):
        return "is for groups, and data.group names no column"
    return ""


def _describe_spread(spread: TargetSpread) -> dict[str, Any]:
    if spread.histogram is not None:
        low, high, read, kept = spread.histogram
        most = max([1, *read])
        bars = [
            (at, _width(before, most), _width(after, most))
            for at, (before, after) in enumerate(zip(read, kept, strict=True))
        ]
        return {"low": format_number(low), "high": format_number(high), "bars": bars, "classes": []}
    return {"bars": [], **_describe_classes(spread.classes)}


def _describe_classes(classes: Sequence[ClassCounts]) -> dict[str, Any]:
    shown = _gather_classes(classes)
    read, kept = sum(one.read for one in classes), sum(one.kept for one in classes)
    in_parts = [sum(some) for some in zip(*(one.parts for one in classes), strict=True)]
    shares = [(one.read / max(1, read), one.kept / max(1, kept)) for one in shown]
    most = max((max(pair) for pair in shares), default=1.0)
    return {
        "labels": [
            label for label, total in zip(PART_LABELS.values(), in_parts, strict=False) if total
        ],
        "classes": [
            {
                "name": _shorten(one.name, MAX_NAME),
                "bars": [
                    _describe_bar("read", one.read, read, most),
                    _describe_bar("kept", one.kept, kept, most),
                ],
                "parts": [
                    format_share(count / total)
                    for count, total in zip(one.parts, in_parts, strict=True)
                    if total
                ],
            }
            for one in shown
        ],
    }


def _gather_classes(classes: Sequence[ClassCounts]) -> list[ClassCounts]:
    """Return the largest classes, and all others as one."""
    rest = classes[MAX_CLASSES:]
    if not rest:
        return list(classes)
    parts = tuple(map(sum, zip(*(one.parts for one in rest), strict=True)))
    read, kept = sum(one.read for one in rest), sum(one.kept for one in rest)
    others = ClassCounts(f"{format_count(len(rest))} more", read, kept, parts)
    return [*classes[:MAX_CLASSES], others]


def _describe_bar(kind: str, count: int, total: int, most: float) -> dict[str, Any]:
    """Return a bar as long as its share is beside the largest share, `most`."""
    return {
        "kind": kind,
        "count": count,
        "share": format_share(count / total) if total else "–",
        "width": _width(count / max(1, total), most),
    }


def _shorten(text: str, size: int) -> str:
    return text if len(text) <= size else f"{text[: size - 1]}…"
