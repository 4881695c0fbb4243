"""Own the `quality` section of the configuration."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from iovalence.section import Section


def _read_off(value: Any) -> Any:
    return "off" if value is False else value


Action = Annotated[Literal["off", "warn", "fix", "fail"], BeforeValidator(_read_off)]
ActionWithoutFix = Annotated[Literal["off", "warn", "fail"], BeforeValidator(_read_off)]


def _spread(value: Any, keys: tuple[str, ...]) -> Any:
    """Give one action for a whole check to each of its parts; what is none is refused there."""
    return dict.fromkeys(keys, value) if isinstance(value, str | bool | int | float) else value


class DuplicateChecks(Section):
    """Say what happens to rows that stand in the table more than once."""

    exact: Action = Field("fix", description="copies of a whole row; fix keeps the first")
    conflicting: Action = Field(
        "warn",
        description="rows with equal features and different labels; fix drops all of them (in a "
        "regression nothing)",
    )
    near: Action = Field(
        "warn",
        description="rows that differ by noise in their numbers and in nothing else; fix keeps "
        "one of them",
    )
    near_tolerance: float = Field(
        0.02,
        gt=0,
        allow_inf_nan=False,
        description="largest distance of near copies: root mean square over the numeric features, "
        "each in units of its column's spread",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_action_for_all(cls, value: Any) -> Any:
        return _spread(value, ("exact", "conflicting", "near"))


class LabelChecks(Section):
    """Say what happens to labels that are missing, spelled in several ways, rare or doubtful."""

    missing: Action = Field("fix", description="rows without a label; fix drops them")
    spelling: Action = Field(
        "fix", description="one label written in several ways; fix merges them into the commonest"
    )
    rare: Action = Field(
        "warn",
        description="classes with too few rows to be in every part; fix drops the class, "
        "warn keeps its rows in the train part",
    )
    errors: Action = Field(
        "warn",
        description="rows whose label a model trained on the others contradicts; fix applies the "
        "review file, fail does too and stops when others are left",
    )
    review_file: str | None = Field(
        None,
        description="a run's label_review.csv with decisions: keep, drop or a label; relative to "
        "this file; needs errors: fix or fail",
        examples=["label_review.csv"],
    )

    @model_validator(mode="before")
    @classmethod
    def _one_action_for_all(cls, value: Any) -> Any:
        return _spread(value, ("missing", "spelling", "rare", "errors"))

    @model_validator(mode="after")
    def _review_is_applied(self) -> "LabelChecks":
        if self.review_file is not None and self.errors not in ("fix", "fail"):
            raise ValueError(
                f"errors must be fix or fail with a review_file, else it would not be applied, got "
                f"{self.errors}"
            )
        return self


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


class TargetCheck(Section):
    """Say when the numbers that a regression predicts are suspicious, and what happens then."""

    action: ActionWithoutFix = Field("warn", description="what happens when they are")
    max_share: float = Field(
        0.95,
        gt=0,
        le=1,
        description="largest share of the train file's rows with one value of the target",
    )
    max_deviation: float = Field(
        10.0,
        gt=0,
        allow_inf_nan=False,
        description="farthest value from the median, in standard deviations as the median of "
        "absolute deviations estimates them",
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


class ExpectationChecks(Section):
    """Hold what must hold of the table: as the user declares, and as the last accepted run has it.

    One action is for both, a list for what is declared.
    """

    action: ActionWithoutFix = Field("fail", description="what happens when one is not met")
    declared: tuple[dict[str, dict[str, Any]], ...] = Field(
        (),
        strict=False,
        description="each a name of Great Expectations and its arguments",
        examples=[[{"expect_column_values_to_be_between": {"column": "age", "min_value": 0}}]],
    )
    inferred: ActionWithoutFix = Field(
        "warn",
        description="columns, kinds, ranges, categories and missing shares that are not as in the "
        "last accepted run: the newest of this experiment that met all its gates",
    )

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, list):
            return {"declared": value}
        return _spread(value, ("action", "inferred"))


class DriftCheck(Section):
    """Say when a distribution has moved since the last accepted run, and what happens then."""

    action: ActionWithoutFix = Field(
        "warn", description="distributions that moved since the last accepted run"
    )
    psi: float = Field(
        0.2,
        gt=0,
        allow_inf_nan=False,
        description="population stability index of a column of numbers from which on it is large",
    )
    alpha: float = Field(
        0.01,
        gt=0,
        lt=1,
        description="probability of an alarm in a table whose distributions have not moved",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_action(cls, value: Any) -> Any:
        return _spread(value, ("action",))


class QualitySection(Section):
    """Say which checks run on the data and what each one does about what it finds."""

    duplicates: DuplicateChecks = Field(DuplicateChecks(), description="rows that stand twice")
    labels: LabelChecks = Field(LabelChecks(), description="what is wrong with the labels")
    balance: BalanceCheck = Field(BalanceCheck(), description="how unequal the classes are")
    target: TargetCheck = Field(TargetCheck(), description="numbers that a regression predicts")
    leakage: LeakageChecks = Field(LeakageChecks(), description="what one part knows of another")
    expectations: ExpectationChecks = Field(
        ExpectationChecks(), description="what must hold of the table"
    )
    drift: DriftCheck = Field(DriftCheck(), description="what moved since the last accepted run")
