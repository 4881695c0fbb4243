import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.quality import neighbours
from iovalence.quality.conflicting import find_alike
from iovalence.quality.near import check_near, find_near_copies
from tests.quality.tables import build_table

SPREAD = [0.0, 10.0, 20.0, 30.0]  # a spread of some 11, rows far apart


def find(table, tolerance=0.02):
    target = table.columns[table.schema.target].combine_chunks()
    everything = np.ones(table.num_rows, dtype=bool)
    return find_near_copies(table, target, tolerance, everything, find_alike(table))


def check(table, action="fix", tolerance=0.02):
    target = table.columns[table.schema.target].combine_chunks()
    everything = np.ones(table.num_rows, dtype=bool)
    near = find(table, tolerance)
    return check_near(table, target, near, find_alike(table), everything, action)


def with_planted(num_rows, num_planted, seed=0, num_columns=6):
    """Return a table whose last rows are the first ones with 1 % of noise."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((num_rows, num_columns))
    noise = 0.01 * rng.standard_normal((num_planted, num_columns))
    rows = np.concatenate([rows, rows[:num_planted] + noise])
    labels = np.array(["a", "b"])[rng.integers(2, size=num_rows)]
    columns = {f"x{at}": column for at, column in enumerate(rows.T)}
    return build_table({**columns, "y": np.concatenate([labels, labels[:num_planted]])})


def brute_force(table, tolerance):
    """Return the near copies by comparing each row with each other."""
    features = table.columns.drop_columns(["y"]).to_pandas().to_numpy()
    labels = np.array(table.columns["y"].to_pylist())
    scaled = features / features.std(axis=0)
    distance = np.sqrt(np.mean((scaled[:, None] - scaled[None]) ** 2, axis=2))
    near = (distance <= tolerance) & (distance > 0) & (labels[:, None] == labels[None])
    return {tuple(pair) for pair in np.argwhere(np.triu(near)).tolist()}


def test_planted_copies_are_found_and_nothing_else():
    found = find(with_planted(3000, 30))
    assert found.pairs.tolist() == [[row, 3000 + row] for row in range(30)]
    assert not len(found.natural)


@pytest.mark.parametrize("tolerance", [0.02, 0.1, 0.3])
def test_what_is_found_is_what_comparing_all_rows_finds(tolerance):
    table = with_planted(600, 60, num_columns=3)
    near, there = find(table, tolerance), brute_force(table, tolerance)
    found = set(map(tuple, [*near.pairs.tolist(), *near.natural.tolist()]))
    assert len(found & there) >= 0.99 * len(there)
    assert len(found - there) <= 0.01 * len(there)


def test_copies_are_not_near_copies():
    assert len(find(build_table({"x": [*SPREAD, 10.0], "y": ["a"] * 5})).pairs) == 0


@pytest.mark.parametrize(
    "other",
    [
        {"c": ["p", "q", "q", "q", "r"]},
        {"c": ["p", None, "q", "q", "r"]},
        {"c": [True, True, False, True, False]},
        {"c": [datetime.datetime(2026, 1, day) for day in range(1, 6)]},
        {"z": [1.0, None, 2.0, 3.0, 4.0]},
    ],
)
def test_what_is_no_number_has_to_be_equal_and_missing_places_too(other):
    x, labels = [*SPREAD, 10.01], ["a", "b", "a", "b", "b"]
    assert find(build_table({"x": x, "y": labels})).pairs.tolist() == [[1, 4]]
    assert len(find(build_table({"x": x, **other, "y": labels})).pairs) == 0


def test_rows_that_miss_the_same_number_are_compared_by_the_others():
    z = [1.0, None, 2.0, 3.0, None]
    table = build_table({"x": [*SPREAD, 10.01], "z": z, "y": ["a"] * 5})
    assert find(table).pairs.tolist() == [[1, 4]]


def test_rows_of_different_labels_are_no_near_copies():
    assert len(find(build_table({"x": [*SPREAD, 10.01], "y": [*"abab", "a"]})).pairs) == 0


def test_the_target_of_a_regression_is_one_more_number():
    x = [*SPREAD, 10.01, 20.01]
    table = build_table({"x": x, "y": [1.0, 2.0, 3.0, 4.0, 2.001, 1.0]})
    assert find(table).pairs.tolist() == [[1, 4]]


def test_pairs_across_files_are_found_and_not_reported_as_duplicates():
    table = build_table({"x": [*SPREAD, 10.01], "y": ["a"] * 5}, num_rows=(4, 0, 1))
    assert find(table).pairs.tolist() == [[1, 4]]
    assert check(table)[0] == ()


@pytest.mark.parametrize(
    "columns",
    [
        {"c": ["p", "q", "r"]},
        {"x": [1.0, 1.0, 1.0]},
        {"x": [None, None, None]},
        {"x": [1e308, -1e308, 1.7e308]},
    ],
)
def test_columns_without_a_distance_make_no_near_copies(columns):
    arrays = {
        name: pa.array(values, pa.float64() if name == "x" else None)
        for name, values in columns.items()
    }
    assert len(find(build_table({**arrays, "y": ["a", "b", "a"]})).pairs) == 0


def test_an_outlier_does_not_make_all_others_near():
    x = [float(at) for at in range(100)] + [1e12]
    assert len(find(build_table({"x": x, "y": ["a"] * 101}), 0.005).pairs) == 0


def test_fix_keeps_the_first_of_a_chain_and_those_that_are_near_no_row_that_stays():
    x, z, w = [*SPREAD, 10.1, 10.1, 10.1], [*SPREAD, 10.0, 10.1, 10.1], [*SPREAD, 10.0, 10.0, 10.1]
    table = build_table({"x": x, "z": z, "w": w, "y": ["a"] * 7})
    (finding,), leaves = check(table, tolerance=0.008)
    assert np.flatnonzero(leaves).tolist() == [4, 6]
    assert finding.done == "removed 2 rows, the first of each kind stays"


def test_rows_that_differ_in_no_feature_leave_together():
    table = build_table({"x": [*SPREAD, 10.01, 10.01], "n": [*"abcdef"], "y": ["a"] * 6})
    table = table.without_features(["n"])
    assert np.flatnonzero(check(table)[1]).tolist() == [4, 5]


@pytest.mark.parametrize(("action", "severity"), [("warn", "warning"), ("fail", "failure")])
def test_warn_and_fail_report_near_copies_and_remove_none(action, severity):
    (finding,), leaves = check(build_table({"x": [*SPREAD, 10.01], "y": ["a"] * 5}), action)
    assert not leaves.any()
    assert finding.severity == severity
    assert finding.message == (
        "rows of the train file must differ by more than noise, found 1 of 5 to be near copies of "
        "earlier ones (train row 5)"
    )
    assert [str(row) for row in finding.partners] == ["train row 2"]
    assert "set quality.duplicates.near: fix" in finding.advice


def test_near_copies_in_a_given_file_stay():
    table = build_table({"x": [*SPREAD, 5.0, 5.01], "y": ["a"] * 6}, num_rows=(4, 0, 2))
    (finding,), leaves = check(table)
    assert not leaves.any()
    assert (finding.severity, finding.count, finding.done) == ("warning", 1, "kept")


def test_a_dense_table_says_that_its_rows_are_near_by_nature():
    x = np.random.default_rng(0).standard_normal(3000)
    (finding,), _ = check(build_table({"x": x, "y": ["a"] * 3000}), "warn", 0.001)
    assert finding.severity == "info"
    assert "found 1372 of 3000 to lie near earlier ones, as many as do by nature" in finding.message


def test_columns_that_repeat_each_other_do_not_make_a_dense_table_look_copied():
    x = np.random.default_rng(0).standard_normal(3000)
    near = find(build_table({"x": x, "z": 2 * x + 1, "y": ["a"] * 3000}), 0.001)
    assert len(near.natural) > 1000
    assert not len(near.pairs)


def test_rows_in_clusters_smaller_than_the_tolerance_are_near_by_nature():
    rng = np.random.default_rng(0)
    x, z = rng.integers(2, size=(2, 300)) * 5.0 + 0.001 * rng.standard_normal((2, 300))
    (finding,), leaves = check(build_table({"x": x, "z": z, "y": ["a"] * 300}))
    assert finding.done == "kept"
    assert not leaves.any()


def test_copies_are_told_from_rows_that_are_near_by_nature():
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.standard_normal((200, 4)), 10, axis=0)
    rows[:, 0] = rng.standard_normal(2000)
    rows = np.concatenate([rows, rows[:600:10] + 0.005 * rng.standard_normal((60, 4))])
    table = build_table({**{f"x{at}": x for at, x in enumerate(rows.T)}, "y": ["a"] * 2060})
    findings, leaves = check(table)
    assert [finding.count for finding in findings] == [60, 182]
    assert [finding.done.split()[0] for finding in findings] == ["removed", "kept"]
    assert np.flatnonzero(leaves).tolist() == list(range(2000, 2060))


def test_rows_all_in_one_place_are_bounded_and_judged_by_a_sample(monkeypatch):
    monkeypatch.setattr(neighbours, "_MIN_CANDIDATES", 10_000)
    dense = np.random.default_rng(0).random(4000)
    (finding,), _ = check(build_table({"x": dense, "y": ["a"] * 4000}), "warn", 0.05)
    assert "so many lie close together that not all pairs were compared" in finding.message
    assert finding.severity == "info"


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1.0, 1.001, 5.0, None]), st.sampled_from(["p", None])),
        min_size=1,
        max_size=12,
    )
)
def test_after_a_fix_no_two_rows_are_near(rows):
    x, c = zip(*rows, strict=True)
    table = build_table(
        {"x": pa.array(x, pa.float64()), "c": pa.array(c, pa.string()), "y": ["a"] * len(rows)}
    )
    _, leaves = check(table)
    assert not (~leaves[find(table).pairs]).all(axis=1).any()
