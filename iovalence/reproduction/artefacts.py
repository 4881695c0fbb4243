"""Own the comparison of one artefact with the same one made again: the first place they part.

Each comparison returns how much it compared, in words, and the first difference or None. It
knows what is in the files of a run; it does not know how they came about.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iovalence.errors import StorageError
from iovalence.quality.comparison import Accepted, belongs_to_comparison
from iovalence.runs.journal import MetricPoint, metric_points, read_journal

MISSING = "not there"
TIMES = ("_seconds", "_per_second")
NAMING_KEYS = ("part", "column", "name", "source", "value")
WHERE_DATA_WERE = frozenset({"files", "train_file", "validation_file", "test_file"})


@dataclass(frozen=True)
class Parting:
    """Name the first place where two artefacts differ.

    Attributes:
        where: The place inside the artefact.
        then: What is there in the run.
        now: What is there made again.
    """

    where: str
    then: str
    now: str


Outcome = tuple[str, Parting | None]
Compare = Callable[[Path, Path], Outcome]


def compare_json(then: Path, now: Path) -> Outcome:
    """Compare every value of two JSON files; numbers must be equal, NaN equals NaN."""
    return _compare_values(_read_json(then), _read_json(now))


def compare_quality(then: Path, now: Path) -> Outcome:
    """Compare two quality.json; what rests on an accepted run only where that is still known."""
    accepted = Accepted.load(now.with_name("profile.accepted.json"))
    is_lost = accepted.run_id is not None and accepted.profile is None
    return _compare_values(*(_findings(path, without_comparison=is_lost) for path in (then, now)))


def _findings(path: Path, *, without_comparison: bool) -> Any:
    report = _read_json(path)
    if without_comparison and isinstance(report, dict):
        findings = report.get("findings", ())
        kept = [one for one in findings if not belongs_to_comparison(one.get("check", ""))]
        return report | {"findings": kept}
    return report


def compare_models(then: Path, now: Path) -> Outcome:
    """Compare two model.json, but for where the data were: a copy lies elsewhere."""
    return _compare_values(_without_places(_read_json(then)), _without_places(_read_json(now)))


def _without_places(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if key not in WHERE_DATA_WERE}
        return {key: _without_places(item) for key, item in kept.items()}
    return value


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError as err:
        raise StorageError(f"{path} must be JSON, got '{err}'") from err


def _compare_values(then: Any, now: Any) -> Outcome:
    ours, theirs = dict(_leaves(then)), dict(_leaves(now))
    said = f"{len(ours):,} values"
    for place in {**ours, **theirs}:
        one, other = ours.get(place, MISSING), theirs.get(place, MISSING)
        if one != other:
            return said, Parting(place, one, other)
    return said, None


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value as text, with where it is; the text of a float says all its bits."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from _leaves(item, f"{place}[{_label(number, item)}]")
    else:
        yield place, json.dumps(value, ensure_ascii=False)


def _label(number: int, item: Any) -> str:
    """Return what an item of a list is called, so that a message can be read."""
    named = item if isinstance(item, dict) else {}
    name = next((named[key] for key in NAMING_KEYS if isinstance(named.get(key), str)), None)
    return str(number) if name is None else f"{number} {name}"


def compare_lines(then: Path, now: Path) -> Outcome:
    """Compare two text files line by line."""
    ours, theirs = (
        path.read_bytes().decode(errors="surrogateescape").splitlines() for path in (then, now)
    )
    said = f"{max(len(ours) - 1, 0):,} rows"
    for number in range(max(len(ours), len(theirs))):
        one, other = _at(ours, number), _at(theirs, number)
        if one != other:
            return said, Parting(f"line {number + 1}", _short(one), _short(other))
    return said, None


def _at(lines: Sequence[str], number: int) -> str:
    return lines[number] if number < len(lines) else MISSING


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}...")


def compare_tables(then: Path, now: Path) -> Outcome:
    """Compare two Parquet files, value by value."""
    ours, theirs = _read_table(then), _read_table(now)
    said = f"{ours.num_rows:,} rows"
    if ours.schema.names != theirs.schema.names:
        return said, Parting("columns", str(ours.schema.names), str(theirs.schema.names))
    if ours.num_rows != theirs.num_rows:
        return said, Parting("rows", f"{ours.num_rows:,}", f"{theirs.num_rows:,}")
    if ours.equals(theirs):
        return said, None
    # NaN equals nothing in Arrow: here it equals itself.
    pairs = zip(ours.to_pylist(), theirs.to_pylist(), strict=True)
    return said, next(
        (
            Parting(f"row {number}, {name}", repr(one[name]), repr(other[name]))
            for number, (one, other) in enumerate(pairs, 1)
            for name in one
            if repr(one[name]) != repr(other[name])
        ),
        None,
    )


def _read_table(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path)
    except pa.ArrowInvalid as err:
        raise StorageError(f"{path} must be whole, got '{err}'") from err


def compare_weights(then: Path, now: Path) -> Outcome:
    """Compare every number of two safetensors files, bit for bit."""
    ours, theirs = _read_tensors(then), _read_tensors(now)
    said = f"{sum(tensor.numel() for tensor in ours.values()):,} numbers, bit for bit"
    for name in {**ours, **theirs}:
        one, other = ours.get(name), theirs.get(name)
        if one is None or other is None or (one.shape, one.dtype) != (other.shape, other.dtype):
            return said, Parting(name, _shape(one), _shape(other))
        parting = _first_other_number(name, one, other)
        if parting is not None:
            return said, parting
    return said, None


def _read_tensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, UnicodeDecodeError) as err:
        raise StorageError(f"{path} must be whole, got '{err}'") from err


def _shape(tensor: Any) -> str:
    return MISSING if tensor is None else f"{tensor.dtype} {tuple(tensor.shape)}"


def _first_other_number(name: str, one: Any, other: Any) -> Parting | None:
    import torch

    # Bytes, not numbers: -0.0 equals 0.0, and NaN equals nothing.
    size = one.element_size()
    bits = [tensor.reshape(-1, 1).view(torch.uint8).reshape(-1, size) for tensor in (one, other)]
    differs = (bits[0] != bits[1]).any(1)
    if not bool(differs.any()):
        return None
    at = int(differs.to(torch.uint8).argmax())
    place = torch.unravel_index(torch.tensor(at), one.shape)
    where = f"{name}{[int(index) for index in place]} (of {int(differs.sum()):,} numbers)"
    return Parting(where, repr(one.reshape(-1)[at].item()), repr(other.reshape(-1)[at].item()))


def compare_journals(then: Path, now: Path) -> Outcome:
    """Compare every point of two journals but for times, and how training ended.

    An epoch that was done again after a kill counts once, with its last value.
    """
    ours, theirs = _points(then), _points(now)
    said = f"{len(ours):,} figures of {len({epoch for epoch, _, _ in ours})} epochs"
    for epoch, step, key in sorted({**ours, **theirs}, key=lambda place: place[:2]):
        one = ours.get((epoch, step, key), MISSING)
        other = theirs.get((epoch, step, key), MISSING)
        if one != other:
            return said, Parting(f"epoch {epoch} (step {step:,}), {key}", one, other)
    return said, None


def _points(path: Path) -> dict[tuple[int, int, str], str]:
    points = metric_points(read_journal(path)[0])
    return {(p.epoch, p.step, p.key): repr(p.value) for p in points if not _is_time(p)}


def _is_time(point: MetricPoint) -> bool:
    return point.key.endswith(TIMES)
