"""Own what a person reads of runs in a terminal: one in ten lines, many in one line each."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from iovalence.errors import ConfigError, RunNotFoundError, StorageError
from iovalence.evaluation.result import EvaluationResult, PartResult
from iovalence.evaluation.wording import (
    METRIC_TEXTS,
    describe_loss,
    format_interval,
    format_many,
    format_metric,
    format_seconds,
    label_baseline,
)
from iovalence.record import Record
from iovalence.runs.folder import RunFolder, list_runs
from iovalence.runs.manifest import Manifest

if TYPE_CHECKING:
    from iovalence.quality.checks import QualityReport

MAX_FOUND = 2
# Where in a summary the texts begin.
INDENT = 14
HEADLINES = ("accuracy", "roc_auc", "rmse", "r2")


class RunSummary(Record):
    """Say of one run what a list of runs shows.

    Attributes:
        run_id: Its id.
        run_name: A name people remember, or None.
        state: RUNNING, FINISHED, FAILED, KILLED, DIED when its process ended without a word, or
            DAMAGED when its files cannot be read.
        started_at: ISO 8601, UTC.
        took: Its time, for people; empty while it runs.
        seconds: Its time, None while it runs.
        experiment: Runs of one experiment are compared.
        failure: One line for each fault that ended it.
        data: Name of the file it was trained on.
        result: Its first figure, for people; or why it failed.
        metrics: Every final figure by its full name.
        run_dir: Its folder.
        sweep_id: The sweep that it is one configuration of, or None.
        is_chosen: Whether that sweep chose it.
    """

    run_id: str
    run_name: str | None
    state: str
    started_at: str
    took: str
    seconds: float | None
    experiment: str
    failure: tuple[str, ...]
    data: str
    result: str
    metrics: dict[str, float]
    run_dir: Path
    sweep_id: str | None = None
    is_chosen: bool = False


def list_summaries(workspace: Path) -> tuple[RunSummary, ...]:
    """Return a line for each run of a workspace, the newest first."""
    return tuple(_summary_or_damage(run) for run in list_runs(workspace))


def _summary_or_damage(run: RunFolder) -> RunSummary:
    """Return the run's line; one whose files are damaged does not hide the others."""
    try:
        return _summary(run)
    except (StorageError, ConfigError) as err:
        return RunSummary(
            run_id=run.run_id,
            run_name=None,
            state="DAMAGED",
            started_at="",
            took="",
            seconds=None,
            experiment="",
            failure=err.faults,
            data="",
            result=err.faults[0],
            metrics={},
            run_dir=run.root,
        )


def _summary(run: RunFolder) -> RunSummary:
    manifest = run.manifest()
    result = EvaluationResult.load(run.metrics) if run.metrics.is_file() else None
    return RunSummary(
        run_id=run.run_id,
        run_name=manifest.run_name,
        state=manifest.state(),
        started_at=manifest.started_at,
        took="" if manifest.seconds is None else format_seconds(manifest.seconds),
        seconds=manifest.seconds,
        experiment=manifest.experiment,
        failure=manifest.failure,
        data=Path(_train_file(run)).name,
        result=_headline(result.main_part) if result else "; ".join(manifest.failure),
        metrics=result.flat() if result else {},
        run_dir=run.root,
        sweep_id=manifest.sweep_id,
        is_chosen=manifest.is_chosen,
    )


def _train_file(run: RunFolder) -> str:
    from iovalence.config.load import read_resolved

    return read_resolved(run.config_resolved).data.train_file


def _headline(part: PartResult) -> str:
    name = next((name for name in HEADLINES if name in part.metrics), None)
    if name is None:
        return f"{part.part}: no figure is defined"
    return f"{part.part} {METRIC_TEXTS[name].label} {_figure(part, name)}"


def _figure(part: PartResult, name: str) -> str:
    figure = part.metrics[name]
    interval = format_interval(name, figure)
    return format_metric(name, figure.value) + (f" ({interval})" if interval else "")


def load_result(run: RunFolder) -> EvaluationResult:
    """Return what was found when a run's model was measured.

    Raises:
        RunNotFoundError: The run did not come so far.
    """
    if not run.metrics.is_file():
        raise RunNotFoundError(
            f"run {run.run_id} must have been measured, but it has no metrics (its state is "
            f"{run.manifest().state()}); `iovalence runs` shows finished ones"
        )
    return EvaluationResult.load(run.metrics)


def find_own_run(workspace: Path, since: str) -> RunFolder | None:
    """Return the run that this process began or resumed since a time, ISO 8601 UTC, or None."""
    from iovalence.runs.manifest import Process

    this = Process.this()
    for run in list_runs(workspace):
        try:
            manifest = run.manifest()
        except StorageError:
            # One that another command left damaged is not ours.
            continue
        if manifest.process == this and max(manifest.started_at, *manifest.resumed) >= since:
            return run
    return None


def outcome_of(run: RunFolder) -> dict[str, object]:
    """Return what a program wants to know of a run that has ended."""
    manifest = run.manifest()
    metrics = EvaluationResult.load(run.metrics).flat() if run.metrics.is_file() else {}
    found = {"run_id": run.run_id, "run_dir": str(run.root), "status": manifest.state()}
    return found | {"metrics": metrics, "failure": list(manifest.failure)}


def summarise(run: RunFolder) -> list[str]:
    """Return about ten lines for people: the result, and where everything is."""
    result, manifest = load_result(run), run.manifest()
    part = result.main_part
    lines = [f"{manifest.state()}  run {run.run_id}{_named(manifest)}"]
    lines += [_result_line(part, name) for name in HEADLINES if name in part.metrics]
    better = describe_loss(result.contest)
    lines += [f"  note        {better}"] if better else []
    found = [*_found_lines(run), *_verdict_lines(run)]
    return [*lines, *found, *_place_lines(run), *_next_lines(run, result)]


def _place_lines(run: RunFolder) -> Iterator[str]:
    if run.report.is_file():
        yield f"  report      {run.report}"
    yield f"  model       {run.model}"
    yield from _mlflow_lines(run)


def _next_lines(run: RunFolder, result: EvaluationResult) -> Iterator[str]:
    """Yield what to type next, from where the user stands."""
    where = _where(run)
    if run.report.is_file():
        yield f"  next        iovalence report {run.run_id}{where}"
    if result.unmet:
        yield "              what was required was not reached: change the configuration and train"
    else:
        yield f"              iovalence predict {run.run_id} DATA -o predictions.csv{where}"


def _named(manifest: Manifest) -> str:
    took = "" if manifest.seconds is None else f", {format_seconds(manifest.seconds)}"
    return (f" ({manifest.run_name})" if manifest.run_name else "") + took


def _result_line(part: PartResult, name: str) -> str:
    baselines = [
        f"{label_baseline(baseline)} {format_metric(name, metrics[name])}"
        for baseline, metrics in part.baselines.items()
        if name in metrics
    ]
    beside = f"; {', '.join(baselines)}" if baselines else ""
    return f"  {part.part:12}{METRIC_TEXTS[name].label} {_figure(part, name)}{beside}"


def _found_lines(run: RunFolder) -> list[str]:
    """Return what the checks found: how much, where it is told, and the gravest of it."""
    from iovalence.quality.checks import QualityReport
    from iovalence.quality.findings import by_gravity

    try:
        report = QualityReport.load(run.quality)
    except StorageError:
        return []
    grave = [one for one in by_gravity(report.findings) if one.severity != "info"]
    page = run.quality_page if run.quality_page.is_file() else run.quality
    lines = [f"  data        {_count_findings(report, len(grave))} ({page})"]
    return lines + [f"              {one.check}: {one.short_message}" for one in grave[:MAX_FOUND]]


def _count_findings(report: "QualityReport", num_grave: int) -> str:
    left = sum(counts.num_rows - counts.kept for counts in report.counts)
    return f"{format_many(num_grave, 'warning')}, {format_many(left, 'row')} left out"


def _verdict_lines(run: RunFolder) -> list[str]:
    """Return a line for each verdict, the first with its name beside it."""
    from iovalence.diagnosis.verdict import Diagnosis

    try:
        diagnosis = Diagnosis.load(run.diagnosis)
    except StorageError:
        # A run of an earlier version has none.
        return []
    lines = [verdict.line for verdict in diagnosis.verdicts] or ["healthy"]
    return [f"  {'diagnosis' if at == 0 else '':12}{line}" for at, line in enumerate(lines)]


def _mlflow_lines(run: RunFolder) -> list[str]:
    from flows.local_servers import find_running

    workspace = run.root.parents[1]
    mlflow = find_running(workspace, "mlflow")
    if mlflow is not None:
        return [f"  MLflow      {mlflow.url}"]
    return [f"  MLflow      iovalence up{_where(run)}, then open its page"]


def _where(run: RunFolder) -> str:
    """Return the option that a command needs to find a run from the current folder."""
    from flows.commands.places import find_workspace

    workspace = run.root.parents[1]
    try:
        is_found = find_workspace(None).samefile(workspace)
    except ConfigError:
        is_found = False
    return "" if is_found else f" --workspace {shlex.quote(str(workspace))}"
