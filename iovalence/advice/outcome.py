"""Own what came of an advice that was tried, as advice.json beside the run has it."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from iovalence.diagnosis.paired import Difference
from iovalence.record import Record

JUDGED_BY = {
    "loss": "validation loss",
    "balanced_loss": "validation loss, each class counted the same",
}


class Outcome(Record):
    """Say what one change did.

    Attributes:
        verdict: What it was advised for.
        text: The advice in words.
        change: The change, by dotted key.
        settings: All changes together, this one and those kept before it.
        seeds: Seeds of the pairs of trainings; both of a pair had the same one.
        before: Run of each seed without the change.
        after: Run of each seed with it; None where it failed.
        judged_by: What was compared.
        difference: Of the loss on the validation rows; None where one side has no model.
        says: What that means.
        failure: Why the change could not be judged by its loss; empty where it was.
    """

    verdict: str
    text: str
    change: Mapping[str, Any]
    settings: Mapping[str, Any]
    seeds: tuple[int, ...]
    before: tuple[str | None, ...]
    after: tuple[str | None, ...]
    judged_by: Literal["loss", "balanced_loss"] = "loss"
    difference: Difference | None = None
    says: Literal["helped", "no_difference", "hurt"]
    failure: str = ""

    @property
    def line(self) -> str:
        """Return it in one line for people."""
        said = self.says.replace("_", " ")
        if self.difference is None:
            return f"{self.text}: {said}; {self.failure}"
        found, pairs = self.difference, len(self.seeds)
        return (
            f"{self.text}: {said}; {JUDGED_BY[self.judged_by]} {found.before:.4g} to "
            f"{found.after:.4g}, difference {found.mean:+.3g} (95 % interval {found.low:+.3g} to "
            f"{found.high:+.3g}; {found.num_rows:,} rows, {pairs} pair{'s' * (pairs > 1)} of seeds)"
        )


class Outcomes(Record):
    """Hold what was tried for one run, the newest attempt alone.

    Attributes:
        run_id: The run that was advised.
        rounds: One change each, in order.
        best_run_id: The run, of the advised run's own seed, with the changes that helped.
        settings: These changes together.
        notes: Why no more was tried, a line each.
    """

    run_id: str
    rounds: tuple[Outcome, ...] = ()
    best_run_id: str
    settings: Mapping[str, Any] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
