import pyarrow as pa
import pytest

from iovalence.data.columnar import UNSUPPORTED
from iovalence.data.kinds import FoundKind, find_kind, names_identifier

N = 200


def find(values: list, name: str = "a", dtype: pa.DataType | None = None) -> FoundKind:
    whole = pa.array(values, dtype)
    array = pa.chunked_array([whole[:7], whole[7:]])
    return find_kind(array, pa.field(name, array.type))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("numeric", [f"{i / 8}" for i in range(N)]),
        ("numeric", ["0", "1"] * 100),
        ("boolean", ["yes", "No"] * 100),
        ("boolean", ["t", "F", None] * 100),
        ("boolean", [True, False] * 100),
        ("categorical", ["red", "blue", None] * 100),
        ("categorical", [f"city {i % 60}" for i in range(N)]),
        ("categorical", ["10%", "20%"] * 100),
        ("datetime", ["2020-01-02", "2020-01-03"] * 100),
        ("datetime", ["2020-01-02T03:04:05Z", None] * 100),
        ("datetime", ["13/01/2020", "01/02/2020"] * 100),
    ],
)
def test_the_kind_is_found_and_kept(kind, values):
    found = find(values)
    assert (found.kind, found.left_out) == (kind, "")


@pytest.mark.parametrize(
    ("kind", "reason", "values"),
    [
        ("numeric", "always 7", ["7"] * N),
        ("categorical", "always 'x'", ["x"] * N),
        ("boolean", "always 'yes'", ["yes"] * N),
        ("boolean", "always 'True'", [True] * N),
        ("categorical", "all values are missing", [None] * N),
        ("identifier", "identifier: no two values are the same", [f"k{i}" for i in range(N)]),
        ("numeric", "identifier: it counts the rows", [str(i + 5) for i in range(N)]),
        ("text", "text: 150 different values in 200 rows", [f"t{i % 150}" for i in range(N)]),
        ("text", "text: 60 different values", [f"this is line {i % 60}" for i in range(N)]),
    ],
)
def test_columns_that_say_nothing_are_left_out_with_the_reason(kind, reason, values):
    dtype = pa.string() if values[0] is None else None
    found = find(values, dtype=dtype)
    assert found.kind == kind
    assert found.left_out.startswith(reason)


def test_one_value_and_missing_ones_still_tell_something():
    assert find(["x", None] * 100).left_out == ""
    assert find(["7", None] * 100).left_out == ""


def test_whole_numbers_all_different_are_an_identifier_only_by_name():
    values = [str(i * i) for i in range(N)]
    assert find(values, "income").left_out == ""
    assert find(values, "customer_id").left_out == "identifier: no two values are the same"
    assert find(values, "customer_id").overridable


@pytest.mark.parametrize("name", ["id", "ID", "row_id", "PassengerId", "uuid", "order-no"])
def test_names_of_identifiers_are_known(name):
    assert names_identifier(name)


@pytest.mark.parametrize("name", ["humid", "paid", "monkey", "humidity", "income", "valid"])
def test_names_that_only_end_so_are_not_identifiers(name):
    assert not names_identifier(name)


def test_few_rows_do_not_make_an_identifier():
    assert find(["a", "b", "c", "d"]).kind == "categorical"
    assert find(["1", "2", "3", "4"]).left_out == ""


def test_a_few_odd_texts_among_numbers_are_taken_for_slips():
    found = find([*[f"{i / 8}" for i in range(N)], "unknown", "unknown", "n.a."])
    assert (found.kind, found.odd_values) == ("numeric", ("unknown", "n.a."))


def test_many_texts_among_numbers_are_categories():
    assert find(["1", "2", "3", "4+"] * 50).kind == "categorical"


def test_many_different_texts_among_numbers_are_codes():
    values = [*[str(i % 500) for i in range(4000)], *[f"A{i}" for i in range(100)]]
    assert find(values).kind == "categorical"


def test_decimal_commas_are_noticed():
    found = find([f"{i},{i % 9}" for i in range(N)])
    assert (found.kind, found.decimal_comma) == ("numeric", True)
    assert found.note == "numbers are written with decimal commas"


def test_commas_between_thousands_are_not_taken_for_decimal_ones():
    assert find(["1,234", "2,345"] * 100).kind == "categorical"


def test_whole_numbers_beyond_float64_are_noted():
    found = find([str(2**60 + i * i) for i in range(N)])
    assert "are kept to 15 digits only" in found.note


def test_dates_that_can_be_read_in_two_ways_are_noted():
    found = find(["01/02/2020", "03/04/2020"] * 100)
    assert found.time_format == "%m/%d/%Y"
    assert found.note == "dates could be %m/%d/%Y or %d/%m/%Y: read as %m/%d/%Y"


def test_a_column_with_one_text_that_is_no_date_is_no_date():
    assert find([*["2020-01-02", "2020-01-03"] * 100, "soon"]).kind == "categorical"


def test_values_of_a_type_that_cannot_be_used_are_left_out_by_its_name():
    field = pa.field("a", pa.string(), metadata={UNSUPPORTED: b"list<int64>"})
    found = find_kind(pa.chunked_array([["[1]", "[2]"]]), field)
    assert found.kind == "unsupported"
    assert found.left_out == "values of type list<int64> cannot be used"


def test_times_some_of_which_have_a_zone_are_noted():
    values = ["2020-01-02T03:04:05Z", "2020-01-03T00:00:00+05:00"] * 50
    assert find(values).note == ""
    assert find([*values, "2020-01-03T00:00:00"]).note == (
        "of 3 different times 2 name a zone: the others are taken for UTC"
    )
