"""Own the journal of a run: every metric and event as one JSON object a line.

The journal is the truth that MLflow is told from. It knows nothing of MLflow.
"""

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iovalence.atomic import explain_os_error, flush
from iovalence.errors import StorageError

Line = dict[str, Any]


@dataclass(frozen=True)
class Journal:
    """Append to the journal of one run; one process at a time may do so.

    Attributes:
        path: The file; made with the first line.
    """

    path: Path

    def metrics(self, metrics: Mapping[str, float], *, epoch: int, step: int) -> None:
        """Append one line for each metric, all with the time of now.

        Args:
            metrics: Values by name; NaN and infinity are kept.
            epoch: Epoch they were measured after, from 1.
            step: Optimizer steps taken so far.

        Raises:
            StorageError: The file cannot be written to, or the disk is full.
        """
        at = {"epoch": epoch, "step": step, "time_ms": time.time_ns() // 1_000_000}
        self._append(
            {"type": "metric", "key": key, "value": float(value), **at}
            for key, value in metrics.items()
        )

    def event(self, name: str, **fields: object) -> None:
        """Append one line for an event, with any fields that JSON can hold.

        Raises:
            StorageError: The file cannot be written to, or the disk is full.
        """
        now_ms = time.time_ns() // 1_000_000
        self._append([{"type": "event", "event": name, "time_ms": now_ms, **fields}])

    def sync(self) -> None:
        """Have the operating system write what was appended to the disk.

        Raises:
            StorageError: The disk is full or failed.
        """
        try:
            flush(self.path)
        except OSError as err:
            raise explain_os_error(err, self.path, "writing") from err

    def _append(self, lines: Iterable[Line]) -> None:
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        try:
            with self.path.open("ab+") as file:
                _drop_torn_line(file.fileno())
                file.write(content)
        except OSError as err:
            raise explain_os_error(err, self.path, "writing") from err


def _drop_torn_line(descriptor: int) -> None:
    # A kill in the middle of a write leaves half a line: the next would be glued to it.
    size = os.fstat(descriptor).st_size
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return
    content = os.pread(descriptor, size, 0)
    os.ftruncate(descriptor, content.rfind(b"\n") + 1)


def read_journal(path: Path, offset: int = 0) -> tuple[list[Line], int]:
    """Read the whole lines from `offset` on; a last line without its end is left for later.

    Args:
        path: The journal; one that is not there yet has no lines.
        offset: Bytes already read, as returned before.

    Returns:
        The lines, and the offset to go on from.

    Raises:
        StorageError: The file cannot be read, or a whole line is not a JSON object.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read()
    except FileNotFoundError:
        return [], offset
    except OSError as err:
        raise explain_os_error(err, path, "reading") from err
    end = content.rfind(b"\n") + 1
    return [_parse(line, path) for line in content[:end].splitlines()], offset + end


def _parse(text: bytes, path: Path) -> Line:
    try:
        line = json.loads(text)
    except ValueError:
        line = None
    if isinstance(line, dict) and (line.get("type") != "metric" or _is_metric(line)):
        return line
    shown = text[:60].decode(errors="replace")
    raise StorageError(
        f"a line of the journal must be a JSON object, and a metric whole, got '{shown}' ({path}); "
        "take the line out"
    )


_METRIC: dict[str, tuple[type, ...]] = {
    "key": (str,),
    "value": (int, float),
    "epoch": (int,),
    "step": (int,),
    "time_ms": (int,),
}


def _is_metric(line: Line) -> bool:
    return all(isinstance(line.get(name), kind) for name, kind in _METRIC.items())


@dataclass(frozen=True)
class MetricPoint:
    """Hold one point of a curve.

    Attributes:
        key: Name of the metric.
        value: May be NaN or infinite.
        epoch: Epoch it was measured after, from 1.
        step: Optimizer steps taken by then.
        time_ms: When it was first measured, in milliseconds since 1970.
    """

    key: str
    value: float
    epoch: int
    step: int
    time_ms: int


def metric_points(lines: Iterable[Line]) -> list[MetricPoint]:
    """Return one point for each key and step, as its first line has it.

    An epoch that was done again after a kill has the same losses, and other seconds: MLflow may
    have the first ones, and would take the second as one more point.
    """
    points: dict[tuple[str, int], MetricPoint] = {}
    for line in lines:
        if line.get("type") != "metric":
            continue
        point = MetricPoint(**{name: line[name] for name in MetricPoint.__dataclass_fields__})
        points.setdefault((point.key, point.step), point)
    return list(points.values())
