"""Own the records of what another training would have given, beside the run's own model."""

from iovalence.evaluation.paired import Change
from iovalence.quality.findings import Finding
from iovalence.record import Record


class Effect(Record):
    """Say what one decision about the data changed.

    Attributes:
        finding: The effect in words.
        part: The part that both models were measured on.
        other: How the other model was trained, as `without class weights`.
        metrics: What changed, by metric; empty where no other model was trained.
        recalls: What changed in the recall of each class, in the model's order.
    """

    finding: Finding
    part: str
    other: str
    metrics: tuple[Change, ...] = ()
    recalls: tuple[Change, ...] = ()

    def metric(self, name: str) -> Change | None:
        """Return what changed in one metric, or None where it is not defined."""
        return next((change for change in self.metrics if change.name == name), None)


class Effects(Record):
    """Hold all effects of a run that were worked out, as effects.json has them."""

    effects: tuple[Effect, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return each effect as a finding."""
        return tuple(effect.finding for effect in self.effects)
