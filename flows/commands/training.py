"""Own the commands that train: `quickstart` and `train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.console import AsJson, print_json, print_text, say

if TYPE_CHECKING:
    from flows.train import TrainOutcome
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

    with prefect_server(folder.resolve() / ".iovalence") as server:
        for line in write_files(folder):
            say(line)
        from flows.prefect_run import run_flow
        from flows.train import train as train_flow

        config = folder / CONFIG_NAME
        outcome = run_flow(train_flow, server, config=str(config))
    _show(outcome, as_json=as_json)
    if not as_json:
        print_text(
            f"\nNext: change {config} (every key has its meaning beside it) and train again with\n"
            f"  iovalence train {config}\nor begin with a table of yours:\n"
            "  iovalence init my-table.csv"
        )


def train(
    config: Config,
    overrides: Overrides = None,
    run_name: Annotated[str | None, typer.Option(help="A name people remember.")] = None,
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
    with prefect_server(loaded.workspace) as server:
        # The server boots while these are imported.
        from flows.prefect_run import run_flow
        from flows.train import train as train_flow

        outcome = run_flow(
            train_flow,
            server,
            config=str(config),
            overrides=list(overrides or ()),
            run_name=run_name,
        )
    _show(outcome, as_json=as_json)


def _rehearse(loaded: "LoadedConfig", *, as_json: bool) -> None:
    from flows.rehearsal import rehearse

    found = rehearse(loaded)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_text("\n".join(found.lines()))


def _show(outcome: "TrainOutcome", *, as_json: bool) -> None:
    if as_json:
        print_json(outcome.model_dump(mode="json"))
        return
    from flows.summary import summarise
    from iovalence.runs.folder import RunFolder

    print_text("\n" + "\n".join(summarise(RunFolder(outcome.run_dir))))
