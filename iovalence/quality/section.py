"""Own the `quality` section of the configuration."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from iovalence.section import Section


def _read_off(value: Any) -> Any:
    return "off" if value is False else value


Action = Annotated[Literal["off", "warn", "fix", "fail"], BeforeValidator(_read_off)]
ActionWithoutFix = Annotated[Literal["off", "warn", "fail"], BeforeValidator(_read_off)]


def _spread(value: Any, keys: tuple[str, ...]) -> Any:
    """Give one action for a whole check to each of its parts."""
    return dict.fromkeys(keys, value) if isinstance(value, str) or value is False else value


class DuplicateChecks(Section):
    """Say what happens to rows that stand in the table more than once."""

    exact: Action = Field("fix", description="copies of a whole row; fix keeps the first")

    @model_validator(mode="before")
    @classmethod
    def _one_action_for_all(cls, value: Any) -> Any:
        return _spread(value, ("exact",))


class LabelChecks(Section):
    """Say what happens to labels that are missing, spelled in several ways, or rare."""

    missing: Action = Field("fix", description="rows without a label; fix drops them")
    spelling: Action = Field(
        "fix", description="one label written in several ways; fix merges them into the commonest"
    )
    rare: Action = Field(
        "warn",
        description="classes with too few rows to be in every part; fix drops the class, "
        "warn keeps its rows in the train part",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_action_for_all(cls, value: Any) -> Any:
        return _spread(value, ("missing", "spelling", "rare"))


class BalanceCheck(Section):
    """Say when classes are too unequal, and what happens then."""

    action: Action = Field("warn", description="fix trains with class_weights: balanced")
    max_ratio: float = Field(
        10.0,
        ge=1,
        allow_inf_nan=False,
        description="most rows of the largest class for one of the smallest",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_action(cls, value: Any) -> Any:
        return _spread(value, ("action",))


class LeakageChecks(Section):
    """Say what happens where a part knows what it must not know; parts are checked for it."""

    copies: Action = Field(
        "fix",
        description="rows, or near copies of them, in two parts; fix takes the copy out of train, "
        "never out of a given file",
    )
    group: Action = Field(
        "fail",
        description="a group in two parts, as given files may have it; fix takes its rows out of "
        "train",
    )
    target: Action = Field(
        "fail",
        description="a column that by itself gives the target away; fix leaves the column out",
    )
    id: Action = Field(
        "fix", description="a column that counts or names rows, as a feature; fix leaves it out"
    )

    @model_validator(mode="before")
    @classmethod
    def _one_action_for_all(cls, value: Any) -> Any:
        return _spread(value, ("copies", "group", "target", "id"))


class DeclaredExpectations(Section):
    """Hold the user's own expectations, under Great Expectations' names and arguments."""

    action: ActionWithoutFix = Field("fail", description="what happens when one is not met")
    declared: tuple[dict[str, dict[str, Any]], ...] = Field(
        (),
        strict=False,
        description="each a name of Great Expectations and its arguments",
        examples=[[{"expect_column_values_to_be_between": {"column": "age", "min_value": 0}}]],
    )

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        return {"declared": value} if isinstance(value, list) else _spread(value, ("action",))


class QualitySection(Section):
    """Say which checks run on the data and what each one does about what it finds."""

    duplicates: DuplicateChecks = Field(DuplicateChecks(), description="rows that stand twice")
    labels: LabelChecks = Field(LabelChecks(), description="what is wrong with the labels")
    balance: BalanceCheck = Field(BalanceCheck(), description="how unequal the classes are")
    leakage: LeakageChecks = Field(LeakageChecks(), description="what one part knows of another")
    expectations: DeclaredExpectations = Field(
        DeclaredExpectations(), description="what must hold of the table"
    )
