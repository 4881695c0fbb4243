"""Own the commands about the record that runs leave: `reproduce` and `gc`."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.console import (
    AsJson,
    RunName,
    Workspace,
    print_json,
    print_table,
    print_text,
    say,
)
from flows.commands.places import find_workspace

if TYPE_CHECKING:
    from iovalence.runs.garbage import Cleaning


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command(epilog="Example: iovalence reproduce latest")(reproduce)
    app.command(epilog="Example: iovalence gc --dry-run")(gc)


def reproduce(run: RunName, workspace: Workspace = None, as_json: AsJson = False) -> None:
    """Run a run again from its record: prove that all is equal, or name what differs."""
    from flows.reproduction import describe, raise_for_difference, reproduce_run
    from iovalence.runs.folder import find_run

    found = reproduce_run(find_run(find_workspace(workspace), run))
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_text("\n".join(describe(found)))
    raise_for_difference(found)


def gc(
    workspace: Workspace = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Remove nothing; say what would be removed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove what no run needs: unused stages, leftovers of killed processes, old checkpoints."""
    from iovalence.errors import StorageError
    from iovalence.runs.garbage import clean_workspace
    from tasks.live import waiting

    with waiting("looking for what no run needs"):
        found = clean_workspace(find_workspace(workspace), dry_run=dry_run)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        _show_cleaning(found)
    if found.failures:
        raise StorageError(found.failures)


def _show_cleaning(found: "Cleaning") -> None:
    done = "would be removed" if found.dry_run else "removed"
    if found.removed:
        rows = [(kind, f"{number:,}", f"{size:,}") for kind, number, size in found.totals()]
        print_table((done, "number", "bytes"), rows)
    else:
        print_text(f"nothing {'would be' if found.dry_run else 'was'} removed")
    for note in found.notes:
        say(note)
