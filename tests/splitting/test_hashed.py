import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iovalence.data.ingest import ingest, load_table
from iovalence.data.section import DataSection
from iovalence.errors import DataError
from iovalence.quality.checks import check_rows
from iovalence.quality.section import QualitySection
from iovalence.splitting.hashed import assign_by_hash, hash_units
from iovalence.splitting.split import split_rows
from tests.quality.tables import build_table


def keys(table):
    rows = np.arange(table.num_rows)
    return hash_units(table, rows, rows).tolist()


def split(table, *, quality=None, shares=(0.3, 0.3)):
    section = QualitySection(labels="warn", **(quality or {}))
    checked = check_rows(table, section, num_parts_split=3, class_weights_given=False)
    names = {role: table.schema.names(role) for role in ("id", "group")}
    columns = {role: found[0] for role, found in names.items() if found}
    data = DataSection(
        train_file="x", split="hash", validation_split=shares[0], test_size=shares[1], **columns
    )
    return split_rows(table, checked, data, 1)


BASE = [(float(at), f"t{at}", f"g{at % 17}", at) for at in range(60)]
ROWS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 1.5, 2.0, None]),
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["g1", "g2", "h", None]),
        st.integers(100, 110),
    ),
    max_size=12,
)


def grow(rows, row_id, group):
    x, text, groups, ids = zip(*rows, strict=True)
    labels = [["yes", "no"][at % 2] for at in range(len(rows))]
    columns = {"x": x, "text": text, "g": groups, "k": [str(one) for one in ids], "y": labels}
    return build_table(columns, row_id=row_id, group=group)


@given(ROWS, ROWS, st.sampled_from([None, "k"]), st.sampled_from([None, "g"]), st.booleans())
def test_appended_rows_never_move_earlier_ones(first, later, row_id, group, fix):
    quality = {"duplicates": {"exact": "fix" if fix else "warn"}}
    before = split(grow(BASE + first, row_id, group), quality=quality)
    after = split(grow(BASE + first + later, row_id, group), quality=quality)
    assert after[: len(before)].tolist() == before.tolist()


@given(ROWS)
def test_groups_and_copies_stay_whole(rows):
    table = grow(BASE + rows, "k", "g")
    part, group = split(table, quality={"duplicates": "off"}), table.group_of_rows()
    for one in set(group[group >= 0].tolist()):
        assert len(set(part[group == one].tolist())) == 1


def test_copies_under_different_ids_go_where_the_first_goes():
    table = build_table({"x": [1.0, 1.0], "k": ["5", "6"], "y": ["a", "a"]}, row_id="k")
    first, second = hash_units(table, np.array([0, 0]), np.array([0, 1]))
    alone = hash_units(table, np.array([0, 1]), np.array([0, 1]))
    assert first == second == alone[0] != alone[1]


def test_what_is_no_content_does_not_count():
    columns = {"x": [1.0, 2.0], "z": ["u", None]}
    one = build_table({**columns, "y": ["a", "b"]})
    other = build_table({"z": ["u", None], "y": ["b", "a"], "x": [1.0, 2.0]})
    assert keys(one) == keys(other)


def test_a_number_a_date_or_a_switch_has_the_hash_of_its_text():
    days = pa.array([0, 10**15], pa.timestamp("us"))
    typed = {"n": [1.0, -2.5], "d": days, "b": [True, False], "y": ["a", "b"]}
    texts = {"n": ["1", "-2.50"], "d": ["1970-01-01", "2001-09-09 01:46:40"], "b": ["Yes", "no"]}
    assert keys(build_table(typed)) == keys(build_table({**texts, "y": ["a", "b"]}))


def test_long_numbers_of_ids_are_told_apart():
    ids = [f"1234567890123456789012{at}" for at in range(5)]
    table = build_table({"x": [0.0] * 5, "k": ids, "y": ["a", "b"] * 2 + ["a"]}, row_id="k")
    assert len(set(keys(table))) == 5


def test_a_column_that_becomes_text_as_the_table_grows_moves_no_row(tmp_path):
    lines = [f"{at / 3:.4f},2020-01-{at % 28 + 1:02d},{at % 2}" for at in range(200)]
    later = [f"about {at},some day {at},{at % 2}" for at in range(40)]
    parts = []
    for name, rows in (("small", lines), ("large", lines + later)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "t.csv").write_text("\n".join(["size,day,label", *rows]) + "\n")
        ingest(DataSection(train_file="t.csv"), folder, folder)
        parts.append(split(load_table(folder)).tolist())
    assert parts[1][:200] == parts[0]


def hash_parts(folder, name, lines):
    """Return the part of each row of a file of these lines, split by hash."""
    place = folder / name
    place.mkdir()
    (place / "t.csv").write_text("\n".join(["v,w,label", *lines]) + "\n")
    ingest(DataSection(train_file="t.csv"), place, place)
    return split(load_table(place), quality={"duplicates": "off"}).tolist()


@pytest.mark.parametrize(
    ("value", "appended"),
    [
        (lambda at: f"{at % 12 + 1:02d}/{at % 11 + 1:02d}/{2000 + at}", ["31/01/2020"]),
        (lambda at: f"{at % 12 + 1}/{at % 11 + 1}/{2000 + at}", ["13/1/2020"]),
        (lambda at: f"{at % 12 + 1}/{at % 11 + 1}/{2000 + at}", ["soon", "late"]),
        (lambda at: f"{at % 12 + 1}/{at % 11 + 1}/{2000 + at} 1:0{at % 9} pm", ["soon"]),
        (lambda at: f"January {at % 28 + 1}, {1900 + at}", ["soon"]),
        (lambda at: str(2**60 + at), [f"x{at}" for at in range(40)]),
        (lambda at: f"1.{at:03d}", ["1.234,5"]),
        (lambda at: f"{at},5", [f"x{at}" for at in range(40)]),
        (lambda at: f"{at}e300", [f"x{at}" for at in range(40)]),
        (lambda at: at if at else "low", [f"x{at}" for at in range(40)]),
    ],
)
def test_a_column_that_is_read_in_another_way_as_the_table_grows_moves_no_row(
    tmp_path, value, appended
):
    lines = [f'"{value(at)}",{"uvw"[at % 3]},{at % 2}' for at in range(100)]
    small = hash_parts(tmp_path, "small", lines)
    large = hash_parts(tmp_path, "large", lines + [f'"{text}",u,1' for text in appended])
    assert large[:100] == small
    assert len(set(small)) == 3


NUMBERS = ["1", "1.0", "1,5", "2.5", "1.234", "1.234,5", "9007199254740993", "-3", "1e300", "007"]
DATES = ["01/02/2020", "1/2/2020", "12/11/2020", "13/02/2020", "02/13/2020", "31/02/2020"]
OTHERS = ["low", "high", "yes", "No", "2020-01-02", "2020-01-02T03:04:05Z", "5 Jan 2020", "nan"]
BASES = [
    ["1", "2.5", "1.234"],
    ["1,5", "2,25", "1.234,5"],
    ["01/02/2020", "1/2/2020"],
    ["yes", "No"],
]


@settings(max_examples=25)
@given(
    st.sampled_from(BASES),
    st.lists(st.sampled_from(NUMBERS + DATES + OTHERS), max_size=4),
    st.lists(st.sampled_from(NUMBERS + DATES + OTHERS), max_size=40),
)
def test_rows_read_from_a_growing_file_keep_their_parts(base, first, later):
    values = [base[at % len(base)] for at in range(40)] + first
    lines = [f'"{value}",{at},{at % 2}' for at, value in enumerate(values + later)]
    with tempfile.TemporaryDirectory() as name:
        small = hash_parts(Path(name), "small", lines[: len(values)])
        assert hash_parts(Path(name), "large", lines)[: len(values)] == small


def test_the_hash_of_a_row_never_changes():
    table = build_table({"x": [1.5, None], "t": ["a", "b"], "y": ["a", "b"]})
    assert keys(table) == [8517008059167723858, 11759580914163920935]


def test_shares_are_met_to_within_chance():
    part = assign_by_hash(np.array(keys(grow([(at / 7, "t", "g", at) for at in range(20000)],
        None, None)), dtype=np.uint64), (0.15, 0.2))  # fmt: skip
    assert np.abs(np.bincount(part) / 20000 - [0.65, 0.15, 0.2]).max() < 0.01


def test_a_larger_test_part_takes_no_row_of_validation():
    drawn = np.random.default_rng(0).integers(0, 2**64, 1000, dtype=np.uint64)
    small, large = assign_by_hash(drawn, (0.2, 0.1)), assign_by_hash(drawn, (0.2, 0.3))
    assert ((small == 1) == (large == 1)).all()
    assert (large[small == 2] == 2).all()


def test_a_row_with_nothing_to_hash_is_refused_with_its_number():
    table = build_table({"x": [1.0, None, 3.0], "y": ["a", "b", "a"]})
    with pytest.raises(
        DataError, match=r"found none of them in 1 \(train row 2\); take these rows"
    ):
        keys(table)


def test_a_part_that_chance_leaves_empty_is_refused_by_name():
    table = build_table({"x": [1.0, 1.0, 1.0, 1.0], "k": list("abcd"), "y": ["a", "b", "a", "b"]})
    with pytest.raises(DataError, match=r"the validation part must hold a row .* share of 1e-09"):
        split(table, shares=(1e-9, 0.3))
