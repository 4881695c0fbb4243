"""Own the `training` section of the configuration."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from iovalence.models.architecture import Activation, Cell
from iovalence.section import Section, Switch

ModelType = Literal["neural_network", "linear", "rnn"]
Optimizer = Literal["sgd", "momentum", "adam", "adamw", "rmsprop"]
Scheduler = Literal["none", "step", "cosine_annealing", "plateau", "one_cycle"]
Device = Literal["auto", "cuda", "mps", "cpu"]
BatchSize = Annotated[int, Field(ge=1, le=2**31 - 1)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Width = Annotated[int, Field(ge=1, le=65536)]
Beta = Annotated[float, Field(ge=0, lt=1)]
ClassWeight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class TrainingSection(Section):
    """Say what is trained, and how."""

    model_type: ModelType = Field(
        "neural_network",
        description="neural_network (layers below), linear (a simple baseline) or rnn (over the "
        "rows of each data.group in order of data.time)",
    )
    layers: tuple[Width, ...] = Field(
        (128, 64, 32),
        strict=False,
        description="widths of the hidden layers; [] is linear; with rnn the first is the "
        "recurrent layer",
    )
    cell: Cell = Field("gru", description="what goes over the rows of a sequence, for rnn")
    bidirectional: Switch = Field(
        False, description="whether another cell goes over them from the end, for rnn"
    )
    max_sequence_length: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="rows of a sequence, for rnn; longer ones keep their last rows; none takes all",
        examples=[500],
    )
    activation: Activation = Field("relu", description="function between the layers")
    dropout: float = Field(
        0.3, ge=0, lt=1, description="share of each hidden layer set to zero in a training step"
    )
    l2_regularization: float = Field(
        0.0001,
        ge=0,
        allow_inf_nan=False,
        description="L2 penalty, as weight decay coupled to the gradient (adamw: decoupled)",
    )
    epochs: int = Field(30, ge=1, description="most passes over the train part")
    batch_size: BatchSize | Literal["auto"] = Field(
        32,
        description="rows for one step; the last batch may be less; auto chooses from the device, "
        "its free memory and the number of rows",
    )
    optimizer: Optimizer = Field("adam", description="rule that turns gradients into updates")
    momentum: float = Field(0.9, ge=0, lt=1, description="for optimizer momentum")
    adam_betas: Annotated[tuple[Beta, Beta], Field(strict=False)] = Field(
        (0.9, 0.999), description="decay of the two running means, for adam and adamw"
    )
    rmsprop_alpha: float = Field(
        0.99, ge=0, lt=1, description="decay of the running mean, for rmsprop"
    )
    learning_rate: Rate | Literal["auto"] = Field(
        0.001, description="size of an update; auto finds it by a sweep on the train part"
    )
    scheduler: Scheduler = Field(
        "none", description="how the learning rate changes; none keeps it fixed"
    )
    step_size: int = Field(10, ge=1, description="epochs between two drops, for scheduler step")
    gamma: float = Field(
        0.1, gt=0, le=1, description="factor of a drop, for schedulers step and plateau"
    )
    warmup_epochs: int = Field(
        0, ge=0, description="epochs in which the rate rises to learning_rate"
    )
    early_stopping: Switch = Field(
        True, description="stop when the validation loss no longer falls"
    )
    patience: int = Field(5, ge=1, description="epochs in a row without improvement, then stop")
    min_delta: float = Field(
        0.001, ge=0, allow_inf_nan=False, description="smallest fall that is an improvement"
    )
    keep: Literal["best", "last"] = Field(
        "best", description="epoch whose weights are the model: best by validation loss, or last"
    )
    class_weights: Literal["none", "balanced"] | dict[str, ClassWeight] = Field(
        "none",
        description="none, balanced, or a weight for each class",
        examples=[{"no": 1.0, "yes": 4.0}],
    )
    gradient_clip: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None, description="largest norm of the gradient; none does not clip", examples=[1.0]
    )
    save_checkpoint: Switch = Field(
        True, description="false: nothing is kept but the finished model"
    )
    checkpoint_interval: int = Field(5, ge=1, description="epochs between checkpoints")
    checkpoint_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None,
        description="minutes between checkpoints within long epochs; none saves after epochs only",
        examples=[15],
    )
    keep_checkpoints: int = Field(3, ge=1, description="how many of the interval are kept")
    mixed_precision: Literal["auto"] | Switch = Field(
        "auto",
        description="products in bfloat16 on a GPU: true, false, or auto where it is faster",
    )
    device: Device = Field("auto", description="where the model is trained; auto takes a GPU")
    verbose: Switch = Field(
        True,
        description="show how it goes: a live display on a terminal, else a line an epoch; "
        "false is silent but for errors",
    )
    seed: int = Field(42, ge=0, lt=2**63, description="decides every random choice of the run")

    @model_validator(mode="after")
    def _a_recurrent_network_has_a_layer(self) -> "TrainingSection":
        if self.model_type == "rnn" and not self.layers:
            raise ValueError(
                "layers must have a width at least with model_type: rnn, the recurrent layer's, "
                "got []"
            )
        if self.model_type == "rnn" and self.mixed_precision is True:
            raise ValueError("mixed_precision must be auto or false with model_type: rnn, got true")
        return self

    @model_validator(mode="after")
    def _warm_up_ends_before_training(self) -> "TrainingSection":
        if self.warmup_epochs >= self.epochs and self.warmup_epochs > 0:
            raise ValueError(
                f"warmup_epochs must be < epochs ({self.epochs}), got {self.warmup_epochs}"
            )
        if self.scheduler == "one_cycle" and self.warmup_epochs > 0:
            raise ValueError(
                "warmup_epochs must be 0 with scheduler one_cycle, which warms up by itself, "
                f"got {self.warmup_epochs}"
            )
        return self


class SettledTraining(TrainingSection):
    """Say what is trained, and how, with a number for every key that may be `auto`.

    What trains takes this one.
    """

    batch_size: BatchSize = Field(32, description="rows for one step")
    learning_rate: Rate = Field(0.001, description="size of an update")

    @classmethod
    def of(
        cls, section: TrainingSection, *, batch_size: int, learning_rate: float
    ) -> "SettledTraining":
        """Return a section with these numbers; what else was given stays given."""
        given = section.model_dump(exclude_unset=True)
        numbers = {"batch_size": batch_size, "learning_rate": learning_rate}
        return cls.model_validate(given | numbers)
