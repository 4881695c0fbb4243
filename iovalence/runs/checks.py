"""Own where `iovalence check` leaves what it found: one folder for each configuration."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ChecksFolder:
    """Name the files that checks without a training leave.

    Attributes:
        root: Their folder; it is written anew each time.
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


def checks_folder(workspace: Path, name: str) -> ChecksFolder:
    """Return the folder of a configuration's checks.

    Args:
        workspace: Folder of runs.
        name: The configuration's file name without its ending.
    """
    return ChecksFolder(workspace / "checks" / name)
