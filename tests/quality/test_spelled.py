import pytest

from iovalence.quality.spelled import is_same_value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("TRUE", "true"),
        ("0,5803", "0.5803"),
        ("1,23457E+11", "123456789012"),
        ("-3", "-3.0"),
        ("01.01.2020 03:00", "2020-01-01 03:00:27.000000"),
        ("1/31/20 3:00 PM", "2020-01-31 15:00:00.000000"),
        ("31/01/2020 15:00:00", "2020-01-31 15:00:00.000000"),
        ("2020-01-04", "2020-01-04 00:00:00.000000"),
        ("2020-01-04T02:00:00+02:00", "2020-01-04 00:00:00.000000"),
    ],
)
def test_what_a_spreadsheet_made_of_a_value_is_the_same(written, value):
    assert is_same_value(written, value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("cat", "dog"),
        ("0,58", "0.5803"),
        ("", "0.5"),
        ("1.000,5", "1.0005"),
        ("01.01.2020 03:01", "2020-01-01 03:00:00.000000"),
        ("2020-01-05", "2020-01-04 00:00:00.000000"),
        ("soon", "2020-01-04 00:00:00.000000"),
    ],
)
def test_another_value_is_another(written, value):
    assert not is_same_value(written, value)
