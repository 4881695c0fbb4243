"""Own the saving of a finished model: the network, its threshold, and which rows are like its own.

What goes with the network is fitted here, to the train part and, where a choice is to be made, the
validation part; the test part is not looked at.
"""

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from iovalence.config.load import LoadedConfig
from iovalence.data.prepared import Prepared
from iovalence.data.table import Table
from iovalence.errors import ConfigError
from iovalence.evaluation.evaluate import spread_rows
from iovalence.evaluation.thresholds import choose_threshold
from iovalence.models.build import AnyNetwork
from iovalence.models.likeness import MAX_ROWS, Likeness, fit_likeness
from iovalence.models.predictor import ModelRecord, Predictor, Threshold, interpret
from iovalence.runs.folder import RunFolder
from iovalence.training.fit import TRAIN, VALIDATION
from iovalence.training.parts import load_part
from iovalence.training.trainer import compute_outputs

MAX_THRESHOLD_ROWS = 2_000_000


def check_threshold(loaded: LoadedConfig, prepared: Prepared) -> None:
    """Refuse a threshold that cannot be had, before anything is trained.

    Raises:
        ConfigError: It is not two classes, or there is no validation part to choose it on.
    """
    asked = loaded.config.evaluation.threshold
    if asked == "none":
        return
    positive, classes = prepared.preprocessing.positive_index, prepared.preprocessing.classes
    if positive is None:
        found = "a regression" if classes is None else f"{len(classes)} classes"
        raise ConfigError(
            f"evaluation.threshold must go with two classes, found {found}; leave it out"
        )
    if isinstance(asked, str) and not np.any(prepared.part == VALIDATION):
        raise ConfigError(
            f"evaluation.threshold: {asked} must have a validation part to choose on, found none; "
            "set data.validation_split above 0, or give the threshold as a number"
        )


def save_model(
    run: RunFolder, loaded: LoadedConfig, table: Table, prepared: Prepared, network: AnyNetwork
) -> None:
    """Write the model into the run.

    Raises:
        StorageError: The run cannot be written to.
    """
    record = ModelRecord(
        run_id=run.run_id,
        spec=network.spec,
        table=table.schema,
        preprocessing=prepared.preprocessing,
        data=loaded.config.data,
        threshold=find_threshold(loaded, prepared, network),
    )
    Predictor(record, network, find_likeness(table, prepared)).save(run.model)


def find_threshold(
    loaded: LoadedConfig, prepared: Prepared, network: AnyNetwork
) -> Threshold | None:
    """Return the threshold as configured, chosen on the validation part where it is to be."""
    asked, positive = loaded.config.evaluation.threshold, prepared.preprocessing.positive_index
    if asked == "none" or positive is None:
        return None
    if not isinstance(asked, str):
        return Threshold(value=asked)
    rows = _spread(prepared, VALIDATION, MAX_THRESHOLD_ROWS)
    # A class that the train part lacks is neither: it cannot be told right.
    rows = rows[prepared.target[rows] >= 0]
    tensors = load_part(prepared, rows, None, torch.device("cpu"), resident_bytes=0)
    said = interpret(compute_outputs(network, tensors).numpy(), prepared.preprocessing)
    if said.probs is None or not len(rows):
        return None
    weight = np.ones(len(rows)) if prepared.weight is None else prepared.weight[rows]
    is_positive = (prepared.target[rows] == positive).astype(np.int64)
    value, reached, at_half = choose_threshold(
        asked, is_positive, said.probs[:, positive], weight.astype(np.float64)
    )
    return Threshold(
        value=value, metric=asked, num_rows=len(rows), reached=reached, at_half=at_half
    )


def find_likeness(table: Table, prepared: Prepared) -> Likeness | None:
    """Return which rows are like those of the train part, by those of the validation part.

    None for sequences: what is likely of a row says little of how its sequence goes on.
    """
    if prepared.sequences is not None:
        return None
    train = _take(table, prepared, TRAIN)
    validation = _take(table, prepared, VALIDATION)
    if validation.num_rows:
        return fit_likeness(prepared.preprocessing, train, validation, "validation")
    return fit_likeness(prepared.preprocessing, train, train, "train")


def _take(table: Table, prepared: Prepared, part: int) -> pa.Table:
    rows = prepared.table_index[_spread(prepared, part, MAX_ROWS)]
    names = [encoding.column for encoding in prepared.preprocessing.columns]
    return table.columns.select(names).take(pa.array(rows))


def _spread(prepared: Prepared, part: int, most: int) -> NDArray[np.int64]:
    """Return the positions of at most so many rows of a part, evenly spread, int64."""
    every = np.flatnonzero(prepared.part == part)
    return every[spread_rows(len(every), most)]
