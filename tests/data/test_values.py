import datetime as dt
import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.data.kinds import CLOCKS, TIME_FORMATS
from iovalence.data.values import as_text, parse_booleans, parse_numbers, parse_times


@given(st.lists(st.one_of(st.floats(allow_nan=False), st.none()), max_size=30))
def test_numbers_written_out_read_back_exactly(numbers):
    texts = pa.array([None if x is None else repr(x) for x in numbers], pa.string())
    assert parse_numbers(texts).to_pylist() == numbers


@given(st.lists(st.text(max_size=12), max_size=30))
def test_whatever_the_texts_reading_numbers_never_fails(texts):
    found = parse_numbers(pa.array(texts, pa.string())).to_pylist()
    for text, number in zip(texts, found, strict=True):
        if number is not None:
            assert float(text) == number or math.isinf(number)


def test_texts_that_are_no_numbers_and_nan_are_missing():
    texts = pa.array(["1", "+2.5", ".5", "1e3", "x", "1,5", "0x10", "1_0", "nan", None])
    assert parse_numbers(texts).to_pylist() == [1, 2.5, 0.5, 1000, *[None] * 6]


def test_with_decimal_commas_points_stand_between_thousands():
    texts = pa.array(["1,5", "1.234,5", "-2", "1.234", "1.5", "1,2,3", None])
    found = parse_numbers(texts, decimal_comma=True).to_pylist()
    assert found == [1.5, 1234.5, -2, 1234, None, None, None]


def test_numbers_as_texts_have_no_fraction_when_they_are_whole():
    assert as_text(pa.array([1.0, 2.5, None])).to_pylist() == ["1", "2.5", None]
    assert as_text(pa.array([True, False])).to_pylist() == ["true", "false"]


def test_words_for_true_and_false_are_read_in_any_case():
    texts = pa.array(["Yes", "no", "T", "f", "TRUE", "1", None])
    found = parse_booleans(texts).to_pylist()
    assert found == [True, False, True, False, True, None, None]


@pytest.mark.parametrize(
    ("text", "time_format"),
    [
        ("2020-03-04 05:06:00", None),
        ("2020-03-04T05:06:00.000", None),
        ("2020-03-04T05:06:00Z", None),
        ("2020-03-04 07:06:00+02:00", None),
        ("3/4/2020 5:06 AM", "%m/%d/%Y %I:%M %p"),
        ("04.03.20 05:06", "%d.%m.%y %H:%M"),
    ],
)
def test_a_time_is_read_in_its_format_as_utc(text, time_format):
    found = parse_times(pa.array([text, None]), time_format).to_pylist()
    assert found == [dt.datetime(2020, 3, 4, 5, 6), None]


def test_times_with_and_without_a_zone_and_other_texts_are_read_one_by_one():
    texts = pa.array(["2020-03-04", "2020-03-04T05:06:00Z", "soon", None])
    assert parse_times(texts, None).to_pylist() == [
        dt.datetime(2020, 3, 4),
        dt.datetime(2020, 3, 4, 5, 6),
        None,
        None,
    ]


def test_a_year_of_two_digits_is_not_read_as_one_of_four():
    assert parse_times(pa.array(["1/2/20"]), "%m/%d/%Y").to_pylist() == [None]


@pytest.mark.parametrize(
    ("text", "time_format"),
    [
        ("31/02/2020", "%d/%m/%Y"),
        ("29/02/2019", "%d/%m/%Y"),
        ("2/30/20 13:05", "%m/%d/%y %H:%M"),
        ("31.4.2020 01:00:00 PM", "%d.%m.%Y %I:%M:%S %p"),
        ("2020/11/31", "%Y/%m/%d"),
        ("Feb 30, 2020", "%b %d, %Y"),
    ],
)
def test_days_that_no_month_has_are_no_dates(text, time_format):
    assert parse_times(pa.array([text]), time_format).to_pylist() == [None]


@pytest.mark.parametrize("time_format", [day + clock for day in TIME_FORMATS for clock in CLOCKS])
def test_the_first_days_of_a_month_are_dates_in_every_format(time_format):
    days = [dt.datetime(2020, month, day, 0, 0) for month in range(1, 13) for day in (1, 2, 3, 28)]
    texts = pa.array([day.strftime(time_format) for day in days])
    assert parse_times(texts, time_format).to_pylist() == days
