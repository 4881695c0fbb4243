"""Own what a model without memory is given of a sequence: one row that sums it up.

Shapes: S sequences, F features of a row, E embedded columns.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from iovalence.data.prepared import Prepared
from iovalence.data.sequences import Sequences

_BLOCK_ROWS = 1 << 18


def summarise(prepared: Prepared) -> Prepared:
    """Return the sequences as plain rows of 2F features: the means, and the last row's values.

    Of embedded columns it is the last row's code. Rows that are no sequences stay as they are.
    """
    sequences = prepared.sequences
    if sequences is None:
        return prepared
    means = [_average(prepared, some) for some in sequences.pieces(_BLOCK_ROWS)]
    features = np.concatenate([np.concatenate(means), prepared.features[sequences.last]], axis=1)
    return replace(
        prepared,
        features=np.ascontiguousarray(features),
        codes=np.ascontiguousarray(prepared.codes[sequences.last]),
        sequences=None,
    )


def _average(prepared: Prepared, sequences: Sequences) -> NDArray[np.float32]:
    rows = prepared.features[sequences.rows].astype(np.float64)
    sums = np.add.reduceat(rows, sequences.starts[:-1], axis=0)
    means: NDArray[np.float32] = (sums / sequences.lengths[:, None]).astype(np.float32)
    return means
