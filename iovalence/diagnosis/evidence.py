"""Own what a diagnosis rests on: curves, baselines and data of one run, the test part left out.

It holds numbers only; where they come from, and what they mean, it refuses to know.
"""

from collections.abc import Mapping

from pydantic import Field

from iovalence.data.section import Task
from iovalence.quality.findings import Finding
from iovalence.record import Record
from iovalence.training.section import TrainingSection


class Gain(Record):
    """Say how far a model's loss is below that of the best constant, on the validation rows.

    Attributes:
        mean: Mean over the rows of the constant's loss less the model's.
        error: Its standard error.
        num_rows: Rows that it was worked out on.
    """

    mean: float
    error: float
    num_rows: int


class Losses(Record):
    """Hold one loss on the train and on the validation part, as the kept model has it."""

    train: float
    validation: float


class ClassRecall(Record):
    """Say how much of one class is found.

    Attributes:
        name: The class.
        num_train: Its rows in the train part.
        num_rows: Its rows in the validation part.
        recall: Share of those that are predicted as it, in [0, 1].
    """

    name: str
    num_train: int
    num_rows: int
    recall: float


class Evidence(Record):
    """Hold all that the rules may look at.

    Attributes:
        task: What is predicted.
        section: How it was trained, with a number for each key that was `auto`.
        is_weighed: Whether classes had weights of their own.
        device: Where it was trained.
        num_rows: Rows of the train and of the validation part, by name.
        num_parameters: Of the network; 0 where it is not known.
        train_loss: After each epoch, as it trained.
        val_loss: After each epoch; empty without a validation part.
        epoch_seconds: Of each epoch.
        kept_epoch: Whose weights are the model; None where training failed.
        stopped_early: Whether early stopping ended it.
        constant: Loss of the best constant, weighed as the curves are; None where it is not
            known.
        gain: Of the model over that constant; None without a validation part.
        plain: The model's loss without class weights; None where it was not measured.
        baselines: For each baseline that learns from features, the same loss.
        classes: How much of each class is found on the validation part; empty for regression.
        findings: What the checks of the data found.
        failed_step: Step whose loss was not finite, or None.
        failed_epoch: Its epoch.
    """

    task: Task
    section: TrainingSection
    is_weighed: bool = False
    device: str = "cpu"
    num_rows: Mapping[str, int] = Field(default_factory=dict)
    num_parameters: int = 0
    train_loss: tuple[float, ...] = ()
    val_loss: tuple[float, ...] = ()
    epoch_seconds: tuple[float, ...] = ()
    kept_epoch: int | None = None
    stopped_early: bool = False
    constant: Losses | None = None
    gain: Gain | None = None
    plain: Losses | None = None
    baselines: Mapping[str, Losses] = Field(default_factory=dict)
    classes: tuple[ClassRecall, ...] = ()
    findings: tuple[Finding, ...] = ()
    failed_step: int | None = None
    failed_epoch: int | None = None

    @property
    def num_epochs(self) -> int:
        """Return how many epochs were run."""
        return len(self.train_loss)

    @property
    def num_steps(self) -> int:
        """Return the steps of one epoch."""
        size = self.section.batch_size
        rows = self.num_rows.get("train", 0)
        return -(-rows // size) if isinstance(size, int) else 0
