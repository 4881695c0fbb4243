"""Own the `data` section of the configuration."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from iovalence.section import PathText, Section

Task = Literal["classification", "regression"]
SplitMethod = Literal["random", "stratified", "group", "time", "hash"]
ColumnNames = Annotated[tuple[str, ...], Field(strict=False)]

DEFAULT_MISSING = ("", "?", "NA", "N/A", "null", "NaN")


def _check_delimiter(value: str) -> str:
    if len(value) != 1 or value in '"\r\n' or not value.isascii():
        raise ValueError("must be one ASCII character, and no quote or line break")
    return value


Delimiter = Annotated[
    str, AfterValidator(_check_delimiter), Field(json_schema_extra={"pattern": '^[^"\\r\\n]$'})
]


class DataSection(Section):
    """Say where the table is and what its columns mean."""

    train_file: PathText = Field(
        description="CSV, TSV, Parquet or Arrow/Feather file, plain or compressed, or a folder or "
        "glob of them; relative to this file",
        examples=["train.csv"],
    )
    validation_file: PathText | None = Field(
        None,
        description="a file used as the validation part",
        examples=["validation.csv"],
    )
    test_file: PathText | None = Field(
        None, description="a file used as the test part", examples=["test.csv"]
    )
    target: str | None = Field(
        None,
        min_length=1,
        description="column to predict; found when one column is called label, target, class or y",
        examples=["income"],
    )
    task: Task | None = Field(
        None,
        description="classification or regression; found: text, booleans and few distinct "
        "integers are classes",
    )
    positive_class: str | None = Field(
        None,
        min_length=1,
        description="the class that counts as positive when there are two; the last when not given",
        examples=["yes"],
    )
    features: ColumnNames | None = Field(
        None, description="columns to use; all but the others when not given", examples=[["age"]]
    )
    exclude: ColumnNames = Field((), description="columns to leave out", examples=[["notes"]])
    id: str | None = Field(
        None,
        min_length=1,
        description="column that names the row; never a feature",
        examples=["customer"],
    )
    group: str | None = Field(
        None,
        min_length=1,
        description="column that names the entity a row belongs to; an entity stays in one part, "
        "whatever the split; never a feature",
        examples=["patient"],
    )
    time: str | None = Field(
        None,
        min_length=1,
        description="column with the time of the row, a date or a number; never a feature",
        examples=["visited_at"],
    )
    weight: str | None = Field(
        None,
        min_length=1,
        description="column with the weight of each row, >= 0",
        examples=["weight"],
    )
    column_names: ColumnNames | None = Field(
        None,
        min_length=1,
        description="names, in order, of the columns of a file without a header",
        examples=[["age", "income"]],
    )
    missing_values: ColumnNames = Field(
        DEFAULT_MISSING,
        description="texts that stand for a missing value; blanks around a value are stripped",
    )
    delimiter: Delimiter | None = Field(
        None,
        description="one character between the fields; found when not given",
        examples=[";"],
    )
    validation_split: float = Field(
        0.15,
        ge=0,
        lt=1,
        description="share of all rows for validation; 0 means no such part; "
        "may also stand under training",
    )
    test_size: float = Field(
        0.15,
        ge=0,
        lt=1,
        description="share of all rows for the test; 0 means no such part; "
        "may also stand under training",
    )
    split: SplitMethod | None = Field(
        None,
        description="how rows are shared out; stratified for classes, else random, when not given; "
        "group keeps entities whole, time trains on the earliest rows, hash keeps each row in its "
        "part as the table grows",
    )
    split_seed: int | None = Field(
        None,
        ge=0,
        lt=2**63,
        description="decides the split alone, so that trainings of other seeds have the same one; "
        "training.seed when not given",
        examples=[42],
    )

    @model_validator(mode="after")
    def _parts_leave_rows_to_train_on(self) -> "DataSection":
        asked = (self.validation_split if self.validation_file is None else 0.0) + (
            self.test_size if self.test_file is None else 0.0
        )
        if asked >= 1:
            raise ValueError(
                f"validation_split and test_size must sum to less than 1, got {asked:g}"
            )
        return self

    @model_validator(mode="after")
    def _names_are_given_once(self) -> "DataSection":
        for key, names in (("column_names", self.column_names), ("features", self.features)):
            twice = sorted({name for name in names or () if (names or ()).count(name) > 1})
            if twice:
                raise ValueError(f"{key} must name each column once, got '{twice[0]}' twice")
        return self

    @model_validator(mode="after")
    def _a_column_means_one_thing(self) -> "DataSection":
        seen: dict[str, str] = {}
        for key in ("target", "id", "group", "time", "weight"):
            name: str | None = getattr(self, key)
            if name in seen:
                raise ValueError(f"{key} must be another column than {seen[name]}, got '{name}'")
            if name is not None and name in self.exclude:
                raise ValueError(f"{key} must not be a column of exclude, got '{name}'")
            if name is not None:
                seen[name] = key
        for name in self.features or ():
            if name in seen or name in self.exclude:
                other = seen.get(name, "exclude")
                raise ValueError(f"features must not hold a column of {other}, got '{name}'")
        return self

    @model_validator(mode="after")
    def _a_split_has_its_column(self) -> "DataSection":
        if self.split in ("group", "time") and getattr(self, self.split) is None:
            raise ValueError(
                f"{self.split} must name a column for split: {self.split}, got nothing"
            )
        return self

    @model_validator(mode="after")
    def _regression_has_no_classes(self) -> "DataSection":
        if self.task == "regression" and self.positive_class is not None:
            raise ValueError("positive_class must be left out of a regression, got one")
        if self.task == "regression" and self.split == "stratified":
            raise ValueError("split must be random for a regression, got stratified")
        return self
