"""Own the folder of a run: where each of its files is, and how a run is found again."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from iovalence.errors import ConfigError, IOValenceError, RunNotFoundError, StorageError
from iovalence.runs.journal import Line, read_journal
from iovalence.runs.manifest import Manifest, Process, Status, hash_file, now, to_ms
from iovalence.signals import undisturbed


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
    def importance(self) -> Path:
        """How much worse the model is without what each column tells."""
        return self.root / "importance.json"

    @property
    def curves(self) -> Path:
        """What the charts of the main part are drawn of."""
        return self.root / "curves.json"

    @property
    def mistakes(self) -> Path:
        """The rows that the model is most wrong about."""
        return self.root / "mistakes.json"

    @property
    def diagnosis(self) -> Path:
        """What happened in training, and what to change."""
        return self.root / "diagnosis.json"

    @property
    def advice(self) -> Path:
        """What came of the advice that was tried, after the run's end."""
        return self.root / "advice.json"

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
        seconds = manifest.seconds_until(ended)
        files = self._hashes()
        # A run that went on has written anew some of what was removed from it.
        pruned = {name: sha for name, sha in manifest.pruned.items() if name not in files}
        ending = {"status": status, "failure": failure, "ended_at": ended, "seconds": seconds}
        return self.update(**ending, files=files, pruned=pruned)

    def reopen(self, **changes: object) -> Manifest:
        """Note that the run goes on in this process; what it ran before counts, a pause does not.

        Of a run whose process died the last line of its journal is the last sign of life.

        Raises:
            StorageError: The manifest or the journal cannot be read, or not be written.
        """
        manifest = self.manifest()
        times = [to_ms(manifest.started_at), *(line["time_ms"] for line in self._journal_ends())]
        last = datetime.fromtimestamp(max(times) / 1000, UTC).isoformat(timespec="milliseconds")
        return self.update(
            status="RUNNING",
            failure=(),
            ended_at=None,
            seconds=None,
            seconds_before=manifest.seconds_until(manifest.ended_at or last),
            taken_up_at=now(),
            process=Process.this(),
            **changes,
        )

    def _journal_ends(self) -> list[Line]:
        return [line for line in read_journal(self.journal)[0] if "time_ms" in line][-1:]

    def _hashes(self) -> dict[str, str]:
        # What MLflow was told, and which advice was tried, goes on changing after the end: it is
        # not part of the record.
        apart = {self.manifest_path, self.tracking, self.advice}
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
        # Ctrl-C, SIGTERM, or the signal that a worker cancels a flow with; a second one waits.
        with undisturbed():
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
            the newest, where candidates of a sweep or of an advice do not count.

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
    return not manifest.is_candidate


def _mlflow_run_id(run: RunFolder) -> str | None:
    import json

    try:
        found = json.loads(run.tracking.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found.get("mlflow_run_id") if isinstance(found, dict) else None
