"""Own how commands speak: results on standard output, all else on standard error."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.text import Text

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Workspace = Annotated[
    str | None,
    typer.Option(help="Folder of runs; the nearest .iovalence at or above this folder."),
]
RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="A run's id or its beginning, MLflow's id, a run's name, or latest."
    ),
]


def command_name() -> str:
    """Return what to type for this command: its path, where its name alone is not found."""
    import shutil

    own = Path(sys.argv[0])
    if shutil.which("iovalence") or own.name != "iovalence":
        return "iovalence"
    near = own.resolve().is_relative_to(Path.cwd())
    return str(own.resolve().relative_to(Path.cwd()) if near else own)


def print_json(value: Any) -> None:
    """Print one JSON object on one line; NaN and infinity as JSON's common extension."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def print_text(text: str) -> None:
    """Print a result."""
    sys.stdout.write(text + "\n")


def print_table(columns: Sequence[str], rows: "Sequence[Sequence[str | Text]]") -> None:
    """Print rows of text under their columns' names, without cutting any."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) if isinstance(cell, str) else cell for cell in row))
    # What is not a terminal has no width, and a table folded at 80 columns cannot be searched.
    width = None if sys.stdout.isatty() else 10_000
    Console(width=width, highlight=False, soft_wrap=False).print(table)


def say(text: str) -> None:
    """Say something beside the results."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def open_in_browser(page: Path) -> None:
    """Open a page in the browser; without one, say where the page is."""
    import webbrowser

    if not webbrowser.open(page.as_uri()):
        say(f"no browser could be opened; the page is {page}")
