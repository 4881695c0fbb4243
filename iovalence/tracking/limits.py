"""Own what MLflow takes in one piece: what does not fit is whole in an artifact, never just cut.

Source: mlflow.utils.validation and the columns of its database, MLflow 3.17.
"""

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

MAX_PARAMETER, MAX_TAG = 6000, 8000
MAX_NAME = 250
MAX_METRICS, MAX_PARAMETERS, MAX_TAGS = 1000, 100, 100
# Of 1,000,000 bytes in one request: the rest is for what is around the values.
MAX_REQUEST = 900_000
NOTE_TAG = "mlflow.note.content"
NAMES = "tags/names.json"
_NO_NAME = re.compile(r"[^\w\-. :/]", re.ASCII)
_AROUND = 100


class Named(Protocol):
    """Be a parameter, a tag or a metric."""

    key: str
    value: object


T = TypeVar("T", bound=Named)


@dataclass(frozen=True)
class Texts:
    """Hold texts for MLflow, and those that are too long for it.

    Attributes:
        short: Text by name, each within MLflow's limit.
        long: Whole text by the name of the artifact that holds it.
    """

    short: dict[str, str]
    long: dict[str, str]


def shorten(values: Mapping[str, str], limit: int, folder: str) -> Texts:
    """Move each text that is too long whole into an artifact, and leave a pointer to it.

    Args:
        values: Text by name.
        limit: Characters that MLflow takes.
        folder: Of the artifacts.
    """
    paths = {key: f"{folder}/{key}.txt" for key, value in values.items() if len(value) > limit}
    short = {
        key: f"{len(value)} characters: see artifact {paths[key]}" if key in paths else value
        for key, value in values.items()
    }
    return Texts(short, {path: values[key] for key, path in paths.items()})


def shorten_tags(texts: Mapping[str, str], artifacts: Sequence[str] = ()) -> Texts:
    """Return tags as MLflow takes them, the whole of a long one as an artifact.

    Args:
        texts: Tags by name, the note among them.
        artifacts: Other artifacts that hold what did not fit, which the note is to name.
    """
    rest = {key: text for key, text in texts.items() if key != NOTE_TAG}
    described = shorten(rest, MAX_TAG, "tags")
    note = texts[NOTE_TAG] + _tell([*artifacts, *described.long])
    long = described.long
    if len(note) > MAX_TAG:
        path = f"tags/{NOTE_TAG}.txt"
        pointer = f"\n\n(shortened: the whole is in the artifact {path})"
        long = long | {path: note}
        note = note[: MAX_TAG - len(pointer)] + pointer
    return Texts(described.short | {NOTE_TAG: note}, long)


def _tell(artifacts: Sequence[str]) -> str:
    if not artifacts:
        return ""
    named = ", ".join(f"`{name}`" for name in artifacts)
    return f"\n\nToo long for MLflow's fields, and whole among the artifacts: {named}"


def fit_names(names: Iterable[str]) -> dict[str, str]:
    """Return for each name one that MLflow takes, no two alike; most are as they were."""
    fitted: dict[str, str] = {}
    for name in names:
        fit = _as_path(_NO_NAME.sub("_", name)) or "_"
        if len(fit) > MAX_NAME or fit in fitted.values():
            mark = hashlib.sha256(name.encode()).hexdigest()[:8]
            fit = f"{fit[: MAX_NAME - len(mark) - 1]}-{mark}"
        fitted[name] = fit
    return fitted


def _as_path(name: str) -> str:
    """Return a name that is no other one when it is read as a path: MLflow refuses `a//b`, `.`."""
    if posixpath.normpath(name) == name and not name.startswith((".", "/")):
        return name
    flat = name.replace("/", "_")
    return f"_{flat[1:]}" if flat.startswith(".") else flat


def list_names(fitted: Mapping[str, str]) -> dict[str, str]:
    """Return the artifact that holds the names that were changed; nothing without any."""
    changed = {fit: name for name, fit in fitted.items() if fit != name}
    return {NAMES: json.dumps(changed, ensure_ascii=False, indent=2)} if changed else {}


def fit_run_name(name: str) -> str:
    """Return a run's name as a database takes it; the note has the whole."""
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 3]}..."


def chunks(items: Sequence[T], most: int) -> Iterator[list[T]]:
    """Yield the items in lists of at most so many, each small enough for one request."""
    chunk: list[T] = []
    num_bytes = 0
    for item in items:
        own = len(json.dumps([item.key, item.value])) + _AROUND
        if chunk and (len(chunk) == most or num_bytes + own > MAX_REQUEST):
            yield chunk
            chunk, num_bytes = [], 0
        chunk.append(item)
        num_bytes += own
    if chunk:
        yield chunk
