"""What later work brings is refused by name, wherever it is written."""

import pytest

from iovalence.config.keys import all_keys
from iovalence.config.later import LATER_KEYS, LATER_VALUES
from tests.config.conftest import Faults

DATA = "data: {train_file: train.csv}\n"


def nested(key: str, value: str) -> str:
    """Return a dotted key as YAML's flow mappings."""
    first, *rest = key.split(".")
    if first == "data":
        return f"data: {{train_file: train.csv, {rest[0]}: {value}}}\n"
    inner = value
    for part in reversed(rest):
        inner = f"{{{part}: {inner}}}"
    return f"{DATA}{first}: {inner}\n"


@pytest.mark.parametrize("key", LATER_KEYS)
def test_a_key_of_later_work_is_refused_by_name(faults: Faults, key: str) -> None:
    fault = f"{key} is not built yet, got x "
    assert faults(nested(key, "x"))[0].startswith(fault + "(config.yaml:")
    assert faults(DATA, f"{key}=x") == (fault + "(--set); leave it out",)


@pytest.mark.parametrize("key", [key for key in LATER_KEYS if key.count(".") == 1])
def test_a_key_of_later_work_is_refused_at_the_top_level_too(faults: Faults, key: str) -> None:
    name = key.split(".")[1]
    expected = f"{key} is not built yet, got x (config.yaml:2); leave it out"
    assert faults(DATA + f"{name}: x\n") == (expected,)
    assert faults(DATA, f"{name}=x") == (f"{key} is not built yet, got x (--set); leave it out",)


VALUES = [(key, value) for key, values in LATER_VALUES.items() for value in values]


@pytest.mark.parametrize(("key", "value"), VALUES)
def test_a_value_of_later_work_is_refused_by_name(faults: Faults, key: str, value: str) -> None:
    fault = f"{key}: {value} is not built yet "
    advice = "; use another value or leave it out"
    place = "(config.yaml:1)" if key.startswith("data") else "(config.yaml:2)"
    assert faults(nested(key, value)) == (fault + place + advice,)
    assert faults(DATA, f"{key}={value}") == (fault + "(--set)" + advice,)


def test_no_key_is_both_built_and_refused() -> None:
    assert not set(LATER_KEYS) & set(all_keys())
    assert set(LATER_VALUES) <= set(all_keys())
