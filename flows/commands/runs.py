"""Own the commands about runs: `evaluate`, `predict`, `runs`, `report` and `sync`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.console import (
    AsJson,
    RunName,
    Workspace,
    fit_last,
    print_json,
    print_table,
    print_text,
    say,
)
from flows.commands.places import find_workspace

if TYPE_CHECKING:
    import pyarrow as pa

    from flows.summary import RunSummary
    from iovalence.evaluation.result import PartResult
    from iovalence.runs.folder import RunFolder

OTHER = "data"


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command(epilog="Example: iovalence evaluate latest --data new-rows.csv")(evaluate)
    app.command(epilog="Example: iovalence predict latest new-rows.csv -o predictions.csv")(predict)
    app.command(epilog="Example: iovalence runs --json")(runs)
    app.command(epilog="Example: iovalence report latest")(report)
    app.command(epilog="Example: iovalence sync")(sync)


def evaluate(
    run: RunName,
    data: Annotated[
        str | None, typer.Option(help="Other rows, with their labels or without; - for a pipe.")
    ] = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Show the metrics of a trained model, on its own parts or on other data."""
    from iovalence.runs.folder import find_run

    found = find_run(find_workspace(workspace), run)
    if data is not None:
        _evaluate_other(found, data, as_json=as_json)
        return
    from flows.summary import load_result

    parts = load_result(found).parts
    if as_json:
        print_json({"run_id": found.run_id, "parts": _as_json(parts)})
        return
    for part in parts:
        _show_part(part)


def _as_json(parts: "Sequence[PartResult]") -> list[object]:
    return [part.model_dump(mode="json") for part in parts]


def _evaluate_other(run: "RunFolder", data: str, *, as_json: bool) -> None:
    from iovalence.stages.used import judge_other
    from iovalence.stages.written import piped
    from tasks.live import waiting

    with piped(data) as path, waiting("measuring the model"):
        judged = judge_other(run, path, Path.cwd())
    parts = [] if judged.result is None else [judged.result]
    if as_json:
        described = judged.model_dump(mode="json", exclude={"result"})
        print_json({"run_id": run.run_id, "parts": _as_json(parts), OTHER: described})
        return
    for part in parts:
        _show_part(part)
    if not parts:
        print_text(f"data: {judged.num_rows:,} rows, none with a label: nothing can be measured")
    print_table(
        ("predicted", "rows" if judged.is_of_classes else "value"),
        [(name, f"{value:,.6g}") for name, value in judged.predicted.items()],
    )
    for note in judged.notes:
        say(note)


def _show_part(part: "PartResult") -> None:
    from iovalence.evaluation.wording import METRIC_TEXTS, format_interval, format_metric

    print_text(f"{part.part}: {part.num_rows:,} rows")
    rows = [
        (
            METRIC_TEXTS[name].label,
            format_metric(name, figure.value),
            format_interval(name, figure),
            METRIC_TEXTS[name].meaning,
        )
        for name, figure in part.metrics.items()
    ]
    print_table(("metric", "value", "95 % interval", "meaning"), rows)
    for note in part.notes:
        say(note)


def predict(
    run: RunName,
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A table with the features; - for a pipe.")
    ],
    out: Annotated[
        str,
        typer.Option(
            "-o", "--out", metavar="OUT", help=".csv, .tsv, .parquet, .arrow, .csv.gz, or - ."
        ),
    ],
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Predict for each row of a table, in its order, with probabilities."""
    from iovalence.errors import ConfigError
    from iovalence.runs.folder import find_run
    from iovalence.stages.used import stream_predictions
    from iovalence.stages.written import check_out, piped, write_tables

    if as_json and out == "-":
        raise ConfigError("--json must go with -o FILE: with -o - standard output is the table")
    found = find_run(find_workspace(workspace), run)
    check_out(out, data)
    with piped(data) as path:
        predicted = stream_predictions(found, path, Path.cwd())
        num_rows = write_tables(_watched(predicted), out, path)
    notes = predicted.notes()
    if as_json:
        counts = {"num_rows": num_rows, "num_unlike": predicted.num_unlike}
        where = str(Path(out).resolve())
        print_json({"run_id": found.run_id, "out": where, **counts, "notes": notes})
        return
    for note in notes:
        say(note)
    say(f"{num_rows:,} predictions{'' if out == '-' else f' in {out}'}")


def _watched(tables: "Iterable[pa.Table]") -> "Iterator[pa.Table]":
    """Yield the tables; on a terminal, show how many rows are done."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with bar:
        done, num_rows = bar.add_task("reading", total=None), 0
        for table in tables:
            yield table
            num_rows += table.num_rows
            bar.update(done, description=f"{num_rows:,} rows predicted")


def runs(workspace: Workspace = None, as_json: AsJson = False) -> None:
    """List the runs of this workspace, the newest first."""
    from flows.summary import list_summaries

    summaries = list_summaries(find_workspace(workspace))
    if as_json:
        print_json([summary.model_dump(mode="json") for summary in summaries])
    elif not summaries:
        say("there are no runs yet; iovalence train CONFIG makes the first")
    else:
        columns = ("run", "name", "state", "data", "took", "result")
        print_table(columns, fit_last(columns, [_cells(line) for line in summaries]))


def _cells(line: "RunSummary") -> tuple[str, ...]:
    name = line.run_name or ""
    if line.is_chosen:
        name = f"{name} (best of its sweep)".lstrip()
    return line.run_id, name, line.state, line.data, line.took, line.result


def report(
    run: RunName,
    workspace: Workspace = None,
    print_path: Annotated[
        bool, typer.Option("--print-path", help="Print where it is; open nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Open a run's page in the browser."""
    import webbrowser

    from iovalence.errors import RunNotFoundError
    from iovalence.runs.folder import find_run

    found = find_run(find_workspace(workspace), run)
    if not found.report.is_file():
        raise RunNotFoundError(
            f"run {found.run_id} must have a report, but it has none (its state is "
            f"{found.manifest().state()}); `iovalence runs` shows finished ones"
        )
    if as_json:
        print_json({"run_id": found.run_id, "report": str(found.report)})
    elif print_path or not webbrowser.open(found.report.as_uri()):
        print_text(str(found.report))


def sync(workspace: Workspace = None, as_json: AsJson = False) -> None:
    """Send to MLflow what it missed of the runs of this workspace."""
    from iovalence.errors import TrackingError
    from iovalence.evaluation.wording import format_many
    from iovalence.tracking.sweeps import sync_sweeps
    from iovalence.tracking.sync import sync_workspace
    from tasks.live import waiting

    place = find_workspace(workspace)
    with waiting("sending what MLflow missed"):
        synced = sync_workspace(place)
        sync_sweeps(place, synced)
    if as_json:
        print_json(asdict(synced))
    else:
        sent = format_many(len(synced.sent), "run")
        print_text(f"sent {sent}; MLflow had {synced.num_whole} whole already")
        if synced.num_running:
            print_text(f"still going on, to send themselves: {synced.num_running}")
    if synced.failures:
        raise TrackingError([f"{run_id}: {line}" for run_id, line in synced.failures.items()])
