"""Own the `tracking` section of the configuration."""

from typing import Literal

from pydantic import Field

from iovalence.section import Section


class TrackingSection(Section):
    """Say where and under which names the run is shown in MLflow."""

    uri: str | None = Field(
        None,
        min_length=1,
        description="MLflow's tracking URI; SQLite in the workspace when not given; its password "
        "comes from the environment",
        examples=["http://127.0.0.1:5000"],
    )
    experiment: str | None = Field(
        None,
        min_length=1,
        description="MLflow's experiment; the name of this file when not given",
        examples=["income"],
    )
    run_name: str | None = Field(
        None, min_length=1, description="a name people remember", examples=["first try"]
    )
    tags: dict[str, str] = Field(
        {}, description="tags of the run, each a text", examples=[{"team": "risk"}]
    )
    register_as: str | None = Field(
        None,
        min_length=1,
        description="name in the model registry to register the model under; else it is not",
        examples=["income-model"],
    )
    rows: Literal["none", "numbers", "full"] = Field(
        "numbers", description="how much of single rows may leave for the tracking server"
    )
