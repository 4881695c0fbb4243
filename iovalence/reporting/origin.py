"""Own what the page says of how a run was made: its settings, its training, and the way back."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from iovalence.reporting.context import ReportContext
from iovalence.runs.manifest import Manifest


def general_comment(comments: str | Mapping[str, str] | None) -> str:
    """Return what the user said of the run as a whole; empty for nothing."""
    return comments if isinstance(comments, str) else ""


def list_settings(context: ReportContext) -> Iterator[dict[str, Any]]:
    """Yield each setting: its name, value, the user's reason, and whether the user gave it.

    Of a value that was left to the program, what it took, and why.
    """
    comments, choices = context.manifest.comments, context.manifest.choices
    reasons = dict(comments) if isinstance(comments, Mapping) else {}
    for name, value in _flatten(context.settings):
        names = _names_of(name)
        key = next((key for key in names if key in reasons), None)
        choice = choices.get(name)
        # A reason for several keys stands beside the first of them.
        why = [] if key is None else [reasons.pop(key)]
        yield {
            "name": name,
            "value": _write_value(value) + (f": {choice.value:g}" if choice else ""),
            "reason": "; ".join([*why, choice.reason] if choice else why),
            "given": bool(why) or not context.given.isdisjoint(names),
        }
    for key, reason in reasons.items():
        yield {"name": key, "value": "", "reason": reason, "given": True}


def _names_of(name: str) -> list[str]:
    """Return what a setting can be called: itself, what it is part of, each without its section."""
    words = name.split(".")
    whole = [".".join(words[:num]) for num in range(len(words), 1, -1)]
    return [*whole, *(one.split(".", 1)[1] for one in whole)]


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _write_value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_write_value, value)) + "]"
    return str(value) if value != "" else '""'


def describe_training(context: ReportContext) -> dict[str, Any]:
    """Return what training was, as far as its history tells."""
    seconds = [epoch["epoch_seconds"] for epoch in context.history if "epoch_seconds" in epoch]
    return {
        "num_epochs": len(context.history),
        "kept_epoch": context.kept_epoch,
        "seconds": sum(seconds),
        "num_parameters": context.num_parameters,
    }


def list_commands(manifest: Manifest) -> list[dict[str, str]]:
    """Return the commands that make the run again, each with what it does."""
    commands = []
    if manifest.git_commit is not None:
        what = "The files of the project as they were, where they are under git"
        commands.append({"what": what, "command": f"git checkout {manifest.git_commit}"})
    reproduce = f"iovalence reproduce {manifest.run_id}"
    what = "The same run from its record, and what differs, if anything does"
    commands.append({"what": what, "command": reproduce})
    path = PurePath(manifest.config_path or "config.yaml")
    what = "Or a new run from the same file; give the same --set again, if you gave any"
    commands.append({"what": what, "command": f"iovalence train {shlex.quote(path.name)}"})
    return commands
