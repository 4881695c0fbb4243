"""Own what differed between two runs, in the order in which causes are looked at.

Data, settings, code, versions and machine: as `reproduce` names them of a run and this machine.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from iovalence.comparison.side import Side
from iovalence.config.load import WITHOUT_EFFECT
from iovalence.data.schema import SourceFile
from iovalence.reproduction.difference import Cause, Difference
from iovalence.reproduction.environment import name_hardware, name_versions
from iovalence.reproduction.recorded import name_keys

NONE = "none"
SEED = "training.seed"


def name_differences(first: Side, other: Side) -> tuple[Difference, ...]:
    """Name what differed of what can decide a figure; `then` is of the first run."""
    return (
        *_name_data(first, other),
        *name_keys(deciding_settings(first.config), deciding_settings(other.config)),
        *_name_choices(first, other),
        *_name_code(first, other),
        *name_versions(first.manifest, _versions(other)),
        *name_hardware(first.manifest, other.manifest.hardware),
        *_name_machine(first, other),
    )


def name_idle_keys(first: Side, other: Side) -> tuple[str, ...]:
    """Name the settings that differ and change no figure, as `tracking.tags`."""
    idle = name_keys(_idle_settings(first.config), _idle_settings(other.config))
    return tuple(line.what for line in idle)


def deciding_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that decide a figure, as plain values."""
    return _choose(config, WITHOUT_EFFECT, keep=False)


def _idle_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    return _choose(config, WITHOUT_EFFECT, keep=True)


def _choose(
    config: Mapping[str, Any], idle: Mapping[str, bool | set[str]], *, keep: bool
) -> dict[str, Any]:
    """Return what is named as idle, or all but that."""
    chosen: dict[str, Any] = {}
    for section, values in config.items():
        names = idle.get(section, set())
        if isinstance(names, bool):
            chosen |= {section: values} if keep else {}
        elif isinstance(values, dict):
            inner = {key: value for key, value in values.items() if (key in names) is keep}
            chosen |= {section: inner} if inner else {}
        elif not keep:
            chosen[section] = values
    return chosen


def _name_data(first: Side, other: Side) -> Iterator[Difference]:
    if first.manifest.data_hash != other.manifest.data_hash:
        yield from _name_files(first, other)
    hashes = first.manifest.review_hash, other.manifest.review_hash
    if hashes[0] != hashes[1]:
        yield _differ("data", "the review file", *(one or NONE for one in hashes))
    yield from _name_rows(first, other)


def _name_files(first: Side, other: Side) -> Iterator[Difference]:
    """Name files with other bytes, and how many rows each table has."""
    then, now = (_by_name(side) for side in (first, other))
    for key in {**then, **now}:
        hashes = [files[key].sha256 if key in files else "not there" for files in (then, now)]
        if hashes[0] != hashes[1]:
            yield _differ("data", f"data.{key[0]}_file {key[1]}", *hashes)
    rows = [f"{sum(side.model.table.num_rows):,}" for side in (first, other)]
    if rows[0] != rows[1]:
        yield _differ("data", "rows read", *rows)


def _by_name(side: Side) -> dict[tuple[str, str], SourceFile]:
    return {(file.source, Path(file.path).name): file for file in side.model.table.files}


def _name_rows(first: Side, other: Side) -> Iterator[Difference]:
    """Name parts of other sizes, or of other rows."""
    sizes = [{part.part: part.num_rows for part in side.result.parts} for side in (first, other)]
    for part in {**sizes[0], **sizes[1]}:
        found = [f"{size[part]:,}" if part in size else "not measured" for size in sizes]
        if found[0] != found[1]:
            yield _differ("data", f"rows of the {part} part", *found)
    hashes = [side.manifest.files.get("split.parquet", NONE) for side in (first, other)]
    if hashes[0] != hashes[1]:
        yield _differ("data", "split.parquet, the part of each row", *hashes)


def _name_choices(first: Side, other: Side) -> Iterator[Difference]:
    """Name what was found for a setting that is `auto` in both."""
    then, now = first.manifest.choices, other.manifest.choices
    for key in sorted(then.keys() & now.keys()):
        if then[key].value != now[key].value:
            values = (f"{choices[key].value:g} (found)" for choices in (then, now))
            yield _differ("config", key, *values)


def _name_code(first: Side, other: Side) -> Iterator[Difference]:
    """Name another commit; a changed working tree is told even of the same one."""
    commits = [side.manifest.git_commit for side in (first, other)]
    if commits[0] == commits[1] and not (commits[0] or "").endswith("+"):
        return
    yield _differ("code", "git commit", *map(_name_commit, commits))


def _name_commit(commit: str | None) -> str:
    if commit is None:
        return NONE
    return f"{commit[:12]} with changes" if commit.endswith("+") else commit[:12]


def _versions(side: Side) -> dict[str, str]:
    return {"iovalence": side.manifest.iovalence_version} | side.manifest.versions


def _name_machine(first: Side, other: Side) -> Iterator[Difference]:
    causes: tuple[tuple[Cause, str], ...] = (
        ("device", "device"),
        ("device", "mixed_precision"),
        ("threads", "threads"),
    )
    for cause, what in causes:
        then, now = (getattr(side.manifest, what) for side in (first, other))
        if then != now:
            yield _differ(cause, what, str(then), str(now))


def _differ(cause: Cause, what: str, then: str, now: str) -> Difference:
    return Difference(cause=cause, what=what, then=then, now=now)
