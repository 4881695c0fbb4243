"""Own the folder of a run: where each of its files is, and how a run is found again."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from iovalence.errors import ConfigError, IOValenceError, RunNotFoundError, StorageError
from iovalence.runs.manifest import Manifest, Status, hash_file, now


@dataclass(frozen=True)
class RunFolder:
    """Name the files of one run.

    Attributes:
        root: The run's folder; its name is the run's id.
    """

    root: Path

    @property
    def run_id(self) -> str:
        """Return the run's id."""
        return self.root.name

    @property
    def config(self) -> Path:
        """The user's file, byte for byte."""
        return self.root / "config.yaml"

    @property
    def config_resolved(self) -> Path:
        """The configuration with every default and override."""
        return self.root / "config.resolved.yaml"

    @property
    def quality(self) -> Path:
        """What the checks found."""
        return self.root / "quality.json"

    @property
    def quality_page(self) -> Path:
        """What the checks found, as a page."""
        return self.root / "quality.html"

    @property
    def removed_rows(self) -> Path:
        """What left the data, and why."""
        return self.root / "removed_rows.csv"

    @property
    def profile(self) -> Path:
        """What is remembered of the table, for the next run to be compared with."""
        return self.root / "profile.json"

    @property
    def accepted_profile(self) -> Path:
        """What the table was compared with: the last accepted run, and its profile."""
        return self.root / "profile.accepted.json"

    @property
    def drift(self) -> Path:
        """By how much each column differs from what it was in the last accepted run."""
        return self.root / "drift.json"

    @property
    def label_review(self) -> Path:
        """Rows whose label is doubtful, for a person to decide on; not there without any."""
        return self.root / "label_review.csv"

    @property
    def changed_labels(self) -> Path:
        """Which labels were changed, and why; not there without any."""
        return self.root / "changed_labels.csv"

    @property
    def split(self) -> Path:
        """The part of each row."""
        return self.root / "split.parquet"

    @property
    def preprocessing(self) -> Path:
        """What was fitted on the train part."""
        return self.root / "preprocessing.json"

    @property
    def journal(self) -> Path:
        """Every metric, step and time."""
        return self.root / "journal.jsonl"

    @property
    def system(self) -> Path:
        """How loaded the machine was while it trained."""
        return self.root / "system.jsonl"

    @property
    def checkpoints(self) -> Path:
        """Best, last, and the newest of the interval."""
        return self.root / "checkpoints"

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.root / "model"

    @property
    def training(self) -> Path:
        """How training went: the kept epoch, steps, class weights."""
        return self.root / "training.json"

    @property
    def rate_finder(self) -> Path:
        """How the loss went by the learning rate, where that was looked for."""
        return self.root / "rate_finder.json"

    @property
    def test_predictions(self) -> Path:
        """What the model says of the test part."""
        return self.root / "test_predictions.parquet"

    @property
    def metrics(self) -> Path:
        """Final figures with intervals."""
        return self.root / "metrics.json"

    @property
    def effects(self) -> Path:
        """What the fixes of the data changed, where they changed training."""
        return self.root / "effects.json"

    @property
    def pictures(self) -> Path:
        """Pictures of curves and errors."""
        return self.root / "pictures"

    @property
    def report(self) -> Path:
        """The page to read first."""
        return self.root / "report.html"

    @property
    def data(self) -> Path:
        """Copies of the files that were read, with `run.keep_data: copy`."""
        return self.root / "data"

    @property
    def review_copy(self) -> Path:
        """Folder of a copy of the review file, likewise."""
        return self.data / "review"

    @property
    def tracking(self) -> Path:
        """How far MLflow has been told."""
        return self.root / "tracking.json"

    @property
    def lock(self) -> Path:
        """Whose lock is held by who trains the run."""
        return self.root / ".run.lock"

    @property
    def tracking_lock(self) -> Path:
        """Whose lock is held by who tells MLflow of the run."""
        return self.root / ".tracking.lock"

    @property
    def manifest_path(self) -> Path:
        """What made the run, and how it ended."""
        return self.root / "manifest.json"

    def manifest(self) -> Manifest:
        """Read the manifest."""
        return Manifest.load(self.manifest_path)

    def update(self, **changes: object) -> Manifest:
        """Write the manifest with these fields changed, and return it."""
        manifest = self.manifest().model_copy(update=changes)
        manifest.save(self.manifest_path)
        return manifest

    def close(self, status: Status, failure: tuple[str, ...] = ()) -> Manifest:
        """Note how the run ended, and the hash of every file it left."""
        manifest = self.manifest()
        ended = now()
        started = datetime.fromisoformat(manifest.started_at)
        seconds = (datetime.fromisoformat(ended) - started).total_seconds()
        files = self._hashes()
        # A run that went on has written anew some of what was removed from it.
        pruned = {name: sha for name, sha in manifest.pruned.items() if name not in files}
        ending = {"status": status, "failure": failure, "ended_at": ended, "seconds": seconds}
        return self.update(**ending, files=files, pruned=pruned)

    def _hashes(self) -> dict[str, str]:
        # What MLflow was told goes on changing after the end: it is not part of the record.
        apart = {self.manifest_path, self.tracking}
        paths = sorted(path for path in self.root.rglob("*") if path.is_file())
        return {
            path.relative_to(self.root).as_posix(): hash_file(path)
            for path in paths
            if path not in apart and not path.name.startswith(".")
        }


def runs_folder(workspace: Path) -> Path:
    """Return the folder of all runs of a workspace."""
    return workspace / "runs"


def create_folder(workspace: Path) -> RunFolder:
    """Make the folder of a new run, under an id that no other run has.

    Raises:
        StorageError: The workspace cannot be written to.
    """
    return RunFolder(make_folder(workspace, runs_folder(workspace)))


def make_folder(workspace: Path, parent: Path) -> Path:
    """Make a folder under an id that no other has, which sorts by time; see `create_folder`.

    The id ends in the fraction of the second, in 65,536ths.
    """
    while True:
        moment = datetime.now(UTC)
        own_id = f"{moment:%Y%m%d-%H%M%S}-{moment.microsecond * 65_536 // 1_000_000:04x}"
        root = parent / own_id
        try:
            root.mkdir(parents=True)
        except FileExistsError:
            if root.is_dir():
                continue
            raise StorageError(
                f"the workspace must be a folder, got a file ({workspace})"
            ) from None
        except OSError as err:
            raise StorageError(
                f"the workspace must be writable, got '{err.strerror}' ({workspace}); "
                "set run.workspace to another folder"
            ) from err
        return root


@contextmanager
def holding(run: RunFolder) -> Iterator[None]:
    """Keep every other process from going on with a run, for a block.

    The lock ends with this process, however that ends.

    Raises:
        ConfigError: Another process is at it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(run.lock, timeout=0)
    try:
        lock.acquire()
    except Timeout as err:
        process = run.manifest().process
        raise ConfigError(
            f"one process at a time may go on with a run, but {run.run_id} goes on in another "
            f"(process {process.pid} on {process.host}); wait for its end"
        ) from err
    try:
        yield
    finally:
        lock.release()


@contextmanager
def ending(run: RunFolder) -> Iterator[None]:
    """Close the run when the block fails: FAILED with its faults, KILLED when interrupted."""
    try:
        yield
    except Exception as err:
        faults = (
            err.faults if isinstance(err, IOValenceError) else (f"{type(err).__name__}: {err}",)
        )
        _close_if_possible(run, "FAILED", faults)
        raise
    except BaseException:
        # Ctrl-C, SIGTERM, or the signal that a worker cancels a flow with.
        _close_if_possible(run, "KILLED", ("interrupted",))
        raise


def _close_if_possible(run: RunFolder, status: Status, failure: tuple[str, ...]) -> None:
    # On a full disk not even the end can be noted: what ended the run is what has to be told.
    with suppress(StorageError):
        run.close(status, failure)


def list_runs(workspace: Path) -> tuple[RunFolder, ...]:
    """Return all runs of a workspace, the newest first."""
    folders = runs_folder(workspace).glob("*/manifest.json")
    return tuple(RunFolder(path.parent) for path in sorted(folders, reverse=True))


def find_run(workspace: Path, reference: str) -> RunFolder:
    """Return the run that `reference` names.

    Args:
        workspace: Where to look.
        reference: A run's id, a unique beginning of one, MLflow's id, a run's name, or `latest`:
            the newest, where of a sweep the chosen run alone counts.

    Raises:
        RunNotFoundError: None, or more than one, fits.
    """
    runs = list_runs(workspace)
    if reference == "latest" and runs:
        return next((run for run in runs if _is_for_itself(run)), runs[0])
    fitting = [run for run in runs if run.run_id == reference]
    fitting = fitting or [run for run in runs if run.run_id.startswith(reference)]
    fitting = fitting or [run for run in runs if _name(run) == reference]
    fitting = fitting or [run for run in runs if _mlflow_run_id(run) == reference]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(run.run_id for run in fitting[:5])
        raise RunNotFoundError(
            f"'{reference}' must name one run, got {len(fitting)}: {names} ({workspace})"
        )
    newest = f"the newest is {runs[0].run_id}" if runs else "it has no runs yet"
    raise RunNotFoundError(
        f"'{reference}' must name a run of {workspace}, but none fits; {newest}; "
        "`iovalence runs` lists them"
    )


def _name(run: RunFolder) -> str | None:
    try:
        return run.manifest().run_name
    except StorageError:
        # A damaged run has no name that another could be mistaken for.
        return None


def _is_for_itself(run: RunFolder) -> bool:
    try:
        manifest = run.manifest()
    except StorageError:
        return False
    return manifest.sweep_id is None or manifest.is_chosen


def _mlflow_run_id(run: RunFolder) -> str | None:
    import json

    try:
        found = json.loads(run.tracking.read_text())
    except (OSError, json.JSONDecodeError):
        return None
    return found.get("mlflow_run_id") if isinstance(found, dict) else None
