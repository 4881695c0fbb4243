"""Own one of the runs that are compared: what is read of it, and which runs can be compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from iovalence.errors import ConfigError, StorageError
from iovalence.evaluation.result import EvaluationResult
from iovalence.models.predictor import ModelRecord
from iovalence.reproduction.recorded import finished_manifest
from iovalence.runs.folder import RunFolder
from iovalence.runs.manifest import Manifest
from iovalence.tracking.description import read_config

MAX_CLASSES_TOLD = 5


@dataclass(frozen=True)
class Side:
    """Hold what a comparison takes of one run.

    Attributes:
        run: Its folder.
        manifest: What made it.
        config: Its resolved configuration, as plain values.
        result: Its figures.
        model: All of its model but the weights.
    """

    run: RunFolder
    manifest: Manifest
    config: dict[str, Any]
    result: EvaluationResult
    model: ModelRecord

    def setting(self, key: str) -> object:
        """Return a value of the configuration by its dotted name; None where it is not there."""
        value: Any = self.config
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value


def open_sides(runs: Sequence[RunFolder]) -> tuple[Side, ...]:
    """Read the runs that are to be compared, the first with each of the others.

    Raises:
        ConfigError: There are fewer than two, one is named twice, or they predict other things.
        RunNotFoundError: One did not finish.
        StorageError: A file of one is missing or damaged.
    """
    ids = [run.run_id for run in runs]
    if len(ids) < 2:
        raise ConfigError(
            f"two runs or more must be named to compare them, got {len(ids)}: {', '.join(ids)}; "
            "`iovalence runs` lists them"
        )
    twice = sorted({run_id for run_id in ids if ids.count(run_id) > 1})
    if twice:
        raise ConfigError(f"each run must be named once, got {twice[0]} more than once")
    sides = tuple(_open(run) for run in runs)
    for other in sides[1:]:
        _validate(sides[0], other)
    return sides


def _open(run: RunFolder) -> Side:
    manifest = finished_manifest(run, "be compared")
    result = EvaluationResult.load(run.metrics)
    if not result.parts:
        raise StorageError(f"{run.metrics} must hold the figures of a part, got none")
    model = ModelRecord.load(run.model / "model.json")
    return Side(run, manifest, read_config(run), result, model)


def _validate(first: Side, other: Side) -> None:
    """Refuse two runs whose figures are not of the same thing."""
    ids = f"{first.run.run_id} and {other.run.run_id}"
    for what in ("task", "target"):
        found = [getattr(side.result, what) for side in (first, other)]
        if found[0] != found[1]:
            raise ConfigError(
                f"runs must have the same {what} to be compared, got '{found[0]}' and "
                f"'{found[1]}' ({ids})"
            )
    classes = [side.result.classes or () for side in (first, other)]
    alone = [sorted(set(classes[at]) - set(classes[1 - at])) for at in (0, 1)]
    if any(alone):
        told = " and ".join(
            f"{_name(names)} in {side.run.run_id} alone"
            for names, side in zip(alone, (first, other), strict=True)
            if names
        )
        raise ConfigError(f"runs must have the same classes to be compared, got {told}")
    positive = [side.result.positive_class for side in (first, other)]
    if positive[0] != positive[1]:
        raise ConfigError(
            f"runs must have the same data.positive_class to be compared, got '{positive[0]}' and "
            f"'{positive[1]}' ({ids})"
        )


def _name(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_CLASSES_TOLD} more" if len(names) > MAX_CLASSES_TOLD else ""
    return ", ".join(f"'{name}'" for name in names[:MAX_CLASSES_TOLD]) + more
