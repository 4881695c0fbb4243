"""Own which labels contradict what models trained on the other rows say: confident learning.

Shapes: N rows, K classes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iovalence.data.prepared import Prepared
from iovalence.trials.folds import assign_folds
from iovalence.trials.out_of_fold import predict_out_of_fold

# Confident learning counts few errors where a model has learned some of them by heart. A class
# that is this much more probable than the label speaks for itself: of two classes, twice as much.
CLEAR_MARGIN = 1 / 3


@dataclass(frozen=True)
class LabelErrors:
    """Hold what is said of the label of each of N rows.

    Attributes:
        is_suspect: Whether it is contradicted, bool (N,).
        suggested: The most probable other class, int64 (N,).
        score: Probability of the label as it is, float32 (N,), in [0, 1].
    """

    is_suspect: NDArray[np.bool_]
    suggested: NDArray[np.int64]
    score: NDArray[np.float32]


def find_label_errors(prepared: Prepared, copy_of: NDArray[np.int64], seed: int) -> LabelErrors:
    """Train on four fifths of the rows, ask about the last, five times over, and compare.

    Args:
        prepared: N rows with their classes, encoded.
        copy_of: A number that copies of one row have in common, int64 (N,).
        seed: Decides the folds and the trainings.
    """
    labels = np.asarray(prepared.target, np.int64)
    probs = predict_out_of_fold(prepared, assign_folds(labels, copy_of, seed), seed)
    return judge_labels(labels, probs)


def judge_labels(labels: NDArray[np.int64], probs: NDArray[np.float32]) -> LabelErrors:
    """Say which labels are contradicted by probabilities.

    A label is suspect where confident learning prunes it, or where another class is more probable
    by `CLEAR_MARGIN`.

    Args:
        labels: Class of each row, int64 (N,); each of the K classes occurs.
        probs: Probabilities from models that did not see the row, float32 (N, K).

    Source: Northcutt, Jiang and Chuang 2021, section 3.2, pruning by noise rate, and the label
        quality score (self-confidence), as cleanlab computes both.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    pruned = find_label_issues(labels, probs, filter_by="prune_by_noise_rate", n_jobs=1)
    score = get_label_quality_scores(labels, probs, method="self_confidence")
    others = probs.copy()
    others[np.arange(len(labels)), labels] = -1.0
    suggested = others.argmax(axis=1)
    is_clear = others[np.arange(len(labels)), suggested] - score > CLEAR_MARGIN
    return LabelErrors(pruned | is_clear, suggested, np.asarray(score, np.float32))
