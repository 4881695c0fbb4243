"""Own which columns a model leans on: how much worse it gets when one is shuffled.

A column of the table is shuffled as a whole, all features that were made of it together, so
that its values stay what they are and only cease to belong to their rows.

Source: permutation importance, Breiman 2001, Random Forests, section 10; model-agnostic as in
    Fisher, Rudin, Dominici 2019, All Models are Wrong, but Many are Useful, section 3. Columns
    that say the same hide each other, since the one stands in for the other.

Shapes: N rows, J joined features, H outputs of the first layer, K outputs, S shufflings.
"""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from iovalence.data.prepared import Prepared
from iovalence.data.preprocessing import Preprocessing
from iovalence.evaluation.evaluate import spread_rows
from iovalence.models.network import Network
from iovalence.record import Record
from iovalence.training.fit import VALIDATION
from iovalence.training.randomness import derived_seed

NUM_REPEATS = 5
MAX_ROWS = 2000
MIN_ROWS = 500
# So many rows go through the network in all, where that leaves enough of them for a column.
MAX_ROWS_IN_ALL = 1_000_000
# Numbers of the first layer that are held at a time: 16 MB.
_NUMBERS_AT_A_TIME = 4_000_000
NO_VALIDATION = (
    "which columns matter is measured on a validation part, and there is none: set "
    "data.validation_split, or give data.validation_file"
)
OF_SEQUENCES = (
    "which columns matter is not measured for model_type: rnn: a column that is shuffled over the "
    "rows of sequences is no sequence any more"
)

Score = Callable[[Tensor], dict[str, Tensor]]


class Spread(Record):
    """Hold a figure that was measured several times.

    Attributes:
        mean: Over the repeats.
        spread: Their standard deviation.
    """

    mean: float
    spread: float

    @property
    def is_clear(self) -> bool:
        """Return whether the mean is above 0 by more than twice what chance moves it."""
        return self.mean > 2 * self.spread


class ColumnImportance(Record):
    """Say how much worse the model is without what one column tells.

    Attributes:
        name: The column of the table.
        worse: For each metric by name, by how much it gets worse: above 0 is worse.
    """

    name: str
    worse: dict[str, Spread]


class Importance(Record):
    """Hold the importance of all columns, as importance.json has it.

    Attributes:
        part: Where it was measured: never the test part.
        num_rows: Rows that it was measured on.
        num_repeats: How often each column was shuffled.
        metrics: Each metric with nothing shuffled; the first is the one that columns are
            ordered by.
        columns: The most important first; empty where it could not be measured.
        note: Why it could not, in one line.
    """

    part: str = "validation"
    num_rows: int = 0
    num_repeats: int = 0
    metrics: dict[str, float] = Field({})
    columns: tuple[ColumnImportance, ...] = ()
    note: str = ""


def measure_importance(network: Network, prepared: Prepared, *, seed: int) -> Importance:
    """Measure how much worse the model gets when each column is shuffled.

    It takes at most 2,000 rows of the validation part, evenly spread; fewer for many columns,
    but 500 at least.

    Args:
        network: The trained model, on the CPU.
        prepared: All rows, encoded.
        seed: Decides how rows are shuffled.
    """
    rows = _choose_rows(prepared)
    slots = _find_slots(prepared.preprocessing)
    if not len(rows) or not slots:
        return Importance(note=NO_VALIDATION)
    with torch.no_grad():
        joined = network.join(*_read(prepared, rows))
        score = _build_score(prepared, rows)
        whole = score(network.finish(network.apply_first(joined))[None])
        worse = _shuffle_all(network, joined, list(slots.values()), score, seed)
    columns = [
        ColumnImportance(
            name=name,
            worse={key: _gather(values[at] - whole[key]) for key, values in worse.items()},
        )
        for at, name in enumerate(slots)
    ]
    first = next(iter(whole))
    return Importance(
        num_rows=len(rows),
        num_repeats=NUM_REPEATS,
        metrics={key: _as_people_read(key, value.item()) for key, value in whole.items()},
        columns=tuple(sorted(columns, key=lambda column: -column.worse[first].mean)),
    )


def _choose_rows(prepared: Prepared) -> NDArray[np.int64]:
    """Return the validation rows to take: of known classes, evenly spread."""
    rows = np.flatnonzero(prepared.part == VALIDATION)
    if prepared.preprocessing.classes is not None:
        rows = rows[prepared.target[rows] >= 0]
    num_shufflings = NUM_REPEATS * max(1, len(prepared.preprocessing.columns))
    most = min(MAX_ROWS, max(MIN_ROWS, MAX_ROWS_IN_ALL // num_shufflings))
    chosen: NDArray[np.int64] = rows[spread_rows(len(rows), most)]
    return chosen


def _find_slots(preprocessing: Preprocessing) -> dict[str, slice]:
    """Return for each column of the table where the features made of it are, when joined."""
    slots, start = {}, 0
    embedded = [one for one in preprocessing.columns if one.kind == "embedded"]
    for dense in preprocessing.columns:
        if dense.kind != "embedded":
            end = start + len(dense.feature_names)
            slots[dense.column] = slice(start, end)
            start = end
    for one in embedded:
        slots[one.column] = slice(start, start + one.dimension)
        start += one.dimension
    return slots


def _read(prepared: Prepared, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
    codes = torch.from_numpy(prepared.codes[rows]).long() if prepared.codes.shape[1] else None
    return torch.from_numpy(prepared.features[rows]), codes


def _shuffle_all(
    network: Network, joined: Tensor, slots: list[slice], score: Score, seed: int
) -> dict[str, Tensor]:
    """Return each metric with each column shuffled, float64 (columns, repeats).

    Shuffling a column moves the first layer's outputs by that column's share alone: so the cost
    of a column does not grow with the number of columns.
    """
    first = network.apply_first(joined)
    at_a_time = max(1, _NUMBERS_AT_A_TIME // max(1, first.numel()))
    found: list[dict[str, Tensor]] = []
    shufflings = list(product(range(len(slots)), range(NUM_REPEATS)))
    for at in range(0, len(shufflings), at_a_time):
        moved = torch.stack(
            [
                first + _move(network, joined, slots[column], derived_seed(seed, column, repeat))
                for column, repeat in shufflings[at : at + at_a_time]
            ]
        )
        found.append(score(network.finish(moved)))
    return {
        key: torch.cat([scores[key] for scores in found]).view(len(slots), NUM_REPEATS)
        for key in found[0]
    }


def _move(network: Network, joined: Tensor, slot: slice, seed: int) -> Tensor:
    """Return by how much shuffling a column moves the first layer's outputs, (N, H)."""
    order = torch.randperm(len(joined), generator=torch.Generator().manual_seed(seed))
    values = joined[:, slot]
    weight = network.parameters["layers.0.weight"]
    return (values[order] - values) @ weight[:, slot].t()


def _build_score(prepared: Prepared, rows: NDArray[np.int64]) -> Score:
    """Return what measures outputs (S, N, K): each metric so that more is worse, float64 (S,)."""
    weight = np.ones(len(rows)) if prepared.weight is None else prepared.weight[rows]
    shares = torch.from_numpy(weight / weight.sum()).double()
    target = torch.from_numpy(np.asarray(prepared.target[rows]))
    if prepared.preprocessing.classes is None:
        scale = prepared.preprocessing.target_scale

        def score_values(outputs: Tensor) -> dict[str, Tensor]:
            squares = (outputs[:, :, 0] - target).double().square()
            return {"rmse": (squares @ shares).sqrt() * scale}

        return score_values

    def score_classes(outputs: Tensor) -> dict[str, Tensor]:
        of_true = outputs.gather(2, target.expand(len(outputs), -1)[:, :, None])[:, :, 0]
        losses = (outputs.logsumexp(dim=2) - of_true).double()
        wrong = (outputs.argmax(dim=2) != target).double()
        return {"log_loss": losses @ shares, "accuracy": wrong @ shares}

    return score_classes


def _gather(values: Tensor) -> Spread:
    return Spread(mean=values.mean().item(), spread=values.std().item())


def _as_people_read(name: str, value: float) -> float:
    return 1 - value if name == "accuracy" else value


def important_columns(importance: Importance | None) -> Iterator[str]:
    """Yield the names of the columns, the most important first."""
    if importance is not None:
        yield from (column.name for column in importance.columns)
