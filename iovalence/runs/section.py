"""Own the `run` section of the configuration."""

from typing import Annotated, Literal

from pydantic import Field

from iovalence.section import PathText, Section


class RunSection(Section):
    """Say where runs are kept and what of the machine they use."""

    workspace: PathText = Field(
        ".iovalence",
        description="folder of runs, models and MLflow's files, beside this file",
    )
    threads: Literal["auto"] | Annotated[int, Field(ge=1, le=1024)] = Field(
        "auto", description="threads of the arithmetic; auto chooses from the work of one step"
    )
    workers: Literal["auto"] | Annotated[int, Field(ge=1, le=1024)] = Field(
        "auto", description="processes of a sweep; auto takes as many as pay here"
    )
    engine: Literal["local"] = Field("local", description="where the run is computed")
    keep_data: Literal["reference", "copy"] = Field(
        "reference", description="copy keeps the files that were read with the run"
    )
