"""Own how much the seed alone moves a figure: from runs that differ in nothing else.

Source: the difference of two runs has twice the variance of one; the variance is pooled over the
families of runs (Student 1908, The Probable Error of a Mean). The quantiles are those of Student's
distribution: Abramowitz and Stegun 1964, table 26.10.
"""

import math
from collections.abc import Sequence

from iovalence.comparison.causes import SEED, deciding_settings
from iovalence.comparison.side import Side
from iovalence.errors import IOValenceError
from iovalence.evaluation.result import EvaluationResult
from iovalence.record import Record
from iovalence.reproduction.environment import name_versions
from iovalence.runs.folder import RunFolder, list_runs
from iovalence.runs.manifest import Manifest
from iovalence.tracking.description import read_config

# Of 97.5 %, by degrees of freedom from 1.
_STUDENT = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
)  # fmt: skip
_NORMAL = 1.960
MIN_DEGREES = 2


class SeedSpread(Record):
    """Say how far the seed alone moves one figure.

    Attributes:
        first: The figure in each run of the first one's family, itself included.
        other: Likewise of the other run's.
        deviation: Standard deviation of one run, pooled over both families.
        limit: What two runs that differ in the seed alone differ by, at most, 19 times in 20; None
            where two runs are all there is: they tell next to nothing.
    """

    first: tuple[float, ...]
    other: tuple[float, ...]
    deviation: float
    limit: float | None


def find_siblings(side: Side) -> tuple[RunFolder, ...]:
    """Return the runs of a workspace that differ from a run in nothing but the seed, it included.

    Data, settings that decide a figure, versions and device are the same, and it was measured on
    the same parts. A run that cannot be read is no sibling.
    """
    own = _without_seed(deciding_settings(side.config))
    return tuple(
        run
        for run in list_runs(side.run.root.parents[1])
        if run.run_id == side.run.run_id or _is_sibling(run, side, own)
    )


def _is_sibling(run: RunFolder, side: Side, own: dict[str, object]) -> bool:
    try:
        # What is quick to look at comes first: a workspace may hold thousands of runs.
        manifest = run.manifest()
        if not _is_made_alike(manifest, side.manifest) or not run.metrics.is_file():
            return False
        found = _without_seed(deciding_settings(read_config(run)))
    except IOValenceError:
        return False
    return found == own


def _is_made_alike(manifest: Manifest, own: Manifest) -> bool:
    now = {"iovalence": manifest.iovalence_version} | manifest.versions
    return (
        manifest.status in ("FINISHED", "FAILED")
        and manifest.seed != own.seed
        and (manifest.data_hash, manifest.review_hash) == (own.data_hash, own.review_hash)
        and (manifest.device, manifest.mixed_precision) == (own.device, own.mixed_precision)
        and not name_versions(own, now)
    )


def _without_seed(settings: dict[str, object]) -> dict[str, object]:
    section, _, name = SEED.partition(".")
    training = settings.get(section)
    kept = (
        {key: value for key, value in training.items() if key != name}
        if isinstance(training, dict)
        else training
    )
    return settings | {section: kept}


def read_figures(runs: Sequence[RunFolder], part: str) -> list[dict[str, float]]:
    """Return the figures of each run on one part; one that lacks it, or is damaged, is left out."""
    found = []
    for run in runs:
        try:
            result = EvaluationResult.load(run.metrics).part(part)
        except IOValenceError:
            continue
        if result is not None:
            found.append({name: figure.value for name, figure in result.metrics.items()})
    return found


def measure_spread(
    first: Sequence[dict[str, float]],
    other: Sequence[dict[str, float]],
    name: str,
    *,
    is_one_family: bool,
) -> SeedSpread | None:
    """Return how far the seed moves one figure; None where no family has two runs.

    Args:
        first: The figures of each run of the first one's family.
        other: Likewise of the other's.
        name: The metric.
        is_one_family: Whether both are the same: two runs that differ in the seed alone.
    """
    values = [[figures[name] for figures in family if name in figures] for family in (first, other)]
    families = values[:1] if is_one_family else values
    degrees = sum(max(len(family) - 1, 0) for family in families)
    if degrees == 0:
        return None
    deviation = math.sqrt(sum(map(_sum_squares, families)) / degrees)
    quantile = _STUDENT[degrees - 1] if degrees <= len(_STUDENT) else _NORMAL
    limit = quantile * math.sqrt(2) * deviation
    return SeedSpread(
        first=tuple(values[0]),
        other=tuple(values[1]),
        deviation=deviation,
        limit=limit if degrees >= MIN_DEGREES else None,
    )


def _sum_squares(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values)
