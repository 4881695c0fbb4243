"""Own where `iovalence check` leaves what it found: one folder for each configuration."""

from dataclasses import dataclass
from pathlib import Path

from iovalence.atomic import remove


@dataclass(frozen=True)
class ChecksFolder:
    """Name the files that checks without a training leave.

    Attributes:
        root: Their folder; all but decisions in `label_review` is written anew each time.
    """

    root: Path

    @property
    def quality(self) -> Path:
        """What the checks found."""
        return self.root / "quality.json"

    @property
    def quality_page(self) -> Path:
        """The same as a page."""
        return self.root / "quality.html"

    @property
    def removed_rows(self) -> Path:
        """What would leave the data, and why."""
        return self.root / "removed_rows.csv"

    @property
    def label_review(self) -> Path:
        """Rows whose label is doubtful, for a person to decide on; not there without any."""
        return self.root / "label_review.csv"

    @property
    def changed_labels(self) -> Path:
        """Which labels would be changed, and why; not there without any."""
        return self.root / "changed_labels.csv"

    @property
    def drift(self) -> Path:
        """By how much each column differs from what it was in the last accepted run."""
        return self.root / "drift.json"

    def clear(self) -> None:
        """Remove what earlier checks found, but for what a person may have written into.

        Raises:
            StorageError: A file cannot be removed.
        """
        found = (self.quality, self.quality_page, self.removed_rows, self.changed_labels)
        for path in (*found, self.drift):
            remove(path)


def all_checks_folder(workspace: Path) -> Path:
    """Return where the checks of all configurations of a workspace are."""
    return workspace / "checks"


def checks_folder(workspace: Path, name: str) -> ChecksFolder:
    """Return the folder of a configuration's checks.

    Args:
        workspace: Folder of runs.
        name: The configuration's file name without its ending.
    """
    return ChecksFolder(all_checks_folder(workspace) / name)
