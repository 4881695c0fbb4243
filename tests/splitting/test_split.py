from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.data.ingest import ingest, load_table
from iovalence.data.section import DataSection
from iovalence.errors import ConfigError, DataError
from iovalence.quality.checks import check_rows
from iovalence.quality.section import QualitySection
from iovalence.splitting.split import assign_parts, load_split, save_split, split_rows
from tests.quality.tables import build_table

SHARES = st.sampled_from(
    [(0.15, 0.15), (0.2, 0.2), (0.4, 0.1), (0.3, 0.0), (0.0, 0.01), (0.0, 0.0)]
)


def assign(labels, copy_of=None, *, shares=(0.2, 0.2), stratified=True, seed=1):
    labels = np.array(labels)
    copy_of = np.arange(len(labels)) if copy_of is None else np.array(copy_of)
    return assign_parts(labels, copy_of, shares=shares, stratified=stratified, seed=seed)


def split(table, *, num_parts_split=3, quality=None, seed=42, **data):
    section = QualitySection(**(quality or {}))
    checked = check_rows(table, section, num_parts_split=num_parts_split, class_weights_given=False)
    return split_rows(table, checked, DataSection(train_file="x", **data), seed)


def sizes(part):
    return np.bincount(part[part >= 0], minlength=3).tolist()


@pytest.mark.parametrize("stratified", [True, False])
def test_a_thousand_rows_at_a_fifth_each_are_600_200_and_200(stratified):
    labels = np.arange(1000) % 7
    assert sizes(assign(labels, stratified=stratified)) == [600, 200, 200]


def test_one_fifth_for_validation_alone_leaves_four_fifths():
    assert sizes(assign(np.zeros(1000, int), shares=(0.2, 0.0))) == [800, 200, 0]


def test_a_number_to_predict_is_split_at_random():
    table = build_table({"x": np.arange(100.0), "y": np.arange(100.0)})
    part = split(table, validation_split=0.2, test_size=0.1)
    assert sizes(part) == [70, 20, 10]
    assert part.tolist() != sorted(part.tolist())


def test_numbers_cannot_be_stratified():
    table = build_table({"x": np.arange(9.0), "y": np.arange(9.0)})
    with pytest.raises(
        ConfigError, match=r"data.split must be random where .* 'stratified' for 'y'"
    ):
        split(table, split="stratified")


def test_zero_means_no_such_part():
    assert sizes(assign(np.zeros(10, int), shares=(0.0, 0.0))) == [10, 0, 0]


@given(st.lists(st.integers(0, 4), min_size=12, max_size=200), SHARES, st.booleans())
def test_every_part_asked_for_has_rows_and_its_size(labels, shares, stratified):
    num_parts = 1 + sum(share > 0 for share in shares)
    counts = Counter(labels)
    if max(counts.values()) < num_parts:
        return
    part = assign(labels, shares=shares, stratified=stratified)
    got = sizes(part)
    assert len(part) == sum(got) == len(labels)
    assert [size > 0 for size in got] == [True, shares[0] > 0, shares[1] > 0]
    if min(counts.values()) * min([share for share in shares if share] or [1]) >= 1:
        assert got[1:] == [int(len(labels) * share + 0.5) for share in shares]


@given(st.lists(st.integers(0, 9), min_size=3, max_size=200), SHARES)
def test_a_class_is_in_every_part_or_whole_in_train(labels, shares):
    num_parts = 1 + sum(share > 0 for share in shares)
    counts = Counter(labels)
    if max(counts.values()) < num_parts:
        return
    part = assign(labels, shares=shares)
    for label, count in counts.items():
        parts = set(part[np.array(labels) == label].tolist())
        assert len(parts) == (num_parts if count >= num_parts else 1)
        assert 0 in parts


@given(st.lists(st.integers(0, 60), min_size=3, max_size=200), st.booleans(), st.integers(0, 99))
def test_no_row_content_is_in_two_parts(contents, stratified, seed):
    copy_of = [contents.index(content) for content in contents]
    labels = [content % 2 for content in contents]
    if max(len({c for c in contents if c % 2 == label}) for label in (0, 1)) < 3:
        return
    part = assign(labels, copy_of, stratified=stratified, seed=seed)
    for content in set(contents):
        assert len(set(part[np.array(contents) == content].tolist())) == 1


def test_a_row_with_very_many_copies_stays_in_train():
    copy_of = [0] * 500 + list(range(500, 1000))
    for seed in range(10):
        part = assign([0] * 1000, copy_of, seed=seed)
        assert sizes(part) == [800, 100, 100]
        assert part[0] == 0


@given(st.integers(0, 2**32), st.booleans())
def test_the_same_seed_gives_the_same_split_whatever_numpy_drew_before(seed, stratified):
    labels = np.arange(60) % 3
    first = assign(labels, seed=seed, stratified=stratified)
    np.random.random(3)
    assert first.tolist() == assign(labels, seed=seed, stratified=stratified).tolist()


def test_the_split_of_a_seed_never_changes():
    part = assign([0] * 10 + [1] * 10, seed=42)
    assert "".join(map(str, part)) == "00100220100100200021"


@given(st.integers(0, 2**32))
def test_another_seed_gives_another_split(seed):
    labels = np.arange(300) % 3
    assert assign(labels, seed=seed).tolist() != assign(labels, seed=seed + 1).tolist()


def test_every_row_comes_into_the_test_part_as_often():
    drawn = sum(assign([0] * 10 + [1] * 40, seed=seed) == 2 for seed in range(400))
    assert drawn.min() > 45
    assert drawn.max() < 120  # 80 expected, standard deviation 8


def test_too_few_rows_for_the_parts_are_refused_with_the_numbers():
    with pytest.raises(
        DataError,
        match=r"must keep at least 3 different rows, one for each part \(train, validation, "
        r"test\), got 2; add rows, or set data.validation_split or data.test_size to 0",
    ):
        assign([0, 0])


def test_no_class_with_enough_rows_is_refused_with_the_numbers():
    with pytest.raises(
        DataError,
        match="a class must have at least 3 different rows to be in each of 3 parts, "
        "got none that has among 20 rows; join classes",
    ):
        assign(np.arange(20) // 2)


@pytest.mark.parametrize("stratified", ["stratified", "random"])
def test_a_rare_class_stays_whole_in_train_when_it_is_warned_of(stratified):
    labels = ["a"] * 50 + ["b"] * 50 + ["c"] * 2
    part = split(build_table({"x": np.arange(102.0), "y": labels}), split=stratified)
    assert sizes(part) == [72, 15, 15]
    assert part[-2:].tolist() == [0, 0]


def test_a_rare_class_that_was_dropped_is_in_no_part():
    table = build_table({"x": np.arange(102.0), "y": ["a"] * 50 + ["b"] * 50 + ["c"] * 2})
    part = split(table, quality={"labels": {"rare": "fix"}})
    assert part[-2:].tolist() == [-1, -1]
    assert sizes(part) == [70, 15, 15]


def test_given_files_are_their_parts_and_the_rest_is_split():
    labels = ["a", "b"] * 60
    table = build_table({"x": np.arange(120.0), "y": labels}, num_rows=(100, 0, 20))
    part = split(table, num_parts_split=2, test_file="t", validation_split=0.2)
    assert sizes(part) == [80, 20, 20]
    assert set(part[100:].tolist()) == {2}


def test_with_both_files_given_the_train_file_is_the_train_part():
    labels = ["a", "b"] * 10
    table = build_table({"x": np.arange(20.0), "y": labels}, num_rows=(14, 4, 2))
    part = split(table, num_parts_split=1, validation_file="v", test_file="t")
    assert part.tolist() == [0] * 14 + [1] * 4 + [2] * 2


def test_copies_that_were_not_removed_stay_together():
    numbers = np.arange(100.0) // 2
    labels = np.where(numbers % 2, "a", "b")
    part = split(build_table({"x": numbers, "y": labels}), quality={"duplicates": "warn"})
    assert (part[::2] == part[1::2]).all()


def test_a_saved_split_names_every_row_that_stayed(tmp_path):
    numbers = [0.0, 0.0, *range(2, 20)]
    table = build_table({"x": numbers, "y": ["a", "a", *"ab" * 9]}, num_rows=(18, 0, 2))
    part = split(table, num_parts_split=2, test_file="t")
    save_split(tmp_path / "split.parquet", table, part)
    saved = load_split(tmp_path / "split.parquet")
    assert saved.equals(pq.read_table(tmp_path / "split.parquet"))
    assert saved.schema.types == [pa.string(), pa.int64(), pa.string()]
    rows = saved.to_pylist()
    assert [row["row"] for row in rows] == [1, *range(3, 19), 1, 2]
    assert rows[-1] == {"source": "test", "row": 2, "part": "test"}
    names = ("train", "validation", "test")
    assert [row["part"] for row in rows] == [names[at] for at in part[part >= 0]]


@pytest.mark.shared_data
def test_the_wines_split_as_asked_with_the_rare_class_in_train(shared_data, tmp_path):
    names = [*(f"c{at}" for at in range(11)), "quality"]
    file = str(shared_data / "winequality-white.csv")
    section = DataSection(train_file=file, target="quality", column_names=names)
    ingest(section, tmp_path, tmp_path)
    part = split(load_table(tmp_path), validation_split=0.2, test_size=0.2)
    assert sizes(part) == [2377, 792, 792]
