"""Own how a comparison is said to people, in a terminal and on a page; work nothing out."""

import re
from collections.abc import Iterator

from iovalence.comparison.compare import ComparedRun, MetricDifference, Pair, RunComparison
from iovalence.comparison.seeds import SeedSpread
from iovalence.evaluation.wording import METRIC_TEXTS, format_difference, format_metric
from iovalence.reproduction.difference import Difference

_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
HEADLINES = ("accuracy", "rmse")


def name_run(run: ComparedRun) -> str:
    """Return a run's id, with its name where it has one."""
    return f"{run.run_id} ({run.run_name})" if run.run_name else run.run_id


def write_headline(found: RunComparison, pair: Pair) -> str:
    """Return in one sentence whether a run is better than the first."""
    first = found.runs[0].run_id
    main = next((one for one in pair.metrics if one.name in HEADLINES), None)
    if main is None or pair.rows is None:
        return f"{pair.run_id} cannot be measured on the same rows as {first}"
    figure, text = _inside(main.name), write_difference(main.name, main.difference)
    interval = write_interval(main)
    beside = f" ({text}{f', 95 % interval {interval}' if interval else ''})"
    said = {
        "better": f"is better than {first} in {figure}",
        "worse": f"is worse than {first} in {figure}",
        "no clear difference": f"is not clearly different from {first} in {figure}",
        "not known": f"has too few rows in common with {first} to tell which is better in {figure}",
    }[main.verdict]
    seed = _blame_seed(main.seeds, main.difference)
    return f"{pair.run_id} {said}{beside}{f'; {seed}' if seed else ''}"


def _inside(name: str) -> str:
    """Return a metric's label as it stands inside a sentence."""
    label = METRIC_TEXTS[name].label
    return label if label.isupper() else label.lower()


def _blame_seed(seeds: SeedSpread | None, difference: float) -> str:
    if seeds is None or seeds.limit is None:
        return ""
    if abs(difference) <= seeds.limit:
        return "as much comes from another seed alone"
    return "more than another seed alone would change"


def write_difference(name: str, value: float) -> str:
    """Return a difference with its sign: of shares in points of per cent."""
    return f"{100 * value:+.1f} points" if METRIC_TEXTS[name].percent else format_difference(value)


def write_interval(one: MetricDifference) -> str:
    """Return the interval of a difference; empty where there is none."""
    if one.low is None or one.high is None:
        return ""
    low, high = (write_difference(one.name, limit) for limit in (one.low, one.high))
    return f"{low.removesuffix(' points')} to {high}"


def write_seeds(one: MetricDifference) -> str:
    """Return what the seed alone does to a metric."""
    seeds = one.seeds
    if seeds is None:
        return "unknown"
    families = {"like the first": seeds.first, "like this one": seeds.other}
    if seeds.first == seeds.other:
        families = {"": seeds.first}
    told = [
        f"{_write_range(one.name, values)} in {len(values)} runs {whose}".rstrip()
        for whose, values in families.items()
        if len(values) > 1
    ]
    if seeds.limit is not None:
        told.insert(0, f"up to {write_difference(one.name, seeds.limit).removeprefix('+')}")
    return "; ".join(told)


def _write_range(name: str, values: tuple[float, ...]) -> str:
    low, high = (format_metric(name, limit) for limit in (min(values), max(values)))
    return f"{low.removesuffix(' %')} to {high}"


def write_rows(pair: Pair) -> str:
    """Return which rows two runs were compared on; empty for none."""
    rows = pair.rows
    if rows is None:
        return ""
    are = "row is" if rows.num_rows == 1 else "rows are"
    return (
        f"{rows.num_rows:,} {are} in the {rows.part} part of both and in train of neither, of "
        f"{rows.num_first:,} and {rows.num_other:,}; matched by {rows.matched_by}"
    )


def list_differences(pair: Pair) -> Iterator[tuple[str, str, str, str]]:
    """Yield cause, what, and how it is in the first run and in this one."""
    for line in pair.differences:
        yield line.cause, line.what, _shorten(line.then), _shorten(line.now)


def list_metrics(pair: Pair) -> Iterator[tuple[str, ...]]:
    """Yield label, both figures, their difference, its interval, the verdict, and the seed."""
    for one in pair.metrics:
        yield (
            METRIC_TEXTS[one.name].label,
            format_metric(one.name, one.first),
            format_metric(one.name, one.other),
            write_difference(one.name, one.difference),
            write_interval(one),
            one.verdict,
            write_seeds(one),
        )


def write_idle(pair: Pair) -> str:
    """Return the settings that differ and change no figure; empty for none."""
    if not pair.idle_keys:
        return ""
    return f"these differ too, and change no figure: {', '.join(pair.idle_keys)}"


def write_same(differences: tuple[Difference, ...]) -> str:
    """Return what is said where nothing differed; else an empty text."""
    return "" if differences else "nothing that decides a figure differs: the runs are repetitions"


def _shorten(text: str) -> str:
    return _HASH.sub(r"\1...", text)
