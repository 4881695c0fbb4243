"""Own training as a stage: the run's model, checkpoints and journal."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from iovalence.config.load import LoadedConfig
from iovalence.data.ingest import load_table
from iovalence.data.prepared import load_prepared
from iovalence.data.schema import SOURCES
from iovalence.data.table import Table
from iovalence.quality.checks import CheckedRows
from iovalence.quality.findings import MAX_EXAMPLES
from iovalence.record import Record
from iovalence.runs.folder import RunFolder
from iovalence.runs.journal import Journal
from iovalence.runs.store import StageOutput
from iovalence.stages.opened import timing
from iovalence.stages.rows import RowStages
from iovalence.stages.saved import check_threshold, save_model
from iovalence.stages.settled import Say, settle_run
from iovalence.training.checkpoint import Checkpoint, Checkpoints
from iovalence.training.fit import ClassWeights, Fitted, fit
from iovalence.training.section import TrainingSection
from iovalence.training.stopping import stopping
from iovalence.training.trainer import EpochFigures

Observe = Callable[[EpochFigures], None]


class TrainingResult(Record):
    """Say how training went.

    Attributes:
        num_parameters: Parameters of the network.
        kept_epoch: Epoch whose weights are the model.
        num_epochs: Epochs that were run.
        num_steps: Steps that were taken.
        stopped_early: Whether early stopping ended it.
        class_weights: Weight of each class, or None for equal weights.
    """

    num_parameters: int
    kept_epoch: int
    num_epochs: int
    num_steps: int
    stopped_early: bool
    class_weights: tuple[float, ...] | None


def train_stage(
    loaded: LoadedConfig,
    run: RunFolder,
    stages: RowStages,
    observe: Observe | None = None,
    say: Say = lambda _: None,
) -> TrainingResult:
    """Train the model, and write it, its checkpoints and its journal into the run.

    A run that has checkpoints goes on from the newest that is whole; what its manifest holds of
    choices already is taken again, and not measured.

    Args:
        loaded: The configuration.
        run: The run.
        stages: What was done before.
        observe: Called after every epoch.
        say: Told what is worth a line: what was chosen, where training goes on.

    Raises:
        ConfigError: `training.device`, a class weight or `evaluation.threshold` does not fit.
        TrainingError: The loss is not finite.
        CheckpointError: A checkpoint could not be saved.
        KeyboardInterrupt: A signal came; a checkpoint was saved.
    """
    prepared, table = load_prepared(stages.prepared.folder), load_table(stages.ingested.folder)
    class_weights = choose_class_weights(loaded.config.training, stages.checked)
    for line in advise_settings(loaded.config.training):
        say(line)
    check_threshold(loaded, prepared)
    with timing(run, "train"), stopping() as should_stop:
        settled = settle_run(loaded, run, prepared, class_weights, say)
        section = settled.section
        checkpoints = _checkpoints(run, section)
        fitted = fit(
            prepared,
            section,
            settled.machine,
            class_weights=class_weights,
            observe=_journalled(run, observe),
            checkpoints=checkpoints,
            resume_from=_newest(checkpoints, say) if run.manifest().resumed else None,
            name_rows=lambda positions: name_rows(table, prepared.table_index[positions]),
            should_stop=should_stop,
        )
        result = _result(fitted)
        result.save(run.training)
        save_model(run, loaded, table, prepared, fitted.network)
    Journal(run.journal).event("trained", **result.model_dump(mode="json"))
    return result


def advise_settings(section: TrainingSection) -> Iterator[str]:
    """Yield a line for each key that the kind of model has no use for, or has a better value."""
    given = section.model_fields_set
    if section.model_type == "linear" and (unused := given & {"layers", "activation", "dropout"}):
        names = ", ".join(f"training.{name}" for name in sorted(unused))
        yield f"model_type: linear has no hidden layers: {names} change nothing"
    if section.model_type == "rnn" and "optimizer" not in given:
        yield (
            f"model_type: rnn is trained with {section.optimizer}, the default; "
            "training.optimizer: rmsprop is recommended for sequences, and worth a comparison"
        )
    unused = given & {"cell", "bidirectional", "max_sequence_length"}
    if section.model_type != "rnn" and unused:
        names = ", ".join(f"training.{name}" for name in sorted(unused))
        yield f"model_type: {section.model_type} takes no sequences: {names} change nothing"


def _checkpoints(run: RunFolder, section: TrainingSection) -> Checkpoints | None:
    if not section.save_checkpoint:
        return None
    return Checkpoints(
        run.checkpoints,
        keep=section.keep_checkpoints,
        interval=section.checkpoint_interval,
        minutes=section.checkpoint_minutes,
        before_saving=Journal(run.journal).sync,
    )


def _newest(checkpoints: Checkpoints | None, say: Callable[[str], None]) -> Checkpoint | None:
    found = (
        None if checkpoints is None else checkpoints.newest(lambda line: say(f"warning: {line}"))
    )
    if found is None:
        say("no checkpoint is there: training begins at its start")
    else:
        position = found.state.position
        within = f", within epoch {position.epoch + 1}" if position.block else ""
        say(f"training goes on after epoch {position.epoch}{within} ({found.path.name})")
    return found


def choose_class_weights(section: TrainingSection, checked: StageOutput) -> ClassWeights:
    """Return the class weights to train with: balanced where `quality.balance: fix` says so."""
    balanced = CheckedRows.load(checked.folder).balance_weights
    return "balanced" if balanced else section.class_weights


def _journalled(run: RunFolder, observe: Observe | None) -> Observe:
    journal = Journal(run.journal)

    def note(figures: EpochFigures) -> None:
        journal.metrics(figures.metrics, epoch=figures.epoch, step=figures.step)
        if observe is not None:
            observe(figures)

    return note


def name_rows(table: Table, rows: NDArray[np.int64]) -> str:
    """Name rows of the table for a message: five at most, and how many there are."""
    sources, numbers = table.source_of_rows()[rows], table.row_numbers()[rows]
    named = [
        f"{SOURCES[source]} row {number}"
        for source, number in zip(sources[:MAX_EXAMPLES], numbers[:MAX_EXAMPLES], strict=True)
    ]
    more = f" and {len(rows) - len(named)} more" if len(rows) > len(named) else ""
    return ", ".join(named) + more


def _result(fitted: Fitted) -> TrainingResult:
    weights = fitted.class_weights
    return TrainingResult(
        num_parameters=fitted.network.spec.num_parameters,
        kept_epoch=fitted.trained.kept_epoch,
        num_epochs=fitted.trained.num_epochs,
        num_steps=fitted.trained.num_steps,
        stopped_early=fitted.trained.stopped_early,
        class_weights=None if weights is None else tuple(weights.tolist()),
    )
