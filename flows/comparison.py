"""Own what a person sees of `compare` in a terminal, and where its page is written."""

from collections.abc import Iterator
from pathlib import Path

from flows.commands.console import print_table, print_text
from iovalence.atomic import write_text
from iovalence.comparison.compare import Pair, RunComparison
from iovalence.comparison.page import render_comparison
from iovalence.comparison.wording import (
    list_differences,
    list_metrics,
    name_run,
    write_headline,
    write_idle,
    write_rows,
    write_same,
)
from iovalence.evaluation.wording import METRIC_TEXTS, format_interval, format_metric
from iovalence.runs.store import hash_of

COLUMNS = ("metric", "first", "other", "difference", "95 % interval", "is", "the seed alone")


def show_comparison(found: RunComparison) -> None:
    """Print the figures of all runs, and each one compared with the first."""
    print_table(("", *map(name_run, found.runs)), list(_figure_rows(found)))
    for pair in found.pairs:
        print_text(write_headline(found, pair))
        for line in _lines(pair):
            print_text(f"  {line}")
        if pair.metrics:
            print_table(COLUMNS, list(list_metrics(pair)))
        if pair.differences:
            columns = ("cause", "what differed", "first", "other")
            print_table(columns, list(list_differences(pair)))


def _figure_rows(found: RunComparison) -> Iterator[tuple[str, ...]]:
    yield ("measured on", *(f"{run.num_rows:,} {run.part} rows" for run in found.runs))
    yield ("seed", *(str(run.seed) for run in found.runs))
    for name in dict.fromkeys(name for run in found.runs for name in run.metrics):
        figures = [run.metrics.get(name) for run in found.runs]
        cells = [
            "" if one is None else f"{format_metric(name, one.value)} {_between(name, one)}".strip()
            for one in figures
        ]
        yield (METRIC_TEXTS[name].label, *cells)


def _between(name: str, figure: object) -> str:
    from iovalence.evaluation.result import Figure

    interval = format_interval(name, figure) if isinstance(figure, Figure) else ""
    return f"({interval})" if interval else ""


def _lines(pair: Pair) -> list[str]:
    notes = [*(pair.rows.notes if pair.rows else ()), *pair.notes]
    lines = [write_rows(pair), *notes, write_same(pair.differences), write_idle(pair)]
    return [line for line in lines if line]


def save_page(found: RunComparison, workspace: Path, out: Path | None) -> Path:
    """Write the page of a comparison, and return where: in the workspace where none is named.

    Raises:
        StorageError: It cannot be written.
    """
    ids = [run.run_id for run in found.runs]
    name = f"{ids[0]}-{hash_of({'runs': ids})[:8]}.html"
    path = workspace / "comparisons" / name if out is None else out
    write_text(path, render_comparison(found))
    return path
