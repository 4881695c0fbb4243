"""Own the whole configuration as one typed value; its sections live beside what they configure."""

from typing import Literal

from pydantic import Field, model_validator

from iovalence.data.section import DataSection
from iovalence.evaluation.section import EvaluationSection
from iovalence.quality.section import QualitySection
from iovalence.runs.section import RunSection
from iovalence.section import Section
from iovalence.tracking.section import TrackingSection
from iovalence.training.section import TrainingSection

Preset = Literal["quick_prototype", "balanced", "production", "limited_data"]


class Config(Section):
    """Say all that decides a run. Frozen, checked, every default filled in."""

    preset: Preset | None = Field(
        None,
        description="a named scenario to start from; what this file says wins over it",
        examples=["balanced"],
    )
    comments: str | dict[str, str] = Field(
        "",
        description="a text, or the reason for the value of any key; shown beside the result",
        examples=[{"training.learning_rate": "0.01 jumped"}],
    )
    data: DataSection = Field(description="where the table is and what its columns mean")
    quality: QualitySection = Field(
        QualitySection(), description="which checks run on the data, and what each one does"
    )
    training: TrainingSection = Field(TrainingSection(), description="what is trained, and how")
    evaluation: EvaluationSection = Field(
        EvaluationSection(), description="what is measured at the end, and what must be reached"
    )
    tracking: TrackingSection = Field(
        TrackingSection(), description="where and under which names the run is shown in MLflow"
    )
    run: RunSection = Field(
        RunSection(), description="where runs are kept, and what of the machine they use"
    )

    @model_validator(mode="after")
    def _sequences_have_groups_and_times(self) -> "Config":
        data = self.data
        if self.training.model_type != "rnn":
            return self
        if data.group is None or data.time is None:
            lacking = "group" if data.group is None else "time"
            raise ValueError(
                f"data.{lacking} must name a column with training.model_type: rnn, got nothing"
            )
        if data.split not in (None, "group", "hash"):
            raise ValueError(
                "data.split must be group or hash with training.model_type: rnn, which takes "
                f"sequences whole, got {data.split}"
            )
        if self.quality.labels.review_file is not None:
            raise ValueError(
                "quality.labels.review_file must be left out with training.model_type: rnn, whose "
                f"labels are those of sequences, got {self.quality.labels.review_file}"
            )
        return self
