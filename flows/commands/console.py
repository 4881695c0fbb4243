"""Own how commands speak: results on standard output, all else on standard error."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

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


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text under their columns' names, without cutting any."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    # What is not a terminal has no width, and a table folded at 80 columns cannot be searched.
    width = None if sys.stdout.isatty() else 10_000
    Console(width=width, highlight=False, soft_wrap=False).print(table)


def say(text: str) -> None:
    """Say something beside the results."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
