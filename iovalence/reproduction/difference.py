"""Own what making a run again found: differences in the order of their causes, and a verdict."""

from typing import Literal

from pydantic import Field, computed_field

from iovalence.record import Record

Cause = Literal[
    "data", "config", "code", "versions", "hardware", "device", "threads", "record", "result"
]
CAUSES: tuple[Cause, ...] = (
    "data",
    "config",
    "code",
    "versions",
    "hardware",
    "device",
    "threads",
    "record",
    "result",
)
"""`code`: the commit of the user's repository. `record`: a file of the run was altered after its
end. `result`: what came of it is another."""


class Difference(Record):
    """Name one thing that is not as it was.

    Attributes:
        cause: What kind of thing.
        what: Which, as `torch` or `data.train_file /tables/adult.csv`.
        then: How it was when the run was made.
        now: How it is.
    """

    cause: Cause
    what: str
    then: str
    now: str


class Reproduction(Record):
    """Say what came of making a run again.

    Attributes:
        run_id: The run.
        differences: The first is the one to look at first.
        has_equal_result: Whether all that came of it is as it was; None when nothing was compared.
        compared: How much of each artefact was compared, by its name in the run's folder.
        notes: What else one should know, a line each.
    """

    run_id: str
    differences: tuple[Difference, ...]
    has_equal_result: bool | None
    compared: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def equal(self) -> bool:
        """Say whether nothing differs: neither what went in nor what came out."""
        return self.has_equal_result is True and not self.differences

    @property
    def first(self) -> Difference | None:
        """Return the first difference, or None."""
        return self.differences[0] if self.differences else None
