"""Own the question whether another kind of model does better than the network on this table."""

from iovalence.evaluation.metrics import Floats, Ints
from iovalence.evaluation.paired import Change, compare_metrics
from iovalence.evaluation.result import Contest
from iovalence.evaluation.wording import METRIC_TEXTS
from iovalence.models.predictions import Predictions


def hold_contest(
    baseline: str,
    y_true: Ints | Floats,
    model: Predictions,
    other: Predictions,
    *,
    is_weighed: bool = False,
    weight: Floats | None = None,
    positive_index: int | None = None,
    seed: int = 0,
) -> Contest | None:
    """Compare the model with a baseline on the validation part; None where that says nothing.

    The network was stopped, and maybe tuned, by these rows: where it still loses, that counts.

    Args:
        baseline: Its name, as `boosting`.
        y_true: Class index, int64 (N,), -1 for an unknown class; or values, float64 (N,).
        model: What the run's model says of the rows.
        other: What the baseline says.
        is_weighed: Whether the model was trained to be good at each class alike.
        weight: Weight of each row, float64 (N,) >= 0; None for equal weights.
        positive_index: The class that counts as positive when there are two; else None.
        seed: Decides the bootstrap resamples.
    """
    metric = "rmse" if model.probs is None else "accuracy"
    metric = "balanced_accuracy" if is_weighed and model.probs is not None else metric
    found = compare_metrics(
        y_true,
        model,
        other,
        [metric],
        weight=weight,
        positive_index=positive_index,
        seed=seed,
    )
    return _decide(baseline, found[0]) if found else None


def _decide(baseline: str, change: Change) -> Contest:
    sign = 1 if METRIC_TEXTS[change.name].higher_is_better else -1
    # Told as what the other one has more: the interval of the difference, turned around.
    low, high = (None if end is None else -end for end in (change.high, change.low))
    return Contest(
        baseline=baseline,
        metric=change.name,
        num_rows=change.num_rows,
        model=change.model,
        other=change.other,
        low=low,
        high=high,
        is_lost=change.is_clear and sign * (change.model - change.other) < 0,
    )
