"""Own the environment variables that a command sets for the packages that it uses."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

SILENT = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}
"""Switches that keep every package from reporting to its makers."""

QUIET = {
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
}
"""Settings with which Prefect prints nothing; its log still goes to a server's pages."""


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def silent() -> dict[str, str]:
    """Return what every command sets: no reports to anyone, no proxy between local processes."""
    given = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    local = f"{given},127.0.0.1,localhost" if given else "127.0.0.1,localhost"
    return SILENT | {"NO_PROXY": local, "no_proxy": local}
