"""Own the commands about a configuration and its data: `init` and `check`."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.console import AsJson, open_in_browser, print_json, print_text, say
from flows.commands.training import Config, Overrides


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command(epilog="Example: iovalence init adult.csv -o adult.yaml")(init)
    app.command(epilog="Example: iovalence check adult.yaml --json")(check)


def init(
    data: Annotated[str, typer.Argument(metavar="DATA", help="The table: a file.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="The table's name, .yaml.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Column to predict; found.")] = None,
    column_names: Annotated[
        str | None, typer.Option(help="For a file without a header: names, with commas.")
    ] = None,
) -> None:
    """Write a commented configuration for a table: target, types and split as found."""
    from flows.drafting import draft_file

    names = tuple(name.strip() for name in column_names.split(",")) if column_names else None
    path = draft_file(data, out, target=target, column_names=names)
    print_text(str(path))
    say(f"look at it, then: iovalence train {path}")


def check(
    config: Config,
    overrides: Overrides = None,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page of the findings in the browser.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the checks of the data alone; say what they found, and write it as a page."""
    from flows.findings import show_checks
    from iovalence.config.load import load_config
    from iovalence.data.ingest import load_table
    from iovalence.quality.checks import raise_for_failures
    from iovalence.stages.rows import check_alone, join_findings, save_checks
    from tasks.progress import tell_stage

    loaded = load_config(config, overrides or ())
    checks = check_alone(loaded, lambda output: tell_stage(loaded, output))
    folder, report = save_checks(loaded, checks), join_findings(checks)
    notes = load_table(checks.ingested.folder).schema.notes
    if as_json:
        paths = {"page": str(folder.quality_page), "removed_rows": str(folder.removed_rows)}
        print_json(report.model_dump(mode="json") | paths | {"notes": notes})
    else:
        show_checks(report, folder, notes)
    if open_page:
        open_in_browser(folder.quality_page)
    raise_for_failures(report.findings)
