"""What later work brings is refused by name, wherever it is written."""

import pytest

from iovalence.config.keys import all_keys
from iovalence.config.later import LATER_VALUES
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


VALUES = [(key, value) for key, values in LATER_VALUES.items() for value in values]


@pytest.mark.parametrize(("key", "value"), VALUES)
def test_a_value_of_later_work_is_refused_by_name(faults: Faults, key: str, value: str) -> None:
    fault = f"{key}: {value} is not built yet "
    advice = "; use another value or leave it out"
    place = "(config.yaml:1)" if key.startswith("data") else "(config.yaml:2)"
    assert faults(nested(key, value)) == (fault + place + advice,)
    assert faults(DATA, f"{key}={value}") == (fault + "(--set)" + advice,)


def test_a_key_with_a_refused_value_is_built() -> None:
    assert set(LATER_VALUES) <= set(all_keys())
