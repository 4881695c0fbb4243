"""Fixtures that many tests share."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("iovalence", deadline=None)  # how long an example takes is no property
settings.load_profile("iovalence")

# A shell has what it starts in the background ignore Ctrl-C, and so would all that is started here.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of public data sets beside the project, or skip with a reason."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the public data sets are not beside the project (../shared/data)")
    return SHARED_DATA


@dataclass(frozen=True)
class SmallDisk:
    """A disk of its own, in memory, that is soon full.

    Attributes:
        folder: Where it is mounted.
    """

    folder: Path

    def resize(self, kilobytes: int) -> None:
        """Give it another size; what it holds stays."""
        size = f"remount,size={kilobytes}k"
        subprocess.run(["mount", "-o", size, self.folder], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Mount a disk of 640 kB, or skip with a reason."""
    if shutil.which("mount") is None:
        pytest.skip("there is no `mount` to make a small disk with")
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=640k", "tmpfs", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield SmallDisk(folder)
    subprocess.run(["umount", folder], check=True)
