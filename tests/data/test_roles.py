import pytest

from iovalence.errors import DataError
from tests.data.conftest import rows_of

TEXT = rows_of(
    40,
    row_id=lambda i: i + 1,
    x=lambda i: i / 3,
    color=lambda i: "rgb"[i % 3],
    city=lambda i: f"c{i}",
    day=lambda i: f"2020-01-{1 + i % 28:02d}",
    w=lambda i: 1 + i % 2,
    fixed=lambda i: 7,
    empty=lambda i: "NA",
)


def roles(table) -> dict[str, str]:
    return {column.name: column.role for column in table.schema.columns}


def test_what_is_not_said_is_decided_and_noted(read_text):
    table = read_text(TEXT)
    assert table.schema.names("feature") == ("x", "color", "day", "w")
    assert table.schema.names("left_out") == ("row_id", "city", "fixed", "empty")
    assert (
        "column 'row_id' is left out: identifier: it counts the rows "
        "(to use it, name it in data.features and set quality.leakage.id: warn)"
    ) in table.schema.notes
    assert "column 'fixed' is left out: always 7" in table.schema.notes


def test_the_users_word_comes_first(read_text):
    table = read_text(TEXT, id="city", weight="w", exclude=["day", "empty"])
    found = roles(table)
    assert (found["city"], found["w"], found["day"], found["empty"]) == (
        "id",
        "weight",
        "excluded",
        "excluded",
    )
    assert table.schema.column("city").kind == "identifier"


def test_only_the_stated_features_are_used(read_text):
    assert read_text(TEXT, features=["x", "color"]).schema.names("feature") == ("x", "color")


def test_a_number_that_looks_like_an_identifier_is_used_when_it_is_named(read_text):
    assert read_text(TEXT, features=["row_id", "x"]).schema.names("feature") == ("row_id", "x")


def test_a_column_that_says_nothing_is_left_out_even_when_it_is_named(read_text):
    table = read_text(TEXT, features=["x", "city", "fixed"])
    assert table.schema.names("left_out") == ("city", "fixed")


def test_every_name_that_is_not_there_is_refused_at_once(read_text):
    with pytest.raises(DataError) as caught:
        read_text(TEXT, features=["colour"], exclude=["z"], id="rowid", weight="w8")
    keys = [fault.split()[0] for fault in caught.value.faults]
    assert keys == ["data.features", "data.exclude", "data.id", "data.weight"]
    assert "got 'colour'; did you mean 'color'?" in caught.value.faults[0]


@pytest.mark.parametrize("setting", [{"exclude": ["label"]}, {"features": ["x", "label"]}])
def test_the_target_must_have_no_other_use(read_text, setting):
    with pytest.raises(DataError, match="must not name the target, got 'label'"):
        read_text(TEXT, **setting)


def test_a_weight_must_be_a_number(read_text):
    with pytest.raises(DataError, match=r"data\.weight must name a numeric column, found 'color'"):
        read_text(TEXT, weight="color")


def test_no_feature_left_is_refused_with_what_became_of_the_columns(read_text):
    message = (
        r"must be a feature, found none: not used are 'k' \(identifier: .*'b' \(data.exclude\)"
    )
    with pytest.raises(DataError, match=message):
        read_text(rows_of(40, k=lambda i: f"k{i}", b=lambda i: i % 5), exclude=["b"])


def test_a_table_of_the_target_alone_is_refused(read_text):
    with pytest.raises(DataError, match="found none: the target is the only column"):
        read_text("label\nx\ny\n")
