"""Own the comparison of runs as a whole: the first with each of the others."""

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from iovalence.comparison.causes import name_differences, name_idle_keys
from iovalence.comparison.rows import SharedRows, share_rows
from iovalence.comparison.seeds import SeedSpread, find_siblings, measure_spread, read_figures
from iovalence.comparison.side import Side, open_sides
from iovalence.evaluation.metrics import metric_names
from iovalence.evaluation.paired import MIN_ROWS_OF_INTERVAL, Change, compare_metrics
from iovalence.evaluation.result import Figure
from iovalence.evaluation.wording import METRIC_TEXTS
from iovalence.record import Record
from iovalence.reproduction.difference import Difference
from iovalence.runs.folder import RunFolder
from iovalence.stages.evaluated import read_history

Verdict = Literal["better", "worse", "no clear difference", "not known"]
SPLITS_BY_CONTENT = ("hash", "time")


class ComparedRun(Record):
    """Say of one run what stands beside the others.

    Attributes:
        run_id: Its id.
        run_name: A name people remember, or None.
        started_at: ISO 8601, UTC.
        seconds: From its start to its end.
        seed: Decides its random choices.
        part: The part that its figures are of.
        num_rows: Rows of that part.
        metrics: Each metric by name, with its own interval.
        history: The figures of each epoch by name, with `epoch` from 1.
    """

    run_id: str
    run_name: str | None
    started_at: str
    seconds: float | None
    seed: int
    part: str
    num_rows: int
    metrics: dict[str, Figure]
    history: tuple[dict[str, float], ...]


class MetricDifference(Record):
    """Hold the difference of one metric on the same rows.

    Attributes:
        name: The metric, without the part.
        first: Of the first run, on these rows.
        other: Of the other run.
        difference: `other` less `first`.
        low: Lower limit of its 95 % paired bootstrap interval; None where there is none.
        high: Its upper limit.
        verdict: Whether the other run is better, as far as the interval tells.
        seeds: How far the seed alone moves it; None where no run tells.
    """

    name: str
    first: float
    other: float
    difference: float
    low: float | None
    high: float | None
    verdict: Verdict
    seeds: SeedSpread | None


class Rows(Record):
    """Say which rows two runs were compared on.

    Attributes:
        part: The part of both that they are in.
        num_rows: How many are in that part of both, and in train of neither.
        num_first: Rows of that part in the first run.
        num_other: Likewise in the other.
        matched_by: Whether rows were found again by their number or by what they hold.
        notes: What else one should know of them, a line each.
    """

    part: str
    num_rows: int
    num_first: int
    num_other: int
    matched_by: Literal["row number", "content"]
    notes: tuple[str, ...] = ()


class Pair(Record):
    """Compare one run with the first.

    Attributes:
        run_id: The run.
        differences: What differed; `then` is of the first run, `now` of this one.
        idle_keys: Settings that differ and change no figure.
        rows: The rows that both were measured on; None where there are none.
        metrics: The difference in each metric; empty without such rows.
        notes: What else one should know, a line each.
    """

    run_id: str
    differences: tuple[Difference, ...]
    idle_keys: tuple[str, ...]
    rows: Rows | None
    metrics: tuple[MetricDifference, ...]
    notes: tuple[str, ...] = Field(())


class RunComparison(Record):
    """Hold a comparison of runs.

    Attributes:
        runs: Each run with its own figures; the first is what the others are compared with.
        pairs: Each of the others, compared with the first.
    """

    runs: tuple[ComparedRun, ...]
    pairs: tuple[Pair, ...]


def compare_runs(runs: Sequence[RunFolder]) -> RunComparison:
    """Compare the first run with each of the others: what differed, and how much it changed.

    Nothing is trained, and no run is changed.

    Raises:
        ConfigError: There are fewer than two, one is named twice, or they predict other things.
        RunNotFoundError: One did not finish.
        StorageError: A file of one is missing or damaged.
    """
    first, *others = sides = open_sides(runs)
    return RunComparison(
        runs=tuple(_describe(side) for side in sides),
        pairs=tuple(_compare(first, other) for other in others),
    )


def _describe(side: Side) -> ComparedRun:
    main = side.result.main_part
    return ComparedRun(
        run_id=side.run.run_id,
        run_name=side.manifest.run_name,
        started_at=side.manifest.started_at,
        seconds=side.manifest.seconds,
        seed=side.manifest.seed,
        part=main.part,
        num_rows=main.num_rows,
        metrics=main.metrics,
        history=tuple(read_history(side.run)),
    )


def _compare(first: Side, other: Side) -> Pair:
    shared = share_rows(first, other)
    found = {
        "run_id": other.run.run_id,
        "differences": name_differences(first, other),
        "idle_keys": name_idle_keys(first, other),
    }
    if isinstance(shared, str):
        notes = (f"{shared}: the runs' own figures are shown alone",)
        return Pair(**found, rows=None, metrics=(), notes=notes)
    metrics = tuple(_measure(first, other, shared))
    return Pair(
        **found,
        rows=Rows(
            part=shared.part,
            num_rows=len(shared.y_true),
            num_first=shared.num_first,
            num_other=shared.num_other,
            matched_by="row number" if shared.is_by_number else "content",
            notes=shared.notes,
        ),
        metrics=metrics,
        notes=tuple(_explain(first, other, metrics, len(shared.y_true))),
    )


def _measure(first: Side, other: Side, shared: SharedRows) -> Iterator[MetricDifference]:
    changes = compare_metrics(
        shared.y_true,
        shared.other,
        shared.first,
        metric_names(first.result.task),
        weight=shared.weight,
        group=shared.group,
        positive_index=first.model.preprocessing.positive_index,
        seed=first.manifest.seed,
    )
    siblings = [find_siblings(side) for side in (first, other)]
    families = [read_figures(runs, shared.part) for runs in siblings]
    is_one = {run.run_id for run in siblings[0]} == {run.run_id for run in siblings[1]}
    for change in changes:
        seeds = measure_spread(families[0], families[1], change.name, is_one_family=is_one)
        yield _judge(change, seeds)


def _judge(change: Change, seeds: SeedSpread | None) -> MetricDifference:
    difference = change.model - change.other
    verdict: Verdict = "no clear difference"
    if change.is_clear:
        is_better = (difference > 0) == METRIC_TEXTS[change.name].higher_is_better
        verdict = "better" if is_better else "worse"
    elif change.low is None and difference != 0:
        verdict = "not known"
    return MetricDifference(
        name=change.name,
        first=change.other,
        other=change.model,
        difference=difference,
        low=change.low,
        high=change.high,
        verdict=verdict,
        seeds=seeds,
    )


def _explain(
    first: Side, other: Side, metrics: Sequence[MetricDifference], num_rows: int
) -> Iterator[str]:
    """Yield what one should know of few rows, of the seed, and of many intervals at once."""
    if num_rows < MIN_ROWS_OF_INTERVAL:
        rows = "1 row is" if num_rows == 1 else f"{num_rows} rows are"
        yield f"{rows} too few to tell two models apart: look at the runs' own figures"
    known = [one.seeds for one in metrics if one.seeds is not None]
    if not known:
        yield "one seed each: the seed alone moves each metric by an unknown amount"
    elif any(_seed_splits(side) for side in (first, other)):
        yield (
            "the seed draws the split too: what it moves a metric by holds that of other rows in "
            "the part; a test file, or data.split: hash or time, keeps them the same"
        )
    if sum(one.low is not None for one in metrics) > 1:
        yield (
            "each interval stands for itself: of twenty metrics of two equal models, one is "
            "outside by chance"
        )


def _seed_splits(side: Side) -> bool:
    return side.setting("data.test_file") is None and (
        side.setting("data.split") not in SPLITS_BY_CONTENT
    )
