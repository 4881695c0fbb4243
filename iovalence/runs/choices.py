"""Own what a run notes of a value that was left to it: the value, and why."""

from collections.abc import Mapping

from pydantic import Field

from iovalence.record import Record

BATCH_SIZE = "training.batch_size"
LEARNING_RATE = "training.learning_rate"
AUTO = "auto"
AUTO_KEYS = (BATCH_SIZE, LEARNING_RATE)
"""Keys whose `auto` becomes a number before training, which the manifest then holds."""


class Choice(Record):
    """Say what was taken for a key that is `auto`.

    Attributes:
        value: The number, > 0.
        reason: Why, in one line.
    """

    value: int | float = Field(gt=0, allow_inf_nan=False)
    reason: str


Choices = Mapping[str, Choice]
