"""Own what a model says of rows: probabilities of classes, or values."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Predictions:
    """Hold what a model says of N rows.

    Attributes:
        probs: Probability of each class, float64 (N, K), rows sum to 1; None for regression.
        values: Predicted values in the target's own unit, float64 (N,); None for classification.
        classes: Names of the K classes, in the order of `probs`; None for regression.
        threshold: From which probability on a row is of the positive one of two classes; None for
            the most probable class.
        positive_index: The positive class, where there is a threshold.
    """

    probs: NDArray[np.float64] | None
    values: NDArray[np.float64] | None
    classes: tuple[str, ...] | None
    threshold: float | None = None
    positive_index: int | None = None

    @property
    def num_rows(self) -> int:
        """Return N."""
        return len(self.y_pred)

    @property
    def y_pred(self) -> NDArray[np.int64] | NDArray[np.float64]:
        """Return the index of the predicted class, int64 (N,), or the values, float64 (N,)."""
        if self.probs is not None and self.threshold is not None:
            positive = self.positive_index or 0
            is_positive = self.probs[:, positive] >= self.threshold
            return np.where(is_positive, positive, 1 - positive).astype(np.int64)
        if self.probs is not None:
            return np.asarray(self.probs.argmax(axis=1), np.int64)
        if self.values is None:
            raise ValueError("predictions must hold probs or values, got neither")
        return self.values

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """Return the columns of a table of predictions: `prediction`, and `prob_<class>`."""
        if self.probs is None or self.classes is None:
            return {"prediction": self.y_pred}
        named = np.array(self.classes, dtype=object)[self.y_pred]
        probs = {f"prob_{name}": self.probs[:, i] for i, name in enumerate(self.classes)}
        return {"prediction": named, **probs}


def concatenate(predictions: Sequence[Predictions]) -> Predictions:
    """Return what one model says of rows, one set after the other; one set at least."""
    probs = [some.probs for some in predictions if some.probs is not None]
    values = [some.values for some in predictions if some.values is not None]
    return replace(
        predictions[0],
        probs=np.concatenate(probs) if probs else None,
        values=np.concatenate(values) if values else None,
    )
