"""Own the `evaluation` section of the configuration."""

from typing import Annotated

from pydantic import Field

from iovalence.section import Section, Switch

Requirement = Annotated[str, Field(pattern=r"^\s*(>=|<=|>|<)\s*[-+0-9.eE]+\s*$")]


class EvaluationSection(Section):
    """Say what is measured at the end, and what must be reached."""

    metrics: tuple[str, ...] | None = Field(
        None, strict=False, description="metrics to show, by name without the part; all"
    )
    slices: tuple[str, ...] = Field(
        (), strict=False, description="columns whose values results are broken down by"
    )
    require: dict[str, Requirement] = Field(
        {}, description='what the run must reach, as test_accuracy: ">= 0.85"; else status 4'
    )
    baseline: Switch = Field(
        True, description="show the majority class or the mean, and a linear model, beside it"
    )
