"""Own how commands speak: results on standard output, all else on standard error."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.text import Text

MAX_CELL, LEAST_CELL = 100, 30
GAP = 3
"""Between the columns of a table."""

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


def fit_last(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Return the rows of a table with the last cell of each cut, so that each fits one line."""
    import shutil

    room = MAX_CELL
    if sys.stdout.isatty():
        before = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)][:-1]
        room = shutil.get_terminal_size().columns - sum(before) - GAP * len(before)
    room = max(room, LEAST_CELL)
    return [(*row[:-1], cut(row[-1], room)) for row in rows]


def cut(text: str, length: int) -> str:
    """Return a text in one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 4].rstrip()} ..."


def print_lines(lines: Sequence[str], indent: int) -> None:
    """Print lines that begin with a name; on a terminal what is too long goes on below the text.

    Args:
        lines: A name and a text each.
        indent: Where the texts begin.
    """
    import shutil

    width = max(shutil.get_terminal_size().columns, 2 * indent) if sys.stdout.isatty() else None
    for line in lines:
        print_text(line if width is None else fold(line, width, indent))


def fold(line: str, width: int, indent: int) -> str:
    """Return a line folded between words; a path or a command stays whole, to be copied."""
    import textwrap

    text = line.lstrip()
    if "iovalence " in text or len(text.split()) <= 2:  # a name and a path
        return line
    return textwrap.fill(
        text,
        width,
        initial_indent=line[: len(line) - len(text)],
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def say(text: str) -> None:
    """Say something beside the results."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def open_in_browser(page: Path) -> None:
    """Open a page in the browser; without one, say where the page is."""
    import webbrowser

    if not webbrowser.open(page.as_uri()):
        say(f"no browser could be opened; the page is {page}")
