"""Own the `data` section of the configuration."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from iovalence.section import Section

Task = Literal["classification", "regression"]
SplitMethod = Literal["random", "stratified"]
ColumnNames = Annotated[tuple[str, ...], Field(strict=False)]

DEFAULT_MISSING = ("", "?", "NA", "N/A", "null", "NaN")


class DataSection(Section):
    """Say where the table is and what its columns mean."""

    train_file: str = Field(
        description="CSV, TSV, Parquet or Arrow/Feather file, plain or compressed, or a folder or "
        "glob of them; relative to this file"
    )
    validation_file: str | None = Field(None, description="a file used as the validation part")
    test_file: str | None = Field(None, description="a file used as the test part")
    target: str | None = Field(
        None,
        description="column to predict; found when one column is called label, target, class or y",
    )
    task: Task | None = Field(
        None,
        description="classification or regression; found: text, booleans and few distinct "
        "integers are classes",
    )
    positive_class: str | None = Field(
        None, description="the class that counts as positive when there are two"
    )
    features: ColumnNames | None = Field(None, description="columns to use; all but the others")
    exclude: ColumnNames = Field((), description="columns to leave out")
    id: str | None = Field(None, description="column that names the row; never a feature")
    weight: str | None = Field(None, description="column with the weight of each row, >= 0")
    column_names: ColumnNames | None = Field(
        None, description="names, in order, of the columns of a file without a header"
    )
    missing_values: ColumnNames = Field(
        DEFAULT_MISSING,
        description="texts that stand for a missing value; blanks around a value are stripped",
    )
    delimiter: str | None = Field(
        None, min_length=1, max_length=1, description="one character between the fields; found"
    )
    validation_split: float = Field(
        0.15, ge=0, lt=1, description="share of all rows for validation; 0 means no such part"
    )
    test_size: float = Field(
        0.15, ge=0, lt=1, description="share of all rows for the test; 0 means no such part"
    )
    split: SplitMethod | None = Field(
        None, description="random or stratified; stratified for classes, else random"
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
