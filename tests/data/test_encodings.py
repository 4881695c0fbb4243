import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from iovalence.data.encodings import (
    MAX_ONE_HOT,
    BooleanEncoding,
    DatetimeEncoding,
    EmbeddedEncoding,
    NumericEncoding,
    OneHotEncoding,
    fit_categories,
)


def fill(encoding, values: list, dtype: pa.DataType | None = None) -> np.ndarray:
    out = np.full((len(values), len(encoding.feature_names)), np.nan, np.float32)
    encoding.fill(pa.array(values, dtype), out)
    return out


def chunked(values: list) -> pa.ChunkedArray:
    return pa.chunked_array([values])


def test_a_missing_number_is_the_centre_with_an_indicator():
    encoding = NumericEncoding.fit("a", chunked([1.0, 2.0, None, 3.0]))
    assert encoding.feature_names == ("a", "a=(missing)")
    found = fill(encoding, [2.0, None, 3.0])
    assert found[:2].tolist() == [[0, 0], [0, 1]]
    assert found[2, 0] > 0


def test_without_missing_numbers_in_the_train_part_there_is_no_indicator():
    encoding = NumericEncoding.fit("a", chunked([1.0, 2.0, 3.0]))
    assert fill(encoding, [2.0, None]).tolist() == [[0], [0]]


def test_booleans_are_0_and_1_with_an_indicator_of_missing_ones():
    encoding = BooleanEncoding.fit("a", chunked([True, None]))
    assert fill(encoding, [True, False, None]).tolist() == [[1, 0], [0, 0], [0, 1]]


def test_each_value_has_its_place_and_rare_ones_share_that_of_the_unseen():
    encoding = fit_categories("c", chunked(["b", "a", "b", "a", "rare", None]))
    assert encoding.feature_names == ("c=a", "c=b", "c=(unseen)", "c=(missing)")
    found = fill(encoding, ["a", "b", "rare", "new", None])
    assert found.tolist() == [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
    ]


def test_a_place_that_nothing_trained_is_not_used():
    encoding = fit_categories("c", chunked(["b", "a", "b", "a"]))
    assert encoding.feature_names == ("c=a", "c=b")
    assert fill(encoding, ["a", "new", None]).tolist() == [[1, 0], [0, 0], [0, 0]]


def test_many_values_are_embedded_and_fewer_are_not():
    values = [f"v{i}" for i in range(MAX_ONE_HOT)] * 2
    assert isinstance(fit_categories("c", chunked(values)), OneHotEncoding)
    encoding = fit_categories("c", chunked([*values, "one", "one", "more"]))
    assert isinstance(encoding, EmbeddedEncoding)
    assert encoding.num_codes == 1 + len(encoding.values) == 1 + MAX_ONE_HOT + 1


def test_codes_of_unseen_and_missing_values_are_their_own():
    values = [f"v{i:02}" for i in range(60)] * 2
    encoding = fit_categories("c", chunked([*values, None]))
    assert isinstance(encoding, EmbeddedEncoding)
    codes = encoding.codes(pa.array(["v00", "v58", "new", None]))
    assert codes.tolist() == [1, 59, 0, encoding.num_codes - 1]
    assert codes.dtype == np.int32


def test_the_place_of_unseen_values_is_always_trained():
    encoding = fit_categories("c", chunked([f"v{i:02}" for i in range(60)] * 2))
    assert isinstance(encoding, EmbeddedEncoding)
    assert encoding.codes(pa.array(["v59", None])).tolist() == [0, 0]


@pytest.mark.parametrize("times", [True, False])
def test_a_date_is_time_elapsed_and_its_place_in_the_cycles(times):
    days = [dt.datetime(2020, 1, 6, 6 * times) + dt.timedelta(days=i) for i in range(9)]
    encoding = DatetimeEncoding.fit("d", chunked([*days, None]))
    found = dict(zip(encoding.feature_names, fill(encoding, days).T, strict=True))
    assert found["d elapsed"][4] == pytest.approx(0)
    assert (np.diff(found["d elapsed"]) > 0).all()
    # A Monday in January: both cycles begin.
    assert found["d month cosine"][0] == found["d weekday cosine"][0] == 1
    assert found["d weekday sine"][7] == pytest.approx(0, abs=1e-6)
    assert ("d hour sine" in found) == times
    if times:
        assert found["d hour sine"][0] == pytest.approx(1)


def test_a_missing_date_is_0_throughout_with_an_indicator():
    encoding = DatetimeEncoding.fit("d", chunked([dt.datetime(2020, 1, 6), None]))
    missing = fill(encoding, [None], pa.timestamp("us"))[0]
    assert missing.tolist() == [0] * 5 + [1]
