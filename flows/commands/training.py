"""Own the commands that train: `quickstart` and `train`."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.console import AsJson, command_name, print_json, print_lines, print_text, say

if TYPE_CHECKING:
    from flows.server import Server
    from iovalence.config.load import LoadedConfig

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="The configuration, a YAML file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Win over the file; repeatable."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command(epilog="Example: iovalence quickstart my-first-model")(quickstart)
    app.command(epilog="Example: iovalence train config.yaml --set training.epochs=50")(train)


def quickstart(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Made if need be.")] = Path(
        "quickstart"
    ),
    as_json: AsJson = False,
) -> None:
    """Write a real table and its configuration into DIR, and train on it."""
    from flows.quickstart import CONFIG_NAME, write_files
    from flows.server import prefect_server

    workspace = folder.resolve() / ".iovalence"
    with prefect_server(workspace) as server:
        for line in write_files(folder):
            say(line)
        config = folder / CONFIG_NAME
        _run(server, workspace, as_json=as_json, config=str(config))
    if not as_json:
        print_text(
            f"\nNext: change {config} (every key has its meaning beside it) and train again with\n"
            f"  {command_name()} train {shlex.quote(str(config))}\n"
            "or begin with a table of yours:\n"
            f"  {command_name()} init my-table.csv"
        )


def train(
    config: Config,
    overrides: Overrides = None,
    run_name: Annotated[str | None, typer.Option(help="A name people remember.")] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="[RUN]", help="Go on with a run that did not finish; without RUN the newest."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do all that comes before training, and stop.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the whole pipeline: read, check, split, train, evaluate, report."""
    from flows.server import prefect_server
    from iovalence.config.load import load_config

    loaded = load_config(config, overrides or ())
    if dry_run:
        _rehearse(loaded, as_json=as_json)
        return
    is_silent = not loaded.config.training.verbose
    with prefect_server(loaded.workspace) as server:
        if not is_silent:
            say(f"starting: {config}")
        given = {"overrides": list(overrides or ()), "run_name": run_name, "resume": resume}
        _run(
            server,
            loaded.workspace,
            as_json=as_json,
            silent=is_silent,
            config=str(config),
            **given,
        )


def _rehearse(loaded: "LoadedConfig", *, as_json: bool) -> None:
    from flows.rehearsal import rehearse

    found = rehearse(loaded)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_text("\n".join(found.lines()))


def _run(
    server: "Server",
    workspace: Path,
    *,
    as_json: bool,
    silent: bool = False,
    **parameters: object,
) -> None:
    """Run the flow, and print what it left, also when it failed."""
    from tasks.live import waiting

    with waiting("starting", is_shown=not silent):
        # The server boots while these are imported.
        from flows.prefect_run import run_flow
        from flows.summary import INDENT, find_own_run, outcome_of, summarise
        from flows.train import train as train_flow
        from iovalence.runs.manifest import now

        server.wait()
    began = now()
    try:
        run_flow(train_flow, server, **parameters)
    finally:
        run = find_own_run(workspace, began)
        if run is not None and as_json:
            print_json(outcome_of(run))
        elif run is not None and run.metrics.is_file() and not silent:
            print_text("")
            print_lines(summarise(run), INDENT)
