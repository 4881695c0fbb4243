"""Own making a run again: every stage anew, in a scratch folder, as its record says."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from iovalence.config.load import LoadedConfig
from iovalence.data.prepared import load_prepared
from iovalence.runs.folder import RunFolder, runs_folder
from iovalence.runs.store import StageOutput
from iovalence.stages.evaluated import evaluate_stage
from iovalence.stages.opened import open_run, record_findings, record_split
from iovalence.stages.stored import check_stage, ingest_stage, prepare_stage, split_stage
from iovalence.stages.trained import Observe, plan_machine, train_stage
from iovalence.training.fit import Machine
from iovalence.training.section import Device

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
        loaded: The configuration, with the data where they are now.
        device: Where to train.
        threads: Threads of the arithmetic, as recorded.
    """

    run_id: str
    loaded: LoadedConfig
    device: Device
    threads: int


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
    run = _open(order.run_id, loaded, ingested)
    checked = check_stage(loaded, ingested)
    record_findings(run, ingested, checked)
    tell("checked the rows")
    split = split_stage(loaded, ingested, checked)
    prepared = prepare_stage(loaded, ingested, checked, split)
    record_split(run, split, prepared)
    tell("split the rows and prepared the features")
    with audience.show(loaded) as observe:
        trained = train_stage(loaded, run, ingested, checked, prepared, observe)
    tell(f"trained {trained.num_epochs} epochs; kept epoch {trained.kept_epoch}")
    evaluate_stage(loaded, run, ingested, prepared, with_pictures=False)
    tell("measured every part")
    return Again(run, _plan(order, prepared))


def _keep_silent(_text: str) -> None:
    """Tell nobody: the run asks for silence."""


def _as_ordered(order: Order, scratch: Path) -> LoadedConfig:
    """Return the configuration with what the record fixes, and without what decides nothing."""
    config = order.loaded.config
    training = {"device": order.device, "save_checkpoint": False}
    run = {"threads": order.threads, "keep_data": "reference"}
    changed = config.model_copy(
        update={
            "training": config.training.model_copy(update=training),
            "run": config.run.model_copy(update=run),
        }
    )
    return replace(order.loaded, config=changed, workspace=scratch)


def _open(run_id: str, loaded: LoadedConfig, ingested: StageOutput) -> RunFolder:
    opened = open_run(loaded, ingested)
    return RunFolder(opened.root.rename(runs_folder(loaded.workspace) / run_id))


def _plan(order: Order, prepared: StageOutput) -> Machine:
    config = order.loaded.config
    training = config.training.model_copy(update={"device": order.device})
    asked = config.model_copy(update={"training": training})
    return plan_machine(replace(order.loaded, config=asked), load_prepared(prepared.folder))
