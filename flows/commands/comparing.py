"""Own the command that sets runs beside each other: `compare`."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.console import (
    AsJson,
    Workspace,
    open_in_browser,
    print_json,
    print_text,
)
from flows.commands.places import find_workspace


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command(epilog="Example: iovalence compare first-try latest --open")(compare)


def compare(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN RUN...",
            help="Two runs or more: ids or their beginnings, MLflow's ids, names, or latest. The "
            "first is what the others are compared with.",
        ),
    ],
    workspace: Workspace = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="Write it as a page, .html.")
    ] = None,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open it as a page in the browser.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what differed between runs, and which is better on the same rows, with intervals."""
    from flows.comparison import save_page, show_comparison
    from iovalence.comparison.compare import compare_runs
    from iovalence.errors import ConfigError
    from iovalence.runs.folder import find_run

    place = find_workspace(workspace)
    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"--out must end in .html, got '{out}'")
    found = compare_runs([find_run(place, name) for name in names])
    page = save_page(found, place, out) if open_page or out is not None else None
    if as_json:
        print_json(found.model_dump(mode="json") | {"page": page and str(page)})
    else:
        show_comparison(found)
        if page is not None:
            print_text(f"page: {page}")
    if page is not None and open_page:
        open_in_browser(page.resolve())
