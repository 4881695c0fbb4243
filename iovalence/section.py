"""Own what all sections of the configuration share; know no section."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class Section(BaseModel):
    """Hold one section of the configuration: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, strict=True)


_SWITCH_WORDS = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}


def _read_switch(value: Any) -> Any:
    # The loader keeps `yes` and `off` as text, so that a label or a column may be called `no`.
    return _SWITCH_WORDS.get(value.lower(), value) if isinstance(value, str) else value


Switch = Annotated[bool, BeforeValidator(_read_switch)]
"""true or false, also written yes, no, on, off."""


def _check_path(value: str) -> str:
    if "\0" in value:
        raise ValueError("must be a path, which holds no NUL")
    return value


PathText = Annotated[str, Field(min_length=1), AfterValidator(_check_path)]
"""A path as it is written: not empty, and one that an operating system can take."""
