"""Own the importance of columns as a stage: what the model leans on, in importance.json."""

from iovalence.config.load import LoadedConfig
from iovalence.data.prepared import load_prepared
from iovalence.evaluation.importance import OF_SEQUENCES, Importance, measure_importance
from iovalence.models.network import Network
from iovalence.models.predictor import Predictor
from iovalence.runs.folder import RunFolder
from iovalence.stages.opened import timing
from iovalence.stages.rows import RowStages
from iovalence.training.fit import Machine, arithmetic


def importance_stage(loaded: LoadedConfig, run: RunFolder, stages: RowStages) -> Importance:
    """Measure how much worse the model is without each column, and write it into the run.

    Raises:
        StorageError: The workspace cannot be written to.
    """
    machine = Machine("cpu", run.manifest().threads or 1)
    with timing(run, "importance"), arithmetic(machine):
        network = Predictor.load(run.model).network
        prepared = load_prepared(stages.prepared.folder)
        importance = (
            measure_importance(network, prepared, seed=loaded.config.training.seed)
            if isinstance(network, Network)
            else Importance(note=OF_SEQUENCES)
        )
        importance.save(run.importance)
    return importance


def load_importance(run: RunFolder) -> Importance | None:
    """Return the importance of a run's columns, or None where it was not measured."""
    return Importance.load(run.importance) if run.importance.is_file() else None
