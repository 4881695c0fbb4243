"""Own the commands about a configuration and its data: `init` and `check`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.console import AsJson, print_json, print_table, print_text, say
from flows.commands.training import Config, Overrides

if TYPE_CHECKING:
    from iovalence.quality.checks import QualityReport


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


def check(config: Config, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Run the checks of the data alone, and say what they found."""
    from iovalence.config.load import load_config
    from iovalence.quality.checks import raise_for_failures
    from iovalence.stages.rows import check_alone

    report = check_alone(load_config(config, overrides or ()))
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        _show_findings(report)
    raise_for_failures(report.findings)


def _show_findings(report: "QualityReport") -> None:
    if report.findings:
        rows = [
            (finding.check, finding.severity, finding.message, finding.done or finding.advice)
            for finding in report.findings
        ]
        print_table(("check", "severity", "found", "done, or to do"), rows)
    for counts in report.counts:
        left = counts.num_rows - counts.kept
        print_text(f"{counts.source}: of {counts.num_rows:,} rows {left:,} leave")
