"""Own what a person reads of a sweep in a terminal, and what a program does."""

from pathlib import Path

from flows.summary import outcome_of, summarise
from iovalence.config.space import name_values
from iovalence.evaluation.wording import format_seconds
from iovalence.runs.folder import RunFolder, runs_folder
from iovalence.runs.manifest import Process
from iovalence.runs.sweep import Configuration, SweepFolder, SweepRecord, list_sweeps


def find_own_sweep(workspace: Path, since: str) -> SweepFolder | None:
    """Return the sweep that this process ended since a time, ISO 8601 in UTC, or None."""
    this = Process.this()
    for sweep in list_sweeps(workspace):
        record = sweep.record()
        if record.process == this and (record.ended_at or "") >= since:
            return sweep
    return None


def sweep_rows(record: SweepRecord) -> list[tuple[str, ...]]:
    """Return a line for each configuration, the best first, those without an end last."""
    ranked = [record.configuration(number) for number in record.ranking]
    rest = [one for one in record.configurations if one.number not in record.ranking]
    return [_row(place, one, record.by) for place, one in enumerate([*ranked, *rest], 1)]


def _row(place: int, one: Configuration, by: str) -> tuple[str, ...]:
    return (
        str(place) if one.state == "FINISHED" else "",
        name_values(one.values),
        f"{one.metrics[by]:.4f}" if by in one.metrics else one.state,
        "" if one.num_epochs is None else str(one.num_epochs),
        "" if one.seconds is None else format_seconds(one.seconds),
        one.run_id or "",
    )


def summarise_sweep(folder: SweepFolder) -> list[str]:
    """Return some lines for people: how the sweep went, and its best run."""
    record = folder.record()
    took = "" if record.seconds is None else f", {format_seconds(record.seconds)}"
    lines = [f"{record.status}  sweep {record.sweep_id}{took} ({folder.record_path})"]
    failed = [one for one in record.configurations if one.state == "FAILED"]
    lines += [f"  failed      {name_values(one.values)}: {one.failure[0]}" for one in failed[:5]]
    if len(failed) > 5:
        lines.append(f"  failed      {len(failed) - 5} more")
    if record.status == "KILLED":
        lines.append("  go on       give the same command with --resume")
    best = best_run(folder)
    if best is not None and best.report.is_file():
        lines += [f"best: {name_values(record.configuration(record.best or 1).values)}"]
        lines += summarise(best)
    return lines


def best_run(folder: SweepFolder) -> RunFolder | None:
    """Return the run that the sweep chose, or None before it did."""
    record = folder.record()
    run_id = record.configuration(record.best).run_id if record.best else None
    return RunFolder(runs_folder(folder.workspace) / run_id) if run_id else None


def outcome_of_sweep(folder: SweepFolder) -> dict[str, object]:
    """Return what a program wants to know of a sweep that has ended."""
    record, best = folder.record(), best_run(folder)
    found = {
        "sweep_id": record.sweep_id,
        "sweep_dir": str(folder.root),
        "status": record.status,
        "failure": list(record.failure),
        "by": record.by,
        "workers": record.workers.model_dump(),
        "ranking": list(record.ranking),
        "configurations": [one.model_dump(mode="json") for one in record.configurations],
    }
    return found | {"best": outcome_of(best) if best is not None else None}
