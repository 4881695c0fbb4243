"""Own how MLflow is set up in this process: quiet, quick to give up, no telemetry."""

import logging
import os
from pathlib import Path

from iovalence.errors import ConfigError

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    # A dead server is noticed within a second or a few; MLflow's own settings wait 170 s.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "3",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Not asked of git: the manifest has the commit.
    "GIT_PYTHON_REFRESH": "quiet",
}
"""Environment variables that MLflow reads; what the user has set stays."""


def prepare_environment() -> None:
    """Set the environment variables that MLflow reads, and keep its log quiet; call it first."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    # For a process that has imported MLflow before.
    logging.getLogger("mlflow").setLevel(os.environ["MLFLOW_LOGGING_LEVEL"])
    # It tells of every second try; we tell of the failure, once.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


def default_uri(workspace: Path) -> str:
    """Return the URI of the workspace's own SQLite store.

    Raises:
        ConfigError: Its path has a `?`, which no such URI can name.
    """
    if "?" in str(workspace.resolve()):
        raise ConfigError(
            "a workspace must have no '?' in its path, which MLflow takes for the end of its "
            f"database's name, got {workspace.resolve()}; name another folder"
        )
    return f"sqlite:///{workspace.resolve() / 'mlflow.db'}"


def artifacts_folder(workspace: Path) -> Path:
    """Return where the artifacts of runs in a database of our own are kept."""
    return workspace.resolve() / "mlartifacts"
