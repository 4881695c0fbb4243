"""Own how a sweep begins or goes on: its data is made ready once, and its record written."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iovalence.config.load import LoadedConfig, config_hash, resolved_yaml
from iovalence.config.space import Candidate, Space
from iovalence.data.prepared import load_prepared
from iovalence.data.schema import TableSchema
from iovalence.errors import ConfigError, ExitStatus, StorageError
from iovalence.runs.manifest import Process, hash_file, now
from iovalence.runs.store import StageOutput, hash_of
from iovalence.runs.sweep import (
    Configuration,
    SweepFolder,
    SweepRecord,
    Workers,
    create_sweep,
    list_sweeps,
)
from iovalence.stages.opened import validate_evaluation
from iovalence.stages.rows import RowStages, make_ready
from iovalence.stages.stored import asked_parts, ingest_stage
from iovalence.sweeps.messages import Job
from iovalence.sweeps.ranking import rank, validate_by
from iovalence.sweeps.rungs import Rung, plan_rungs, taking_part
from iovalence.sweeps.settled import settle_all
from iovalence.sweeps.workers import plan_workers
from iovalence.training.fit import TRAIN, weigh_classes

CERTAIN_TO_FAIL = (ExitStatus.INPUT, ExitStatus.GATE, ExitStatus.TRAINING)
"""What would fail again in the same way."""


@dataclass(frozen=True)
class ReadySweep:
    """Hold a sweep whose data is ready.

    Attributes:
        space: Its configurations.
        stages: For each configuration, by its number, what was done before training.
        rungs: How long which of them are trained.
        method: How the configurations come from the space, as `grid`.
        by: Figure of the validation part that decides.
    """

    space: Space
    stages: dict[int, RowStages]
    rungs: tuple[Rung, ...]
    method: str
    by: str

    @property
    def key(self) -> str:
        """Return the SHA-256 of all that decides the sweep but the figure to choose by."""
        candidates = self.space.candidates
        return hash_of(
            {
                "base": config_hash(self.space.base.config),
                "configurations": [one.config_hash for one in candidates],
                "data": [self.stages[one.number].prepared.key for one in candidates],
                "method": self.method,
                "rungs": [[rung.number, rung.epochs, self.by] for rung in self.rungs[:-1]],
            }
        )

    def warnings(self) -> list[str]:
        """Return a line for each reason why figures do not compare as they stand."""
        varied = {variation.key for variation in self.space.variations}
        lines = []
        splits = {stages.parted.folder for stages in self.stages.values()}
        if len({hash_file(folder / "part.npy") for folder in splits}) > 1:
            lines.append(
                "the split differs between configurations, so that their validation figures are of "
                "different rows: small differences mean nothing"
            )
        if "training.class_weights" in varied and self.by == "val_loss":
            lines.append(
                "training.class_weights weighs val_loss in each configuration in its own way; "
                "--by val_balanced_accuracy compares them"
            )
        return lines


def ready_sweep(space: Space, *, method: str, by: str, halving: bool = False) -> ReadySweep:
    """Do all that comes before training, once, and refuse what could only fail later.

    Raises:
        ConfigError: There is no validation part, `by` is no figure of it, or a configuration
            names what the data does not have.
        DataError: The data cannot be trained on.
        GateError: A check whose action is `fail` found something.
    """
    base, rungs = space.base, plan_rungs(space, halving=halving)
    if "validation" not in asked_parts(base):
        raise ConfigError(
            "a sweep must have a validation part to choose by, got data.validation_split: 0 "
            f"({base.path}); the test part is for the chosen one alone"
        )
    ingested = ingest_stage(base)
    schema = TableSchema.load(ingested.folder / "schema.json")
    validate_by(by, schema.task)
    validate_evaluation(base, schema)
    again = ingested.model_copy(update={"seconds": 0.0, "reused": True})
    stages = {
        one.number: _do_stages(one.loaded, again if one.number > 1 else ingested)
        for one in space.candidates
    }
    return ReadySweep(space, stages, rungs, method, by)


def _do_stages(loaded: LoadedConfig, ingested: StageOutput) -> RowStages:
    stages = make_ready(loaded, ingested)
    class_weights = loaded.config.training.class_weights
    if isinstance(class_weights, dict):
        rows = load_prepared(stages.prepared.folder)
        weigh_classes(class_weights, rows, np.flatnonzero(rows.part == TRAIN))
    return stages


def find_earlier(ready: ReadySweep) -> SweepFolder | None:
    """Return the newest sweep of the same configurations and data, or None."""
    sweeps = list_sweeps(ready.space.base.workspace)
    return next((sweep for sweep in sweeps if _has_key(sweep, ready.key)), None)


def _has_key(sweep: SweepFolder, key: str) -> bool:
    try:
        return sweep.record().key == key
    except StorageError:
        # Damaged: it keeps no other sweep from going on.
        return False


def open_sweep(ready: ReadySweep, *, flow_run_id: str | None = None) -> SweepFolder:
    """Make the folder of a new sweep and note what it will train.

    Raises:
        StorageError: The workspace cannot be written to.
    """
    base = ready.space.base
    sweep = create_sweep(base.workspace)
    sweep.config.write_bytes(base.text)
    sweep.config_resolved.write_text(resolved_yaml(base.config), encoding="utf-8")
    record = SweepRecord(
        sweep_id=sweep.sweep_id,
        key=ready.key,
        experiment=base.config.tracking.experiment or base.path.stem,
        config=str(base.path),
        space={variation.key: variation.written for variation in ready.space.variations},
        method=ready.method,
        by=ready.by,
        workers=_plan(ready, ready.space.candidates),
        configurations=tuple(
            Configuration(number=one.number, values=one.values, config_hash=one.config_hash)
            for one in ready.space.candidates
        ),
        started_at=now(),
        process=Process.this(),
        flow_run_id=flow_run_id,
    )
    record.save(sweep.record_path)
    return sweep


def reopen_sweep(
    ready: ReadySweep, sweep: SweepFolder, *, flow_run_id: str | None = None
) -> SweepFolder:
    """Let a sweep go on where it ended: what has finished, or would fail again, stays.

    Once the model of the best one was measured on the test part, none is trained any more.

    Raises:
        ConfigError: It is still running.
    """
    record = sweep.record()
    if record.state() == "RUNNING":
        raise ConfigError(
            f"a sweep must have ended to be resumed, got {sweep.sweep_id}, which runs in process "
            f"{record.process.pid} of {record.process.host}"
        )
    record = settle_all(record, sweep.workspace)
    for one in record.configurations:
        if record.best is None and _may_go_better(record.configuration(one.number)):
            again = {"state": "WAITING", "failure": (), "failure_status": None}
            record = record.changed(one.number, **again)
    waiting = [one for one in ready.space.candidates if _is_waiting(record, one)]
    ranking = rank(record.configurations, ready.by) if record.best is None else record.ranking
    changes = {
        "status": "RUNNING",
        "failure": (),
        "ended_at": None,
        "process": Process.this(),
        "flow_run_id": flow_run_id,
        "by": ready.by,
        "ranking": ranking,
        "workers": _plan(ready, waiting or ready.space.candidates),
    }
    record.model_copy(update=changes).save(sweep.record_path)
    return sweep


def _may_go_better(one: Configuration) -> bool:
    return one.state == "KILLED" or (
        one.state == "FAILED" and one.failure_status not in CERTAIN_TO_FAIL
    )


def _is_waiting(record: SweepRecord, candidate: Candidate) -> bool:
    return record.configuration(candidate.number).state == "WAITING"


def _plan(ready: ReadySweep, candidates: Sequence[Candidate]) -> Workers:
    asked = ready.space.base.config.run.workers
    return plan_workers(asked, [(one.loaded, ready.stages[one.number]) for one in candidates])


def jobs_of(ready: ReadySweep, sweep: SweepFolder, record: SweepRecord, at: int) -> list[Job]:
    """Return what a rung has still to train, in the order of the numbers.

    Args:
        ready: The sweep's configurations.
        sweep: Its folder.
        record: How far it is.
        at: Which rung, from 0.
    """
    wanted = taking_part(record.configurations, ready.rungs, at, ready.by)
    left = [
        one
        for one in record.configurations
        if one.number in wanted and one.state != "FAILED" and len(one.rungs) <= at
    ]
    return [_job(ready, sweep, record, one, ready.rungs[at]) for one in left]


def _job(
    ready: ReadySweep, sweep: SweepFolder, record: SweepRecord, one: Configuration, rung: Rung
) -> Job:
    space = ready.space
    candidate = space.candidates[one.number - 1]
    epochs = () if rung.epochs is None else (f"training.epochs={rung.epochs}",)
    return Job(
        number=one.number,
        config=space.base.path.absolute(),
        text=sweep.config,
        overrides=space.overrides,
        varied=(*candidate.varied, *epochs),
        run_id=one.run_id,
        name=candidate.name,
        sweep_id=sweep.sweep_id,
        flow_run_id=record.flow_run_id,
        stages=ready.stages[one.number],
    )
