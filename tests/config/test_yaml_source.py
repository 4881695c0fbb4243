"""How YAML is read, and what is refused before any key is looked at."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iovalence.config.load import load_config
from iovalence.config.yaml_source import parse_yaml
from iovalence.config.yaml_text import inline, to_yaml
from iovalence.errors import ConfigError
from tests.config.conftest import Faults, Load

DATA = "data: {train_file: train.csv}\n"


def read(text: str) -> object:
    root, faults = parse_yaml(text, "config.yaml")
    assert faults == []
    assert root is not None
    return root.unwrap()


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("+12", 12),
        ("010", 10),
        ("0x1f", 31),
        ("0o17", 15),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("Null", None),
        ("", None),
        ("-.inf", float("-inf")),
    ],
)
def test_numbers_and_words_are_read_as_yaml_1_2_does(written: str, value: object) -> None:
    found = read(f"key: {written}")
    assert found == {"key": value}
    assert repr(found) == repr({"key": value})


@pytest.mark.parametrize(
    "written",
    ["yes", "No", "on", "OFF", "y", "1:30", "2026-01-31", "1_000", "NaN", "inf", "1e", "e5", "=",
     "nULL", "0b11", "tRUE"],
)  # fmt: skip
def test_what_yaml_1_1_reads_otherwise_stays_a_text(written: str) -> None:
    assert read(f"key: {written}") == {"key": written}


def test_nan_is_a_number() -> None:
    assert repr(read("[.nan, .NaN]")) == "[nan, nan]"


def test_a_quoted_number_is_a_text() -> None:
    assert read("{a: '1', b: \"true\", c: !!str 2}") == {"a": "1", "b": "true", "c": "2"}


def test_a_key_is_always_a_text() -> None:
    assert read("{0: a, true: b, null: c, 1.0: d}") == {
        "0": "a",
        "true": "b",
        "null": "c",
        "1.0": "d",
    }


def test_every_key_and_item_knows_its_line() -> None:
    root, _ = parse_yaml("a:\n  b:\n    - 1\n    - c: 2\n  d:\n    3\n", "f.yaml")
    assert root is not None
    places = {path: str(node.place) for path, node in root.scalars()}
    assert places == {
        ("a", "b", 0): "f.yaml:3",
        ("a", "b", 1, "c"): "f.yaml:4",
        ("a", "d"): "f.yaml:5",
    }


def test_an_alias_stands_for_its_anchor() -> None:
    assert read("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), values, max_size=4))
def test_what_is_written_reads_back_the_same(value: dict[str, object]) -> None:
    assert read(to_yaml(value)) == value


@given(values)
def test_what_is_written_inline_is_one_line_and_reads_back_the_same(value: object) -> None:
    text = inline(value)
    assert "\n" not in text
    assert read(f"key: {text}") == {"key": value}


def test_duplicate_keys_are_refused_with_both_lines(faults: Faults) -> None:
    text = DATA + "training:\n  epochs: 5\n  seed: 1\n  epochs: 6\nrun: {}\nrun: {}\n"
    assert faults(text) == (
        "training.epochs must be written once, got it at config.yaml:3 and again (config.yaml:5); "
        "keep one",
        "run must be written once, got it at config.yaml:6 and again (config.yaml:7); keep one",
    )


VALID = "the configuration must be valid YAML, got "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: b: c",
            VALID + "'mapping values are not allowed here' (config.yaml:1:5); "
            "quote a text that holds ': '",
        ),
        (
            "data:\n\ttrain_file: x",
            VALID + r"'found character '\t' that cannot start any token' (config.yaml:2:1); "
            "indent with blanks, not tabs",
        ),
        (
            "a: [1\n",
            VALID + "'expected ',' or ']', but got '<stream end>'' (config.yaml:2:1); "
            "look at this line and the one before it",
        ),
        (
            "require:\n  test_accuracy: >= 0.9",
            VALID + "'expected chomping or indentation indicators, but found '='' "
            "(config.yaml:2:19); quote a text that begins with '>' or '|'",
        ),
        (
            "train_file: *.csv",
            VALID + "'expected alphabetic or numeric character, but found '.'' "
            "(config.yaml:1:14); quote a text that begins with '*' or '&'",
        ),
        (
            "a: 1\n---\nb: 2",
            VALID + "'but found another document' (config.yaml:2:1); "
            "keep one document, without another '---'",
        ),
        ("a: \x07", "the configuration must be printable text, got the character U+0007 "
            "(config.yaml:1)"),
        (b"a: 1\nb: \xff", "the configuration must be UTF-8 text, got byte 0xff (config.yaml:2); "
            "save it as UTF-8"),
        ("[1, 2]", "the configuration must be a mapping of keys, got a list (config.yaml:1); "
            "begin with data: {train_file: ...}"),
        ("# \n\nhello", "the configuration must be a mapping of keys, got hello (config.yaml:3); "
            "begin with data: {train_file: ...}"),
        (" \n", "the configuration must hold a mapping of keys, got an empty file (config.yaml); "
            "begin with data: {train_file: ...}"),
        ("#" * 1_000_001, "the configuration must be at most 1,000,000 bytes, got more "
            "(config.yaml); is this the data?"),
        ("[" * 5000, "the configuration must be at most 20 levels deep, got more (config.yaml)"),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_what_is_no_mapping_in_yaml_is_one_line(
    faults: Faults, text: str | bytes, message: str
) -> None:
    assert faults(text) == (message,)


def test_a_bomb_of_aliases_is_refused_quickly(faults: Faults) -> None:
    levels = "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
    expected = "the configuration must hold at most 50,000 values, 20 deep, got more"
    assert faults("a0: &a0 x\n" + levels)[0].startswith(expected)


def test_an_alias_of_itself_is_refused(faults: Faults) -> None:
    assert "leave out aliases that repeat themselves" in faults("a: &a [*a]\n")[0]


@pytest.mark.parametrize(
    "value", ["!secret x", "!!python/name:os.system x", "!!int abc", "!!float 5"]
)
def test_tags_are_refused(faults: Faults, value: str) -> None:
    fault = faults(DATA + f"comments: {value}\n")[0]
    assert fault.startswith("comments must be a plain value, got the tag !")
    assert fault.endswith("(config.yaml:2); leave the tag out")


def test_a_key_that_is_no_text_is_refused(faults: Faults) -> None:
    fault = "a key must be a text, got a list or a mapping (config.yaml:2)"
    assert fault in faults(DATA + "comments: {{x: 1}: 2}\n")


def test_half_a_character_is_refused(faults: Faults) -> None:
    found = "must be whole characters, got half a surrogate pair (config.yaml:2)"
    assert faults(DATA + 'comments: "\\ud83d"\n') == (f"comments {found}",)
    assert f"a key {found}" in faults(DATA + '"\\udc00": 1\n')


def test_a_byte_order_mark_is_no_fault(load: Load) -> None:
    assert load(b"\xef\xbb\xbf" + DATA.encode()).data.train_file == "train.csv"


def test_windows_line_ends_are_no_fault(faults: Faults) -> None:
    assert "(config.yaml:3)" in faults("data:\r\n  train_file: a.csv\r\nepochs: x\r\n")[0]


def test_a_missing_file_names_the_one_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "config.yml").touch()
    with pytest.raises(ConfigError, match=r"must be a file, got none .*did you mean .*config\.yml"):
        load_config(tmp_path / "config.yaml")


def test_a_missing_file_without_a_likely_one_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"got none .*; write one: iovalence init DATA"):
        load_config(tmp_path / "there" / "config.yaml")


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be a file, got a folder"):
        load_config(tmp_path)


def test_a_file_that_may_not_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="must be readable, got 'Not a directory'"):
        load_config(tmp_path / "file" / "config.yaml")
    path = tmp_path / "secret.yaml"
    path.write_text(DATA)
    path.chmod(0)
    try:
        path.read_bytes()
    except PermissionError:
        with pytest.raises(ConfigError, match="must be readable, got 'Permission denied'"):
            load_config(path)
