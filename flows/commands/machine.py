"""Own the commands about this machine: `up`, `down` and `doctor`."""

import typer

from flows.commands.console import AsJson, Workspace, print_json, print_table, print_text, say
from flows.commands.places import workspace_to_make


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command(epilog="Example: iovalence up --workspace .iovalence")(up)
    app.command(epilog="Example: iovalence down")(down)
    app.command(epilog="Example: iovalence doctor --json")(doctor)


def up(workspace: Workspace = None, as_json: AsJson = False) -> None:
    """Start local Prefect and MLflow servers for this workspace, which stay."""
    from flows.local_servers import list_running, start_servers
    from tasks.live import waiting

    place = workspace_to_make(workspace)
    there = {server.name for server in list_running(place)}
    say(f"starting servers for {place}" if len(there) < 2 else f"they run already for {place}")
    with waiting("waiting until they answer"):
        servers = start_servers(place)
    if as_json:
        print_json({server.name: server.url for server in servers})
        return
    for server in servers:
        print_text(
            f"{server.name:8}{server.url}{'  (ran already)' if server.name in there else ''}"
        )
    say("iovalence down ends them")


def down(workspace: Workspace = None, as_json: AsJson = False) -> None:
    """End the servers that `up` started for this workspace."""
    from flows.local_servers import stop_servers
    from tasks.live import waiting

    with waiting("ending the servers"):
        stopped = stop_servers(workspace_to_make(workspace))
    if as_json:
        print_json({"stopped": [server.name for server in stopped]})
    elif not stopped:
        print_text("no servers ran")
    for server in stopped if not as_json else ():
        print_text(f"{server.name} has ended")


def doctor(workspace: Workspace = None, as_json: AsJson = False) -> None:
    """Check this installation: versions, machine, disk, ports, servers."""
    from flows.doctor import examine, raise_for_failures
    from tasks.live import waiting

    with waiting("looking at this installation"):
        findings = examine(workspace_to_make(workspace))
    if as_json:
        print_json({"checks": [finding.model_dump() for finding in findings]})
    else:
        print_table(
            ("", "check", "found"), [(line.state, line.check, line.found) for line in findings]
        )
    raise_for_failures(findings)
