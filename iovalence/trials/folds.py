"""Own which rows are together when each is judged by a model that was trained on the others."""

import numpy as np
from numpy.typing import NDArray

NUM_FOLDS = 5
_STREAM = 0x666F6C64  # keeps these numbers apart from others drawn with the same seed


def assign_folds(
    labels: NDArray[np.int64], copy_of: NDArray[np.int64], seed: int
) -> NDArray[np.int8]:
    """Share rows out into folds with equal shares of each class; copies stay together.

    Args:
        labels: Class of each row, int64 (N,).
        copy_of: A number that copies of one row have in common, int64 (N,).
        seed: Decides who is with whom.

    Returns:
        Fold of each row, int8 (N,), from 0.
    """
    _, first, unit = np.unique(copy_of, return_index=True, return_inverse=True)
    mixed = np.random.default_rng([_STREAM, seed]).permutation(len(first))
    # Dealt out like cards, class after class: no class and no fold comes off worse than by one.
    dealt = mixed[np.argsort(labels[first][mixed], kind="stable")]
    fold = np.empty(len(first), np.int8)
    fold[dealt] = np.arange(len(first)) % NUM_FOLDS
    return fold[unit]
