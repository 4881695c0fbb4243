"""Fixtures that the tests of the configuration share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from iovalence.config.load import load_config
from iovalence.config.model import Config
from iovalence.errors import ConfigError

Load = Callable[..., Config]
Faults = Callable[..., tuple[str, ...]]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Return a function that loads a text as `config.yaml`, named as a user would name it."""
    monkeypatch.chdir(tmp_path)

    def load_text(text: str | bytes, *overrides: str) -> Config:
        path = Path("config.yaml")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_config(path, overrides).config

    return load_text


@pytest.fixture
def faults(load: Load) -> Faults:
    """Return a function that loads a text and returns the faults it must have, a line each."""

    def load_faults(text: str | bytes, *overrides: str) -> tuple[str, ...]:
        with pytest.raises(ConfigError) as caught:
            load(text, *overrides)
        assert all(fault.isprintable() for fault in caught.value.faults)
        assert all(len(fault) < 600 for fault in caught.value.faults)
        return caught.value.faults

    return load_faults
