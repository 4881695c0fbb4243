"""Own what a run must reach, and which names of metrics a run can have."""

import math
import operator
import re
from collections.abc import Iterable, Mapping, Sequence

from iovalence.data.section import Task
from iovalence.errors import ConfigError
from iovalence.evaluation.metrics import metric_names
from iovalence.evaluation.result import PREFIXES
from iovalence.names import nearest


def check_requirements(require: Mapping[str, str], flat: Mapping[str, float]) -> tuple[str, ...]:
    """Return a line for each requirement that was not met.

    Args:
        require: For each metric by its full name, a comparison and a number, as `>= 0.85`.
        flat: The metrics of the run by full name.

    Raises:
        ConfigError: A requirement names a metric that this run does not have.
    """
    validate_requirements(require, flat)
    return tuple(
        f"{name} must be {rule.strip()}, got {flat[name]:.6g} (evaluation.require); "
        "the report shows where it is lost"
        for name, rule in require.items()
        if not _holds(flat[name], rule)
    )


def validate_requirements(require: Mapping[str, str], available: Iterable[str]) -> None:
    """Refuse requirements that this run can never answer.

    Args:
        require: As in `check_requirements`.
        available: Full names of the metrics of the run; `expected_metrics` gives them before
            there are any.

    Raises:
        ConfigError: A requirement names another metric, or its number is none.
    """
    names = tuple(available)
    faults = [
        f"evaluation.require.{name} must name a metric of this run, got '{name}'"
        f"{_suggest(name, names)}"
        for name in require
        if name not in names
    ]
    faults += [
        f"evaluation.require.{name} must be a comparison and a number, got '{rule}'; "
        'write for example ">= 0.85"'
        for name, rule in require.items()
        if _read_rule(rule) is None
    ]
    if faults:
        raise ConfigError(faults)


def validate_metrics(metrics: Sequence[str], task: Task) -> None:
    """Refuse names in `evaluation.metrics` that are no metric of the task.

    Raises:
        ConfigError: There are such names.
    """
    names = ("loss", *metric_names(task))
    faults = [
        f"evaluation.metrics must name metrics of {task}, got '{name}'{_suggest(name, names)}"
        for name in metrics
        if name not in names
    ]
    if faults:
        raise ConfigError(faults)


def expected_metrics(task: Task, parts: Iterable[str]) -> tuple[str, ...]:
    """Return the full names of all metrics that a run with these parts has."""
    names = ("loss", *metric_names(task))
    return tuple(f"{PREFIXES.get(part, part)}_{name}" for part in parts for name in names)


def _suggest(name: str, names: Sequence[str]) -> str:
    return nearest(name, names) or f"; there are {', '.join(names)}"


_RULE = re.compile(r"\s*(>=|<=|>|<)\s*(\S+)\s*")
_COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


def _read_rule(rule: str) -> tuple[str, float] | None:
    found = _RULE.fullmatch(rule)
    try:
        return (found[1], float(found[2])) if found else None
    except ValueError:
        return None


def _holds(value: float, rule: str) -> bool:
    sign, bound = _read_rule(rule) or ("<", -math.inf)
    return bool(_COMPARE[sign](value, bound))
