"""Own the command that says what went wrong in a run, and tries the change: `advise`."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.console import AsJson, RunName, Workspace, print_json, print_text, say
from flows.commands.places import find_workspace
from iovalence.errors import ConfigError

if TYPE_CHECKING:
    from iovalence.advice.outcome import Outcomes
    from iovalence.diagnosis.verdict import Diagnosis
    from iovalence.runs.folder import RunFolder


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command(epilog="Example: iovalence advise latest --apply")(advise)


def advise(
    run: RunName,
    apply: Annotated[
        bool,
        typer.Option(
            "--apply", help="Train the change on the same split, and say whether it helped."
        ),
    ] = False,
    rounds: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="With --apply: go on from the better one, N times."),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="With --apply: pairs of trainings; 3."),
    ] = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Say what went wrong in a run, why, and the change to try.

    With --apply the change is trained beside the run, with the same seeds on both sides, and
    judged on the validation part. The test part stays closed.
    """
    from iovalence.runs.folder import find_run

    if not apply and (rounds is not None or seeds is not None):
        given = "--rounds" if rounds is not None else "--seeds"
        raise ConfigError(f"{given} must stand beside --apply, got it alone; add --apply")
    found = find_run(find_workspace(workspace), run)
    diagnosis = _load(found)
    outcomes = _apply(found, rounds or 1, seeds) if apply else None
    if as_json:
        print_json(
            {"run_id": found.run_id}
            | diagnosis.model_dump(mode="json")
            | {"tried": outcomes.model_dump(mode="json") if outcomes else None}
        )
        return
    _show(found, diagnosis, outcomes)


def _load(run: "RunFolder") -> "Diagnosis":
    from iovalence.errors import RunNotFoundError
    from iovalence.stages.diagnosed import load_diagnosis

    diagnosis = load_diagnosis(run)
    if diagnosis is None:
        raise RunNotFoundError(
            f"run {run.run_id} must have a diagnosis, but it has none (its state is "
            f"{run.manifest().state()}); a run that comes to its end has one"
        )
    return diagnosis


def _apply(run: "RunFolder", num_rounds: int, num_seeds: int | None) -> "Outcomes":
    from iovalence.advice.trained import check_advisable, open_bench
    from iovalence.advice.tried import NUM_SEEDS, try_advice
    from tasks.progress import show_epochs

    check_advisable(run)
    bench = open_bench(run, say, show_epochs)
    outcomes, made = try_advice(bench, num_rounds=num_rounds, num_seeds=num_seeds or NUM_SEEDS)
    for one in made:
        _publish(one)
    return outcomes


def _publish(run: "RunFolder") -> None:
    """Show a run in MLflow; a server that is away is no fault of the advice."""
    from iovalence.errors import StorageError, TrackingError
    from iovalence.tracking.publish import publish_to
    from iovalence.tracking.sync import target_of

    try:
        publish_to(run, target_of(run), final=True)
    except (TrackingError, StorageError) as err:
        say(f"warning: {err.faults[0]}")


def _show(run: "RunFolder", diagnosis: "Diagnosis", outcomes: "Outcomes | None") -> None:
    from iovalence.diagnosis.wording import write_lines

    print_text(f"run {run.run_id}")
    print_text("\n".join(write_lines(diagnosis)))
    if outcomes is None:
        if any(verdict.first_change for verdict in diagnosis.verdicts):
            print_text(f"\nTry it: iovalence advise {run.run_id} --apply")
        return
    print_text("\nTried:")
    for outcome in outcomes.rounds:
        print_text(f"  {outcome.line}")
    for note in outcomes.notes:
        print_text(f"  {note}")
    if outcomes.settings:
        given = " ".join(f"--set '{override}'" for override in _overrides(dict(outcomes.settings)))
        print_text(
            f"Train it whole, with the test part: iovalence train "
            f"{run.manifest().config_path} {given}"
        )


def _overrides(settings: dict[str, object]) -> tuple[str, ...]:
    from iovalence.diagnosis.verdict import Advice

    return Advice(text="", change=settings).overrides
