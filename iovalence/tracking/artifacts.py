"""Own which files of a run leave for MLflow, and in which form, as `tracking.rows` allows."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from iovalence.errors import StorageError
from iovalence.evaluation.mistakes import ROW_VALUES
from iovalence.reporting.pages import without_values
from iovalence.runs.folder import RunFolder
from iovalence.runs.manifest import hash_file
from iovalence.tracking.record import Rows

# Where the columns are that tell nothing of a row but its number; names may occur twice.
NUMBERS_OF_REMOVED, NUMBERS_OF_REVIEW, NUMBERS_OF_CHANGED = (0, 1, 2), (0, 1), (0, 1, 4)
# What in a profile is a value of some row, and what is only counted.
PROFILE_VALUES = {"numbers", "knots", "counts", "period"}
DOTS = ("predicted_vs_true", "residuals")


@dataclass(frozen=True)
class Artifact:
    """Name one file that leaves.

    Attributes:
        name: Its path in the run's folder and in MLflow, with `/`.
        path: The file to send; another one where rows are left out of it.
        sha256: Hash of the file in the run's folder and of what was left out.
    """

    name: str
    path: Path
    sha256: str

    @property
    def folder(self) -> str | None:
        """Return the folder in MLflow, or None for the top."""
        return self.name.rpartition("/")[0] or None


def outgoing(run: RunFolder, rows: Rows, scratch: Path) -> Iterator[Artifact]:
    """Yield every file of the run that may leave.

    Copies of the data never leave, whatever `rows` says: MLflow gets their hashes.

    Args:
        run: The run; its files no longer change.
        rows: How much of single rows may leave.
        scratch: Folder for the shortened forms of files.

    Raises:
        StorageError: A file that is shortened is damaged.
    """
    hashes = run.manifest().files
    withheld = _withheld(run, rows)
    for path in sorted(path for path in run.root.rglob("*") if path.is_file()):
        name = path.relative_to(run.root)
        hidden = any(part.startswith(".") for part in name.parts)
        if hidden or any(path == item or item in path.parents for item in withheld):
            continue
        sha256 = hashes.get(name.as_posix()) or hash_file(path)
        try:
            shortened = _shorten(run, path, rows, scratch)
        except (ValueError, csv.Error) as err:
            raise StorageError(f"a file of the run must be whole, got '{err}' ({path})") from err
        yield Artifact(name.as_posix(), shortened or path, f"{sha256}{rows if shortened else ''}")


def _withheld(run: RunFolder, rows: Rows) -> set[Path]:
    always = {run.data, run.tracking}
    if rows == "full":
        return always
    if rows == "numbers":
        # A prediction stands for its row's values, and the target's value is beside it.
        return always | {run.test_predictions}
    # Both pages name rows, and each dot of a scatter plot is one.
    dots = {run.pictures / f"{name}.{kind}" for name in DOTS for kind in ("png", "svg")}
    profiles = {run.profile, run.accepted_profile}
    pages = {run.report, run.quality_page}
    rows_too = {run.test_predictions, *_shortened(run), run.split, run.mistakes}
    return always | dots | pages | profiles | rows_too


def _shorten(run: RunFolder, path: Path, rows: Rows, scratch: Path) -> Path | None:
    """Return a copy of the file without what may not leave, or None where all of it may."""
    if rows == "numbers" and path in _shortened(run):
        return _keep_columns(path, _shortened(run)[path], scratch)
    if rows == "numbers" and path in (run.quality_page, run.report):
        return _drop_values(path, scratch)
    if rows == "numbers" and path == run.mistakes:
        return _drop_fields(path, scratch, set(ROW_VALUES))
    if rows == "numbers" and path in (run.profile, run.accepted_profile):
        return _drop_fields(path, scratch, PROFILE_VALUES)
    if rows == "none" and path == run.quality:
        # A message names rows, and shows values of some.
        return _drop_fields(path, scratch, {"rows", "partners", "message"})
    if rows == "none" and path == run.manifest_path:
        return _drop_fields(path, scratch, {"failure"})
    return None


def _shortened(run: RunFolder) -> dict[Path, tuple[int, ...]]:
    """Return the files with the values of rows, and which of their columns may leave."""
    return {
        run.removed_rows: NUMBERS_OF_REMOVED,
        run.label_review: NUMBERS_OF_REVIEW,
        run.changed_labels: NUMBERS_OF_CHANGED,
    }


def _keep_columns(path: Path, columns: Sequence[int], scratch: Path) -> Path:
    kept = scratch / path.name
    with path.open(newline="", encoding="utf-8") as read, kept.open("w", newline="") as write:
        lines = csv.reader(read)
        writer = csv.writer(write)
        writer.writerows([line[at] for at in columns] for line in lines)
    return kept


def _drop_values(path: Path, scratch: Path) -> Path:
    shortened = scratch / path.name
    shortened.write_text(without_values(path.read_text(encoding="utf-8")), encoding="utf-8")
    return shortened


def _drop_fields(path: Path, scratch: Path, names: set[str]) -> Path:
    shortened = scratch / path.name
    content = json.loads(path.read_bytes())
    shortened.write_text(json.dumps(_without(content, names), indent=2) + "\n")
    return shortened


def _without(value: object, names: set[str]) -> object:
    if isinstance(value, dict):
        return {key: _without(item, names) for key, item in value.items() if key not in names}
    return [_without(item, names) for item in value] if isinstance(value, list) else value
