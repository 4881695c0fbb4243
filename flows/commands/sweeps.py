"""Own the command that trains many configurations: `sweep`."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.console import AsJson, print_json, print_lines, print_table, print_text, say
from flows.commands.training import Config, Overrides

if TYPE_CHECKING:
    from pathlib import Path

    from flows.server import Server
    from iovalence.runs.sweep import SweepFolder

EXAMPLE = (
    "Example: iovalence sweep config.yaml --vary training.learning_rate=0.01,0.003,0.001 "
    "--vary training.dropout=0.1,0.3\n\n"
    "Draw 20: iovalence sweep config.yaml --random 20 --vary training.learning_rate=0.0001..0.1 "
    "--vary 'training.layers=[64,32],[128,64,32]'"
)
MAX_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command(epilog=EXAMPLE)(sweep)


def sweep(
    config: Config,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUES",
            help="A key of training and its values, with commas between; with --random also a "
            "range, as 0.0001..0.1; repeatable.",
        ),
    ] = None,
    overrides: Overrides = None,
    num_random: Annotated[
        int | None,
        typer.Option("--random", metavar="N", help="Draw so many, instead of all combinations."),
    ] = None,
    halving: Annotated[
        bool,
        typer.Option(
            "--halving",
            help="Train all for a few epochs, the best third of them for three times as many, "
            "and so on.",
        ),
    ] = False,
    by: Annotated[
        str, typer.Option(metavar="FIGURE", help="Of the validation part: what decides.")
    ] = "val_loss",
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes; as many as pay here.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the same sweep where it was cut off.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train many configurations, and measure the best one on the test part.

    Each is a run of its own. The validation part decides which one is best; the test part is
    opened for that one alone.
    """
    from flows.server import prefect_server
    from iovalence.config.space import load_space
    from iovalence.evaluation.wording import format_many
    from iovalence.sweeps.ranking import validate_name

    validate_name(by)

    given = [*(overrides or ()), *([f"run.workers={workers}"] if workers is not None else ())]
    space = load_space(config, given, vary or (), num_random=num_random)
    verbose = space.base.config.training.verbose
    with prefect_server(space.base.workspace) as server:
        if verbose:
            once = f" ({space.num_repeated} more mean the same)" if space.num_repeated else ""
            number = format_many(len(space.candidates), "configuration")
            say(f"starting: {config}, {number}{once}")
        _run(
            server,
            space.base.workspace,
            as_json=as_json,
            verbose=verbose,
            config=str(config),
            overrides=given,
            vary=list(vary or ()),
            num_random=num_random,
            halving=halving,
            by=by,
            resume=resume,
        )


def _run(
    server: "Server",
    workspace: "Path",
    *,
    as_json: bool,
    verbose: bool,
    **parameters: object,
) -> None:
    """Run the flow, and print what it left, also when it failed."""
    from tasks.live import waiting

    with waiting("starting", is_shown=verbose):
        # The server boots while these are imported.
        from flows.prefect_run import run_flow
        from flows.sweep import sweep as sweep_flow
        from flows.sweep_summary import find_own_sweep
        from iovalence.runs.manifest import now
        from iovalence.runs.sweep import SweepFolder, sweeps_folder

        server.wait()
    began = now()
    folder: SweepFolder | None = None
    try:
        sweep_id = run_flow(sweep_flow, server, **parameters)
        folder = SweepFolder(sweeps_folder(workspace) / sweep_id)
    finally:
        folder = folder or find_own_sweep(workspace, began)
        if folder is not None:
            _show(folder, as_json=as_json)


def _show(folder: "SweepFolder", *, as_json: bool) -> None:
    from flows.summary import INDENT
    from flows.sweep_summary import outcome_of_sweep, summarise_sweep, sweep_rows

    record = folder.record()
    if as_json:
        print_json(outcome_of_sweep(folder))
        return
    print_text("")
    rows = sweep_rows(record)
    print_table(("", "configuration", record.by, "epochs", "took", "run"), rows[:MAX_SHOWN])
    if len(rows) > MAX_SHOWN:
        print_text(f"and {len(rows) - MAX_SHOWN} more ({folder.record_path})")
    print_lines(summarise_sweep(folder), INDENT)
