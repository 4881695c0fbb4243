"""Own the way to MLflow's tracking store: how it is opened, and how its failures are told."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from iovalence.atomic import scratch_folder
from iovalence.errors import IOValenceError, TrackingError
from iovalence.tracking.environment import artifacts_folder, prepare_environment

if TYPE_CHECKING:
    from mlflow import MlflowClient

SQLITE = "sqlite:///"
# MLflow's pages else open with what is for language models.
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
MAX_CAUSE = 200
_UNREACHABLE = {
    "Connection refused": "no server there",
    "Failed to resolve": "an unknown host",
    "timed out": "no answer in time",
    "Connect timeout": "no answer in time",
    "ConnectTimeoutError": "no answer in time",
    "Connection aborted": "a broken connection",
    "Connection reset": "a broken connection",
}
_REFUSED = {
    "error code 401": "'not allowed' (401); set MLFLOW_TRACKING_USERNAME and _PASSWORD",
    "error code 403": "'not allowed' (403)",
}


class UnreachableError(TrackingError):
    """The tracking server does not answer."""


def open_store(uri: str, workspace: Path) -> "MlflowClient":
    """Return MLflow's client for `uri`; a SQLite file is made when it is not there yet.

    Args:
        uri: MLflow's tracking URI.
        workspace: Where artifacts are kept when no server keeps them.

    Raises:
        TrackingError: The store cannot be reached or opened.
    """
    prepare_environment()
    from mlflow import MlflowClient

    with telling(uri):
        database = database_file(uri)
        if database is not None:
            _create_database(database, workspace)
        return MlflowClient(tracking_uri=uri, registry_uri=uri)


def database_file(uri: str) -> Path | None:
    """Return the file of a SQLite store, or None for any other store."""
    return Path(uri.removeprefix(SQLITE).split("?")[0]) if uri.startswith(SQLITE) else None


def _create_database(path: Path, workspace: Path) -> None:
    """Make a SQLite store under another name and rename it when it is whole.

    MLflow makes one in some sixty steps: two processes at it break each other, and a killed one
    leaves a file that no MLflow opens.
    """
    from filelock import FileLock
    from mlflow import MlflowClient

    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        if path.exists():
            return
        # A name that no store had before: MLflow remembers stores by it.
        with scratch_folder(path.parent, path.name) as folder:
            fresh = folder / path.name
            # The store's experiment `Default` else keeps its artifacts in ./mlruns.
            with _artifacts_at(_name_artifacts(workspace)):
                MlflowClient(tracking_uri=f"{SQLITE}{fresh}").get_experiment_by_name("Default")
            fresh.replace(path)


def _name_artifacts(workspace: Path) -> str:
    folder = artifacts_folder(workspace)
    # MLflow writes it into SQL as it is, where quotes of both kinds end each other.
    return folder.as_uri() if "'" in str(folder) else str(folder)


@contextmanager
def _artifacts_at(folder: str) -> Iterator[None]:
    name = "_MLFLOW_SERVER_ARTIFACT_ROOT"
    before = os.environ.get(name)
    os.environ[name] = folder
    try:
        yield
    finally:
        os.environ.pop(name) if before is None else os.environ.update({name: before})


@contextmanager
def telling(uri: str) -> Iterator[None]:
    """Turn what MLflow raises in the block into one line.

    Raises:
        TrackingError: MLflow, its server or its database failed.
    """
    prepare_environment()
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except IOValenceError:
        raise
    except ImportError as err:
        raise TrackingError(
            f"the driver of the tracking database must be installed, got '{err}' ({shown(uri)})"
        ) from err
    except (MlflowException, RequestException, SQLAlchemyError, OSError) as err:
        text = str(err)
        unreachable = _known(text, _UNREACHABLE)
        kind = UnreachableError if unreachable else TrackingError
        cause = unreachable or _known(text, _REFUSED) or f"'{_first_line(err)}'"
        raise kind(
            f"MLflow must take the run, got {cause} ({shown(uri)}); the run's folder is whole "
            "without it, and `iovalence sync` sends it later"
        ) from err


def _known(text: str, causes: Mapping[str, str]) -> str | None:
    return next((cause for sign, cause in causes.items() if sign in text), None)


def _first_line(err: BaseException) -> str:
    lines = [line.strip() for line in shown(str(err)).splitlines() if line.strip()]
    return lines[0][:MAX_CAUSE] if lines else type(err).__name__


def shown(uri: str) -> str:
    """Return a URI, or a text with URIs in it, without user names and passwords."""
    return re.sub(r"://[^/@\s]*@", "://", uri)


def find_experiment(client: "MlflowClient", name: str, uri: str, workspace: Path) -> str:
    """Return the id of an experiment, which is made when it is not there yet.

    Raises:
        TrackingError: The experiment was deleted.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        # A server has its own place for artifacts; a database has none but the working folder.
        ours = None if uri.startswith("http") else artifacts_folder(workspace).as_uri()
        try:
            return str(client.create_experiment(name, ours, tags=EXPERIMENT_TAGS))
        except MlflowException as err:
            if err.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = client.get_experiment_by_name(name)
    if found.lifecycle_stage != "active":
        raise TrackingError(
            f"the experiment '{name}' must not be deleted, got a deleted one ({shown(uri)}); "
            f"`mlflow experiments restore --experiment-id {found.experiment_id}` restores it, or "
            "set tracking.experiment to another name"
        )
    return str(found.experiment_id)
