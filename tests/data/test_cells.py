import pyarrow as pa

from iovalence.data.cells import clean_cells


def clean(values, *missing_values):
    batch = pa.RecordBatch.from_arrays([values], ["a"])
    return clean_cells(batch, missing_values).column(0).to_pylist()


def test_blanks_around_texts_are_stripped_before_missing_values_are_looked_for():
    texts = pa.array([" x ", "\t?", "a b", "  ", "\u00a0y"])
    assert clean(texts, "", " ? ") == ["x", None, "a b", None, "y"]


def test_missing_values_that_are_numbers_are_missing_in_columns_of_numbers():
    assert clean(pa.array([1, -999, 3]), "", "-999") == [1, None, 3]
    assert clean(pa.array([1.5, -999.0]), "NaN", "-999") == [1.5, None]


def test_columns_without_such_values_stay_as_they_are():
    assert clean(pa.array([True, False]), "", "true") == [True, False]
    assert clean(pa.array([1, 2]), "", "?") == [1, 2]
