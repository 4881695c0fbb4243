"""Own what a run remembers of MLflow: where it is to be shown, and how far that has come."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from pydantic import Field

from iovalence.errors import StorageError, TrackingError
from iovalence.record import Record
from iovalence.runs.folder import RunFolder
from iovalence.runs.sweep import SweepFolder

LOCK_SECONDS = 60
Rows = Literal["none", "numbers", "full"]


class Target(Record):
    """Say where and how a run is to be shown.

    Attributes:
        uri: MLflow's tracking URI.
        experiment: Name of MLflow's experiment.
        rows: How much of single rows may leave for the server.
        tags: The user's own.
        register_as: Name in the model registry, or None.
    """

    uri: str
    experiment: str
    rows: Rows = "numbers"
    tags: dict[str, str] = Field(default_factory=dict)
    register_as: str | None = None


class TrackingRecord(Record):
    """Remember what was sent, so that nothing is sent twice and nothing is forgotten.

    Attributes:
        target: Where to; another URI or experiment starts anew.
        experiment_id: MLflow's id, once known.
        mlflow_run_id: MLflow's id, once known.
        described: Hash of the parameters and tags that were sent.
        num_lines: Lines of the journal that were sent.
        num_samples: Lines of the machine's load that were sent.
        files: SHA-256 of each artifact that was sent, by its path in the run.
        model: SHA-256 of the weights whose model MLflow has whole.
        model_id: MLflow's id of it.
        model_version: In the registry, once registered.
        end: The end that was sent, as status and time.
        figures_of: SHA-256 of the weights whose final figures were sent.
        figures_ms: Their time in MLflow, in milliseconds since 1970: those sent again, with more
            beside them, leave one point each.
    """

    target: Target
    experiment_id: str | None = None
    mlflow_run_id: str | None = None
    described: str = ""
    num_lines: int = 0
    num_samples: int = 0
    files: dict[str, str] = Field(default_factory=dict)
    model: str = ""
    model_id: str | None = None
    model_version: str | None = None
    end: str | None = None
    figures_of: str = ""
    figures_ms: int | None = None


def read_record(run: RunFolder | SweepFolder) -> TrackingRecord | None:
    """Return what a run remembers of MLflow; None for nothing, or where the file is damaged.

    It is made anew then: MLflow's run is found by its tag, and what it has is left alone.
    """
    try:
        return TrackingRecord.load(run.tracking)
    except StorageError:
        return None


def load_record(run: RunFolder | SweepFolder, target: Target) -> TrackingRecord:
    """Return what was sent to `target` so far."""
    record = read_record(run)
    if record is None:
        return TrackingRecord(target=target)
    same = (record.target.uri, record.target.experiment) == (target.uri, target.experiment)
    return record.model_copy(update={"target": target}) if same else TrackingRecord(target=target)


@contextmanager
def alone(run: RunFolder | SweepFolder) -> Iterator[None]:
    """Let one process at a time publish it, and wait for another that is at it.

    Raises:
        TrackingError: It took that one too long.
    """
    from filelock import FileLock, Timeout

    try:
        with FileLock(run.tracking_lock, timeout=LOCK_SECONDS):
            yield
    except Timeout as err:
        raise TrackingError(
            f"one process at a time may publish it, got another at it ({run.root}); "
            "try `iovalence sync` later"
        ) from err
