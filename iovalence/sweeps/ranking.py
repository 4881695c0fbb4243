"""Own which configuration is better: by a figure of the validation part, never the test part."""

import math
from collections.abc import Sequence

from iovalence.data.section import Task
from iovalence.errors import ConfigError
from iovalence.evaluation.requirements import expected_metrics
from iovalence.evaluation.section import metric_keys
from iovalence.names import nearest
from iovalence.runs.sweep import Configuration

LOWER_IS_BETTER = ("loss", "log_loss", "expected_calibration_error", "rmse", "mae")


def validate_name(by: str) -> None:
    """Refuse at once what is no figure of any task's validation part; see `validate_by`.

    Raises:
        ConfigError: `by` is another name.
    """
    names = [key for key in metric_keys() if key.startswith("val_")]
    if by not in names:
        raise ConfigError(_word(by, names))


def _word(by: str, names: Sequence[str]) -> str:
    advice = nearest(by, names) or f"; there are {', '.join(names)}"
    return f"--by must name a figure of the validation part, got '{by}'{advice}"


def validate_by(by: str, task: Task) -> None:
    """Refuse to choose by what is no figure of the validation part.

    Raises:
        ConfigError: `by` is another name.
    """
    names = expected_metrics(task, ["validation"])
    if by not in names:
        raise ConfigError(_word(by, names))


def rank(configurations: Sequence[Configuration], by: str) -> tuple[int, ...]:
    """Return the numbers of those that have ended, the best first, the failed last.

    Who was taken to a further rung of successive halving comes before who was not.

    Args:
        configurations: All of a sweep.
        by: Full name of the figure that decides, as `val_loss`; of equals the first is better.
    """
    sign = 1.0 if by.partition("_")[2] in LOWER_IS_BETTER else -1.0
    ended = [one for one in configurations if one.state in ("FINISHED", "FAILED")]

    def order(one: Configuration) -> tuple[bool, int, bool, float, int]:
        value = sign * one.metrics.get(by, math.nan)
        # Where nan is compared, any order may come out.
        unknown = math.isnan(value)
        is_failed = one.state == "FAILED"
        return is_failed, -len(one.rungs), unknown, 0.0 if unknown else value, one.number

    return tuple(one.number for one in sorted(ended, key=order))
