"""Own showing a run in MLflow: what is in its folder is sent, once, and told as it is.

The run's folder is the truth. Every step may be done again: what MLflow already has is left
alone, so that a run that was cut off anywhere is made whole by publishing it again.
"""

import math
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from iovalence.errors import TrackingError
from iovalence.evaluation.result import EvaluationResult
from iovalence.runs.folder import RunFolder
from iovalence.runs.journal import metric_points, read_journal
from iovalence.runs.manifest import Manifest, Status, to_ms
from iovalence.runs.store import hash_of
from iovalence.runs.sweep import SweepFolder, sweeps_folder
from iovalence.tracking.artifacts import Artifact, outgoing
from iovalence.tracking.datasets import dataset_inputs
from iovalence.tracking.description import RUN_ID_TAG, describe_parameters, describe_run
from iovalence.tracking.findings import count_findings
from iovalence.tracking.limits import (
    MAX_METRICS,
    MAX_PARAMETERS,
    MAX_TAGS,
    chunks,
    fit_names,
    fit_run_name,
)
from iovalence.tracking.model import FOLDER, publish_model, register_model
from iovalence.tracking.parents import PARENT_TAG, parent_run_id
from iovalence.tracking.record import Rows, Target, TrackingRecord, alone, load_record
from iovalence.tracking.store import database_file, find_experiment, open_store, shown, telling

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


@dataclass(frozen=True)
class Published:
    """Say where a run is shown.

    Attributes:
        uri: MLflow's tracking URI, without a password.
        experiment_id: MLflow's id of the experiment.
        mlflow_run_id: MLflow's id of the run.
        model_uri: What `mlflow.pyfunc.load_model` takes; None before the model is there.
        model_version: Version in the registry, or None.
    """

    uri: str
    experiment_id: str
    mlflow_run_id: str
    model_uri: str | None
    model_version: str | None

    @property
    def page(self) -> str | None:
        """Return the address of the run's page, or None where no server shows it."""
        if not self.uri.startswith("http"):
            return None
        base = self.uri.rstrip("/")
        return f"{base}/#/experiments/{self.experiment_id}/runs/{self.mlflow_run_id}"


@dataclass(frozen=True)
class Ending:
    """Say how and when a run ended, in milliseconds since 1970."""

    status: Status
    time_ms: int


def publish(
    run: Path,
    *,
    uri: str,
    experiment: str,
    rows: Rows = "numbers",
    tags: Mapping[str, str] | None = None,
    register_as: str | None = None,
    final: bool,
    limit_s: float | None = None,
) -> Published:
    """Send to MLflow what it does not have yet of a run.

    Args:
        run: The run's folder.
        uri: MLflow's tracking URI.
        experiment: Name of MLflow's experiment, made when it is not there.
        rows: How much of single rows may leave for the server.
        tags: The user's own.
        register_as: Name in the model registry, or None.
        final: Send the result and the end too; the run has been closed.
        limit_s: Seconds after which the rest is left for another time; None to send all.

    Raises:
        TrackingError: MLflow could not take all of it; publishing again sends the rest.
        StorageError: A file of the run cannot be read.
        ValueError: `final` for a run that has not ended.
    """
    target = Target(
        uri=uri, experiment=experiment, rows=rows, tags=dict(tags or {}), register_as=register_as
    )
    return publish_to(RunFolder(run), target, final=final, limit_s=limit_s)


def publish_to(
    run: RunFolder, target: Target, *, final: bool, limit_s: float | None = None
) -> Published:
    """Send to MLflow what it does not have yet of a run; see `publish`."""
    with alone(run):
        record = load_record(run, target)
        # First of all, so that `iovalence sync` knows what was asked for.
        record.save(run.tracking)
        if not (final and is_whole(run, record)):
            with telling(target.uri):
                _Publication(run, record, limit_s).send(final=final)
        return _published(TrackingRecord.load(run.tracking))


def _published(record: TrackingRecord) -> Published:
    return Published(
        uri=shown(record.target.uri),
        experiment_id=record.experiment_id or "",
        mlflow_run_id=record.mlflow_run_id or "",
        model_uri=f"runs:/{record.mlflow_run_id}/{FOLDER}" if record.model else None,
        model_version=record.model_version,
    )


def ending_of(run: RunFolder, manifest: Manifest) -> Ending | None:
    """Return how the run ended, or None while it runs; a run whose process died was killed."""
    state = manifest.state()
    if state == "RUNNING":
        return None
    if manifest.ended_at is not None:
        return Ending(manifest.status, to_ms(manifest.ended_at))
    times = [line["time_ms"] for line in read_journal(run.journal)[0] if "time_ms" in line]
    return Ending("KILLED", max([to_ms(manifest.started_at), *times]))


def is_whole(run: RunFolder, record: TrackingRecord) -> bool:
    """Say whether MLflow was sent all of a run that has ended."""
    ending = ending_of(run, run.manifest())
    database = database_file(record.target.uri)
    gone = database is not None and not database.is_file()
    asked = record.target.register_as is not None and (run.model / "model.json").is_file()
    unregistered = asked and record.model_version is None
    return ending is not None and record.end == _end_text(ending) and not (gone or unregistered)


def _end_text(ending: Ending) -> str:
    return f"{ending.status} {ending.time_ms}"


class _Publication:
    """Send one run; note each step in its folder as soon as it is done."""

    def __init__(self, run: RunFolder, record: TrackingRecord, limit_s: float | None) -> None:
        self._run = run
        self._limit_s = math.inf if limit_s is None else limit_s
        self._started = time.monotonic()
        self._record = record
        self._manifest = run.manifest()
        self._client: MlflowClient = open_store(record.target.uri, run.root.parents[1])

    def send(self, *, final: bool) -> None:
        found = self._find() or self._create()
        self._describe(found)
        self._send_curves()
        if final:
            ending = ending_of(self._run, self._manifest)
            if ending is None:
                raise ValueError(f"the run must have ended, got one that runs ({self._run.root})")
            self._send_result(ending)
            self._client.set_terminated(self._id, ending.status, ending.time_ms)
            self._note(end=_end_text(ending))
            self._register()
        elif found.info.status != "RUNNING":
            self._client.update_run(self._id, status="RUNNING")

    @property
    def _id(self) -> str:
        return str(self._record.mlflow_run_id)

    def _note(self, **changes: object) -> None:
        self._record = self._record.model_copy(update=changes)
        self._record.save(self._run.tracking)

    def _find(self) -> "Run | None":
        """Return the run as MLflow has it, by its id or else by its tag."""
        from mlflow.exceptions import MlflowException

        if self._record.mlflow_run_id is None:
            return None
        try:
            found = self._client.get_run(self._id)
        except MlflowException as err:
            if err.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            # The store was made anew: everything is sent once more.
            self._note(**TrackingRecord(target=self._record.target).model_dump(exclude={"target"}))
            return None
        if found.info.lifecycle_stage != "active":
            raise TrackingError(
                f"the run must not be deleted in MLflow, got the deleted run {self._id}; restore "
                f"it there, or remove {self._run.tracking} to send it as a new one"
            )
        return found

    def _create(self) -> "Run":
        target, run_id = self._record.target, self._run.run_id
        workspace = self._run.root.parents[1]
        experiment_id = find_experiment(self._client, target.experiment, target.uri, workspace)
        known = self._client.search_runs([experiment_id], f"tags.`{RUN_ID_TAG}` = '{run_id}'")
        found = (
            known[0]
            if known
            else self._client.create_run(
                experiment_id,
                start_time=to_ms(self._manifest.started_at),
                tags={RUN_ID_TAG: run_id},
                run_name=fit_run_name(self._manifest.run_name or run_id),
            )
        )
        self._note(experiment_id=experiment_id, mlflow_run_id=found.info.run_id)
        return found

    def _describe(self, found: "Run") -> None:
        """Send parameters and tags; a parameter that a resumed run changed becomes a tag."""
        from mlflow.entities import Param, RunTag

        parameters = describe_parameters(self._run)
        texts = describe_run(self._run, self._manifest, self._record.target, tuple(parameters.long))
        parents = self._parents()
        described = hash_of({"parameters": parameters.short, "tags": texts.short | parents})
        if described == self._record.described:
            return
        known = found.data.params
        changed = {
            f"iovalence.changed.{key}": value
            for key, value in parameters.short.items()
            if known.get(key, value) != value
        }
        names = fit_names(changed)
        changed = {names[key]: value for key, value in changed.items()}
        new = [Param(key, value) for key, value in parameters.short.items() if key not in known]
        tags = [RunTag(key, value) for key, value in (texts.short | changed | parents).items()]
        for params in chunks(new, MAX_PARAMETERS):
            self._client.log_batch(self._id, params=params)
        for some in chunks(tags, MAX_TAGS):
            self._client.log_batch(self._id, tags=some)
        for name, text in (parameters.long | texts.long).items():
            self._client.log_text(self._id, text, name)
        self._note(described=described)

    def _parents(self) -> dict[str, str]:
        """Return the tag that shows the run under its sweep, which is made when it is not there."""
        if self._manifest.advised_for is not None:
            return self._advised_parent(self._manifest.advised_for)
        sweep_id = self._manifest.sweep_id
        if sweep_id is None:
            return {}
        sweep = SweepFolder(sweeps_folder(self._run.root.parents[1]) / sweep_id)
        if not sweep.record_path.is_file():
            return {}
        return {PARENT_TAG: parent_run_id(self._client, sweep, self._record.target)}

    def _advised_parent(self, run_id: str) -> dict[str, str]:
        """Return the tag that shows the run under the one whose advice it tries, if that is there.

        Of another store or experiment MLflow would not show it.
        """
        parent = RunFolder(self._run.root.parent / run_id)
        if not parent.tracking.is_file():
            return {}
        known = TrackingRecord.load(parent.tracking)
        is_beside = known.experiment_id == self._record.experiment_id
        is_beside &= known.target.uri == self._record.target.uri
        found = known.mlflow_run_id
        return {PARENT_TAG: found} if found is not None and is_beside else {}

    def _send_curves(self) -> None:
        """Send what the journal and the machine's load have more, at their own times."""
        num_lines = self._send_lines(self._run.journal, self._record.num_lines)
        num_samples = self._send_lines(self._run.system, self._record.num_samples)
        if (num_lines, num_samples) != (self._record.num_lines, self._record.num_samples):
            self._note(num_lines=num_lines, num_samples=num_samples)

    def _send_lines(self, path: Path, num_sent: int) -> int:
        """Send the points of a file after those of its first lines; return how many it has."""
        from mlflow.entities import Metric

        lines, _ = read_journal(path)
        sent = {(p.key, p.step) for p in metric_points(lines[:num_sent])}
        new = [
            Metric(p.key, p.value, p.time_ms, p.epoch)
            for p in metric_points(lines)
            if (p.key, p.step) not in sent
        ]
        for metrics in chunks(new, MAX_METRICS):
            self._client.log_batch(self._id, metrics=metrics)
        return len(lines)

    def _send_result(self, ending: Ending) -> None:
        inputs = dataset_inputs(self._run)
        if inputs:
            self._client.log_inputs(self._id, inputs)
        self._send_files()
        self._send_data_figures()
        if (self._run.model / "model.json").is_file():
            self._send_model()
        self._send_figures(ending)

    def _send_data_figures(self) -> None:
        """Send what the checks counted, at the run's begin: sent again, they leave one point."""
        from mlflow.entities import Metric

        time_ms = to_ms(self._manifest.started_at)
        figures = count_findings(self._run)
        metrics = [Metric(key, value, time_ms, 0) for key, value in figures.items()]
        if metrics:
            self._client.log_batch(self._id, metrics=metrics)

    def _send_figures(self, ending: Ending) -> None:
        from mlflow.entities import Metric

        if not self._run.metrics.is_file():
            return
        points = metric_points(read_journal(self._run.journal)[0])
        curves = {point.key for point in points}
        # Not the run's end: of a run that is resumed after its last epoch that is another one.
        time_ms = max((point.time_ms for point in points), default=ending.time_ms)
        result = EvaluationResult.load(self._run.metrics)
        figures = result.flat()
        time_ms = self._time_figures(ending)
        # At step 0, MLflow draws them as bars beside the curves.
        metrics = [
            Metric(final_name(key, curves), value, time_ms, 0, model_id=self._record.model_id)
            for key, value in figures.items()
        ]
        metrics += [
            Metric(key, value, time_ms, 0) for key, value in result.flat_baselines().items()
        ]
        for some in chunks(metrics, MAX_METRICS):
            self._client.log_batch(self._id, metrics=some)

    def _time_figures(self, ending: Ending) -> int:
        """Return the time of the final figures: that of the first time that they were sent."""
        weights = self._record.files.get("model/weights.safetensors", "")
        if self._record.figures_of != weights or self._record.figures_ms is None:
            self._note(figures_of=weights, figures_ms=ending.time_ms)
        return int(self._record.figures_ms or ending.time_ms)

    def _send_files(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            artifacts = outgoing(self._run, self._record.target.rows, Path(scratch))
            files = dict(self._record.files)
            try:
                for artifact in artifacts:
                    if files.get(artifact.name) != artifact.sha256:
                        self._check_time()
                        self._send_file(artifact)
                        files[artifact.name] = artifact.sha256
            finally:
                self._note(files=files)

    def _check_time(self) -> None:
        """Stop where a slow server would hold up the end of a training."""
        elapsed_s = time.monotonic() - self._started
        if elapsed_s > self._limit_s:
            raise TrackingError(
                f"MLflow must take the run within {self._limit_s:g} s, got {elapsed_s:.0f} s for "
                f"a part of it ({shown(self._record.target.uri)}); `iovalence sync` sends the rest"
            )

    def _send_file(self, artifact: Artifact) -> None:
        self._client.log_artifact(self._id, str(artifact.path), artifact.folder)
        if artifact.path.parent == self._run.pictures and artifact.path.suffix == ".png":
            # MLflow's comparison of runs shows side by side what stands at the top, that alone.
            self._client.log_artifact(self._id, str(artifact.path))

    def _send_model(self) -> None:
        weights = self._record.files.get("model/weights.safetensors", "")
        if self._record.model != weights:
            experiment, experiment_id = self._record.target.experiment, self._record.experiment_id
            model_id = publish_model(
                self._client, self._run, str(experiment_id), self._id, experiment
            )
            self._note(model=weights, model_id=model_id, model_version=None)

    def _register(self) -> None:
        """Register the model; last, since a name that is refused keeps nothing else back."""
        name = self._record.target.register_as
        model_id = self._record.model_id
        if name is not None and model_id is not None and self._record.model_version is None:
            self._note(model_version=register_model(self._client, name, model_id, self._id))


def final_name(key: str, curves: set[str]) -> str:
    """Return the name of a final figure; one that is a curve too gets a name of its own.

    The validation figures of the finished model would else be one more point of the curve.
    """
    if key not in curves:
        return key
    part, _, name = key.partition("_")
    return f"{part}_final_{name}"
