import pytest

from iovalence.errors import DataError
from tests.data.conftest import rows_of


def day(i):
    return f"2020-01-{1 + i % 28:02d}"


def test_dates_and_numbers_can_be_times(read_text):
    text = rows_of(40, day=day, year=lambda i: 1990 + i / 2, x=lambda i: i / 3)
    assert read_text(text, time="day").schema.column("day").kind == "datetime"
    assert read_text(text, time="year").schema.names("time") == ("year",)


@pytest.mark.parametrize(
    ("value", "wrong", "what"),
    [
        (day, "soon", "dates"),
        (lambda i: f"{1 + i % 28:02d}.11.2020", "2020", r"dates as %d\.%m\.%Y"),
        (lambda i: i, "late", "numbers"),
    ],
)
def test_values_that_are_no_times_are_one_line_with_their_rows(read_text, value, wrong, what):
    text = rows_of(40, x=lambda i: i / 3, when=lambda i: wrong if i in (4, 6) else value(i))
    message = rf"found 2 of 40 values of 'when' that are no {what}: '{wrong}' \(row 5\), '{wrong}'"
    with pytest.raises(DataError, match=message):
        read_text(text, time="when")


def test_a_column_without_a_time_is_refused(read_text):
    with pytest.raises(DataError, match=r"data\.time must have values, found 'when' missing"):
        read_text(rows_of(40, x=lambda i: i, when=lambda i: ""), time="when")


def test_a_group_is_text_and_no_feature(read_text):
    table = read_text(rows_of(40, x=lambda i: i / 3, g=lambda i: i % 4), group="g")
    assert table.schema.names("feature") == ("x",)
    assert table.columns["g"].to_pylist()[:5] == ["0", "1", "2", "3", "0"]
    assert table.group_of_rows().tolist()[:5] == [0, 1, 2, 3, 0]


def test_a_whole_number_is_one_group_however_it_is_written(read_text):
    names = ["3", "3.0", "4", "", "03", "3.5", "3e0", "4.00"]
    table = read_text(rows_of(8, x=lambda i: i / 3, g=lambda i: names[i]), group="g")
    assert table.group_of_rows().tolist() == [0, 0, 1, -1, 2, 3, 0, 1]


def test_a_group_that_is_not_there_is_named_with_the_nearest(read_text):
    with pytest.raises(
        DataError, match=r"data\.group must name .* 'patent'; did you mean 'patient'"
    ):
        read_text(rows_of(40, x=lambda i: i / 3, patient=lambda i: i % 4), group="patent")


def test_a_zone_in_some_times_alone_is_refused_with_the_rows(read_text):
    text = rows_of(40, x=lambda i: i / 3, t=lambda i: f"{day(i)}T00:00:00" + "Z" * (i != 4))
    with pytest.raises(DataError, match=r"found 1 of 40 without one: '2020-01-05T.*' \(row 5\)"):
        read_text(text, time="t")


def test_a_day_that_its_month_lacks_is_no_time(read_text):
    text = rows_of(
        40, x=lambda i: i / 3, t=lambda i: "31/02/2020" if i == 4 else f"{i % 28 + 1}/2/2020"
    )
    with pytest.raises(DataError, match=r"no dates as %d/%m/%Y: '31/02/2020' \(row 5\)"):
        read_text(text, time="t")


def test_it_is_noted_that_day_and_month_of_a_time_were_guessed(read_text):
    text = rows_of(40, x=lambda i: i / 3, t=lambda i: f"{i % 9 + 1}/{i % 7 + 1}/2020")
    note = "column 't': dates could be %m/%d/%Y or %d/%m/%Y: read as %m/%d/%Y"
    assert note in read_text(text, time="t").schema.notes
