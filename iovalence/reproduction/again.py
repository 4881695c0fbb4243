"""Own making a run again: every stage anew, in a scratch folder, as its record says."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from iovalence.config.load import LoadedConfig
from iovalence.data.prepared import load_prepared
from iovalence.runs.accepted import recall_accepted, record_accepted
from iovalence.runs.folder import RunFolder, runs_folder
from iovalence.runs.manifest import Manifest
from iovalence.runs.store import StageOutput
from iovalence.stages.effects import effects_stage
from iovalence.stages.evaluated import CANDIDATE_PARTS, PARTS, evaluate_stage
from iovalence.stages.opened import open_run
from iovalence.stages.rows import make_ready
from iovalence.stages.stored import ingest_stage
from iovalence.stages.trained import Observe, train_stage
from iovalence.training.fit import Machine
from iovalence.training.settling import plan

Show = Callable[[LoadedConfig], AbstractContextManager[Observe | None]]


@dataclass(frozen=True)
class Audience:
    """Hold who is told how it goes.

    Attributes:
        tell: Takes a line for people.
        show: Gives, for a block, what is to be called after each epoch.
    """

    tell: Callable[[str], None]
    show: Show


@dataclass(frozen=True)
class Order:
    """Say what is to be made again.

    Attributes:
        run_id: The run's id; the one made again has it too, so that its files can be equal.
        manifest: What it recorded.
        loaded: The configuration, with the data where they are now.
        machine: Where to train, as recorded.
    """

    run_id: str
    manifest: Manifest
    loaded: LoadedConfig
    machine: Machine


@dataclass(frozen=True)
class Again:
    """Hold a run that was made again.

    Attributes:
        run: Its folder.
        planned: Where this machine would train such a run by the configuration alone.
    """

    run: RunFolder
    planned: Machine


def make_again(order: Order, scratch: Path, audience: Audience) -> Again:
    """Do every stage of a run anew.

    Args:
        order: What to make.
        scratch: An empty folder for its stages and its run.
        audience: Who is told how it goes.

    Raises:
        DataError: The data cannot be trained on.
        GateError: A check whose action is `fail` found something.
        TrainingError: The loss is not finite.
        StorageError: The scratch folder cannot be written to.
    """
    loaded = _as_ordered(order, scratch)
    tell = audience.tell if loaded.config.training.verbose else _keep_silent
    tell(f"making run {order.run_id} again")
    ingested = ingest_stage(loaded)
    tell("read the rows")
    run = _open(order, loaded, ingested)
    stages = make_ready(loaded, ingested, run)
    tell("checked and split the rows, and prepared the features")
    with audience.show(loaded) as observe:
        trained = train_stage(loaded, run, stages, observe)
    tell(f"trained {trained.num_epochs} epochs; kept epoch {trained.kept_epoch}")
    parts = _measured_parts(order.manifest)
    result = evaluate_stage(loaded, run, stages, parts, with_pictures=False)
    tell(f"measured the {', '.join(part.part for part in result.parts)} part")
    if run.effects.name in order.manifest.files:
        effects_stage(loaded, run, stages, tell)
    return Again(run, _plan(order, stages.prepared))


def _keep_silent(_text: str) -> None:
    """Tell nobody: the run asks for silence."""


def _as_ordered(order: Order, scratch: Path) -> LoadedConfig:
    """Return the configuration for the scratch folder, without what costs and decides nothing."""
    config = order.loaded.config
    training = config.training.model_copy(update={"save_checkpoint": False})
    run = config.run.model_copy(update={"keep_data": "reference"})
    changed = config.model_copy(update={"training": training, "run": run})
    return replace(order.loaded, config=changed, workspace=scratch)


def _open(order: Order, loaded: LoadedConfig, ingested: StageOutput) -> RunFolder:
    """Open the run under its own id; what was chosen, and compared with, is taken again."""
    opened = open_run(loaded, ingested)
    run = RunFolder(opened.root.rename(runs_folder(loaded.workspace) / order.run_id))
    run.update(choices=order.manifest.choices, **asdict(order.machine))
    accepted = recall_accepted(RunFolder(runs_folder(order.loaded.workspace) / order.run_id))
    if accepted is not None:
        record_accepted(run, accepted)
    return run


def _measured_parts(manifest: Manifest) -> Sequence[str]:
    """Return what the run was measured on: a candidate never saw the test part."""
    return CANDIDATE_PARTS if manifest.is_candidate else PARTS


def _plan(order: Order, prepared: StageOutput) -> Machine:
    config, machine = order.loaded.config, order.machine
    here: dict[str, object] = {"device": machine.device}
    # What no GPU here can do is not asked for.
    here |= {} if machine.mixed_precision else {"mixed_precision": False}
    section = config.training.model_copy(update=here)
    rows = load_prepared(prepared.folder)
    return plan(section, config.run.threads, rows, order.manifest.choices).machine
