"""Own showing a sweep in MLflow: its runs, and a parent that carries the space and the best one."""

import queue
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from iovalence import __version__
from iovalence.config.space import name_values
from iovalence.errors import IOValenceError
from iovalence.evaluation.result import EvaluationResult
from iovalence.evaluation.wording import format_many
from iovalence.runs.folder import RunFolder, runs_folder
from iovalence.runs.manifest import hash_file, to_ms
from iovalence.runs.sweep import Configuration, SweepFolder, SweepRecord, list_sweeps
from iovalence.tracking.limits import (
    MAX_METRICS,
    MAX_PARAMETER,
    MAX_PARAMETERS,
    MAX_TAGS,
    NOTE_TAG,
    chunks,
    fit_names,
    list_names,
    shorten,
    shorten_tags,
)
from iovalence.tracking.parents import KIND_TAG, SWEEP_ID_TAG, parent_run_id
from iovalence.tracking.publish import publish_to
from iovalence.tracking.record import Target, TrackingRecord, load_record
from iovalence.tracking.store import UnreachableError, open_store, telling
from iovalence.tracking.sync import Synced, base_target, target_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

NUM_SHOWN = 20
BEST = "best"


def sweep_target(sweep: SweepFolder) -> Target:
    """Return where a sweep is shown, by the configuration that nothing was varied in.

    Raises:
        StorageError: That configuration cannot be read.
    """
    return base_target(sweep, sweep.record().experiment)


def publish_sweep(sweep: SweepFolder, target: Target) -> TrackingRecord:
    """Send to MLflow what it does not have yet of a sweep itself; its runs send themselves.

    Every step may be done again: what MLflow has is left alone.

    Raises:
        TrackingError: MLflow could not take all of it; publishing again sends the rest.
        StorageError: A file of the sweep cannot be read.
    """
    with telling(target.uri):
        client = open_store(target.uri, sweep.workspace)
        mlflow_run_id = parent_run_id(client, sweep, target)
        sent = load_record(sweep, target)
        if not is_sent(sweep, sent):
            _send(client, sweep, sent, mlflow_run_id)
    return TrackingRecord.load(sweep.tracking)


def is_sent(sweep: SweepFolder, sent: TrackingRecord) -> bool:
    """Say whether MLflow was sent all of a sweep as it stands."""
    return sent.end is not None and sent.end == hash_file(sweep.record_path)


def _send(
    client: "MlflowClient", sweep: SweepFolder, sent: TrackingRecord, mlflow_run_id: str
) -> None:
    record = sweep.record()
    _describe(client, record, sent, mlflow_run_id)
    for path in (sweep.record_path, sweep.config, sweep.config_resolved):
        client.log_artifact(mlflow_run_id, str(path))
    if record.ended_at is None:
        client.update_run(mlflow_run_id, status="RUNNING")
        return
    ended_ms = sent.figures_ms or to_ms(record.ended_at)
    sent = sent.model_copy(update={"figures_ms": ended_ms})
    sent.save(sweep.tracking)
    _send_figures(client, sweep, record, mlflow_run_id, ended_ms)
    client.set_terminated(mlflow_run_id, record.status, to_ms(record.ended_at))
    sent.model_copy(update={"end": hash_file(sweep.record_path)}).save(sweep.tracking)


def _describe(
    client: "MlflowClient", record: SweepRecord, sent: TrackingRecord, mlflow_run_id: str
) -> None:
    from mlflow.entities import Param, RunTag

    known = client.get_run(mlflow_run_id).data.params
    given = dict(record.space) | {
        "sweep.method": record.method,
        "sweep.num": str(len(record.configurations)),
    }
    parameters = shorten(given, MAX_PARAMETER, "parameters")
    params = [Param(*pair) for pair in parameters.short.items() if pair[0] not in known]
    for some in chunks(params, MAX_PARAMETERS):
        client.log_batch(mlflow_run_id, params=some)
    own = sent.target.tags
    names = fit_names(own)
    renamed = list_names(names)
    tags = {names[key]: value for key, value in own.items()} | describe_sweep(record)
    texts = shorten_tags(tags, (*parameters.long, *renamed))
    for some_tags in chunks([RunTag(*pair) for pair in texts.short.items()], MAX_TAGS):
        client.log_batch(mlflow_run_id, tags=some_tags)
    for name, text in (parameters.long | texts.long | renamed).items():
        client.log_text(mlflow_run_id, text, name)


def describe_sweep(record: SweepRecord) -> dict[str, str]:
    """Return the tags of a sweep: its note, how it was chosen, and which one."""
    best = record.configuration(record.best) if record.best else None
    tags = {
        KIND_TAG: "sweep",
        SWEEP_ID_TAG: record.sweep_id,
        "iovalence.sweep_by": record.by,
        "iovalence.best_run_id": best.run_id if best else None,
        "iovalence.best_values": name_values(best.values) if best else None,
        "iovalence.flow_run_id": record.flow_run_id,
        "iovalence.version": __version__,
        "mlflow.source.name": "iovalence sweep",
        "mlflow.source.type": "LOCAL",
        NOTE_TAG: write_note(record),
    }
    return {key: value for key, value in tags.items() if value is not None}


def write_note(record: SweepRecord) -> str:
    """Return what a person reads first, as Markdown: how it went, and the best configurations."""
    ranked = [record.configuration(number) for number in record.ranking]
    states = [one.state for one in record.configurations]
    counts = {state: states.count(state) for state in dict.fromkeys(states)}
    went = ", ".join(f"{count} {state}" for state, count in counts.items())
    lines = [f"| | configuration | {record.by} | run |", "|---|---|---|---|"]
    lines += [_row(place, one, record.by) for place, one in enumerate(ranked[:NUM_SHOWN], 1)]
    parts = [
        f"Sweep `{record.sweep_id}`: {format_many(len(states), 'configuration')} ({went}), "
        f"chosen by {record.by} of the validation part; the test part was measured for the "
        "best one alone",
        *(f"**Failed**: {line}" for line in record.failure),
        "\n".join(lines) if ranked else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _row(place: int, one: Configuration, by: str) -> str:
    figure = f"{one.metrics[by]:.4g}" if by in one.metrics else one.state
    # A list of layers has no `|` in it, but a text may.
    values = name_values(one.values).replace("|", r"\|")
    return f"| {place} | {values} | {figure} | `{one.run_id or ''}` |"


def _send_figures(
    client: "MlflowClient",
    sweep: SweepFolder,
    record: SweepRecord,
    mlflow_run_id: str,
    time_ms: int,
) -> None:
    """Send the figures of the best one, under their own names, so that sweeps compare."""
    from mlflow.entities import Metric

    if record.best is None:
        return
    run_id = record.configuration(record.best).run_id
    path = RunFolder(runs_folder(sweep.workspace) / str(run_id)).metrics
    flat = EvaluationResult.load(path).flat()
    metrics = [Metric(key, value, time_ms, 0) for key, value in flat.items()]
    for some in chunks(metrics, MAX_METRICS):
        client.log_batch(mlflow_run_id, metrics=some)


class SweepPublisher:
    """Publish the runs of a sweep as they end, beside the training of the others.

    One process does it, which has nothing else to do: MLflow is imported once, and a SQLite
    store has one writer. A failure is kept, and never reaches the sweep; a server that does not
    answer is not asked again.

    Args:
        sweep: The sweep.
        target: Where it is shown.
    """

    def __init__(self, sweep: SweepFolder, target: Target) -> None:
        self._sweep = sweep
        self._target = target
        self._run_ids: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        # A daemon: a server that never answers does not keep the process from ending.
        self._thread = threading.Thread(target=self._publish, name="sweep-publisher", daemon=True)
        self.failure: str | None = None

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    def put(self, run_id: str) -> None:
        """Publish a run that has ended."""
        self._run_ids.put(run_id)

    def stop(self) -> str | None:
        """Wait until all was published, and return the first failure, if any."""
        self._run_ids.put(None)
        self._thread.join()
        return self.failure

    def _publish(self) -> None:
        try:
            publish_sweep(self._sweep, self._target)
            while (run_id := self._run_ids.get()) is not None:
                run = RunFolder(runs_folder(self._sweep.workspace) / run_id)
                self._publish_run(run)
        except IOValenceError as err:
            self.failure = self.failure or err.faults[0]

    def _publish_run(self, run: RunFolder) -> None:
        try:
            publish_to(run, target_of(run), final=True)
        except UnreachableError:
            raise
        except IOValenceError as err:
            self.failure = self.failure or err.faults[0]


def publish_all(sweep: SweepFolder) -> Target:
    """Send to MLflow what it does not have yet of a sweep that has ended, and of its runs.

    Raises:
        TrackingError: MLflow could not take all of it; `iovalence sync` sends the rest.
        StorageError: A file cannot be read.
    """
    target = sweep_target(sweep)
    for one in sweep.record().configurations:
        if one.run_id is not None:
            run = RunFolder(runs_folder(sweep.workspace) / one.run_id)
            publish_to(run, target_of(run), final=True)
    publish_sweep(sweep, target)
    return target


def sync_sweeps(workspace: Path, synced: Synced) -> None:
    """Send every sweep of a workspace that MLflow does not have whole, and add to what was said.

    Its runs are sent as any others, and a server that did not take those is not asked again.
    """
    for sweep in reversed(list_sweeps(workspace)):
        try:
            state = sweep.record().state()
            sent = load_record(sweep, sweep_target(sweep))
            if state == "RUNNING" or is_sent(sweep, sent) or synced.failures:
                continue
            if state == "DIED":
                sweep.close("KILLED", ("interrupted",))
            publish_sweep(sweep, sent.target)
            synced.sent.append(sweep.sweep_id)
        except IOValenceError as err:
            synced.failures[sweep.sweep_id] = err.faults[0]
