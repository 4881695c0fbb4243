"""Own the effects as a stage: what class weights and leaked rows changed, in effects.json."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from iovalence.atomic import scratch_folder
from iovalence.config.load import LoadedConfig
from iovalence.data.ingest import load_table
from iovalence.data.prepared import Prepared, encode_rows, load_prepared, open_array
from iovalence.data.table import Table
from iovalence.evaluation.effects import Effect, Effects
from iovalence.models.predictor import Predictor
from iovalence.quality.checks import CheckedRows, load_reasons
from iovalence.runs.folder import RunFolder
from iovalence.stages.opened import timing
from iovalence.stages.rows import RowStages
from iovalence.stages.settled import Say, recorded_machine
from iovalence.stages.trained import choose_class_weights
from iovalence.training.fit import TEST, TRAIN
from iovalence.training.settling import settle
from iovalence.training.stopping import stopping
from iovalence.trials.effects import (
    RunModel,
    measure_leak,
    measure_weights,
)

LEAKED = "leakage.copies"
REMOVED = -1


def effects_stage(
    loaded: LoadedConfig, run: RunFolder, stages: RowStages, say: Say = lambda _: None
) -> Effects | None:
    """Say what the fixes of the data changed, and write it into the run.

    Each costs a training of its own, which is bounded as the run's was.

    Args:
        loaded: The configuration.
        run: Where the model is.
        stages: What was done before training.
        say: Told what is being trained.

    Returns:
        None where nothing was fixed that has an effect, or `evaluation.effects` is false.

    Raises:
        StorageError: The workspace cannot be written to.
        KeyboardInterrupt: A signal came.
    """
    if not loaded.config.evaluation.effects:
        return None
    is_weighed = CheckedRows.load(stages.checked.folder).balance_weights
    prepared = load_prepared(stages.prepared.folder)
    leaked = find_leaked(stages, prepared)
    if not (is_weighed or leaked.any()):
        return None
    with timing(run, "effects"), stopping() as should_stop:
        model = load_model(loaded, run, stages, prepared)
        found = []
        if is_weighed:
            say("training once more without class weights, to say what they changed")
            found.append(measure_weights(model, should_stop))
        if leaked.any():
            say("looking at what the rows that leaked would have changed")
            found.append(_measure_leak(loaded, stages, model, leaked, should_stop))
        effects = Effects(effects=tuple(found))
        effects.save(run.effects)
    return effects


def load_effects(run: RunFolder) -> Effects | None:
    """Return the effects that were worked out for a run, or None."""
    return Effects.load(run.effects) if run.effects.is_file() else None


def load_model(
    loaded: LoadedConfig, run: RunFolder, stages: RowStages, prepared: Prepared
) -> RunModel:
    """Return the run's model with all that it was trained with."""
    manifest = run.manifest()
    class_weights = choose_class_weights(loaded.config.training, stages.checked)
    settled = settle(
        loaded.config.training,
        loaded.config.run.threads,
        prepared,
        class_weights=class_weights,
        recorded=manifest.choices,
        machine=recorded_machine(manifest),
    )
    network = Predictor.load(run.model).network
    return RunModel(prepared, network, settled.section, settled.machine, class_weights)


def find_leaked(stages: RowStages, prepared: Prepared) -> NDArray[np.bool_]:
    """Return which rows of the table left the train part as copies of other parts' rows, (N,).

    Those of a class that the model does not have could not have been trained on by it. Of
    sequences none is looked at.
    """
    if prepared.sequences is not None:
        return np.zeros(int(prepared.table_index.max(initial=-1)) + 1, dtype=bool)
    reason = load_reasons(stages.parted.folder / "reason.arrow")
    leaked = np.asarray((reason == LEAKED) & (_split(stages) == TRAIN), dtype=bool)
    if leaked.any() and prepared.preprocessing.classes is not None:
        target = CheckedRows.load(stages.checked.folder).target
        leaked &= prepared.preprocessing.encode_target(target) >= 0
    return leaked


def _split(stages: RowStages) -> NDArray[np.int8]:
    part: NDArray[np.int8] = open_array(stages.split.folder / "part.npy")
    return part


def _measure_leak(
    loaded: LoadedConfig,
    stages: RowStages,
    model: RunModel,
    leaked: NDArray[np.bool_],
    should_stop: Callable[[], bool],
) -> Effect:
    table = load_table(stages.ingested.folder)
    of_validation = open_array(stages.parted.folder / "leaked.npy")
    num_copying = int(leaked[of_validation].sum())
    with scratch_folder(loaded.workspace, "effects") as folder:
        leaky = _encode_leaky(table, stages, model.prepared, leaked, folder)
        return measure_leak(model, leaky, num_copying, should_stop)


def _encode_leaky(
    table: Table,
    stages: RowStages,
    prepared: Prepared,
    leaked: NDArray[np.bool_],
    folder: Path,
) -> Prepared:
    """Return the rows as they would have been with the leaked ones in train, without test rows.

    They are encoded as the run's rows were: nothing is fitted anew.
    """
    part = np.full(table.num_rows, REMOVED, np.int8)
    part[prepared.table_index] = prepared.part
    part[part == TEST] = REMOVED
    part[leaked] = TRAIN
    target = CheckedRows.load(stages.checked.folder).target
    encode_rows(table, part, target, prepared.preprocessing, folder)
    return load_prepared(folder)
