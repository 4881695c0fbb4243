"""Own the store of stages: a folder for each stage and input, written once.

A folder is named by a hash of all that went in. What has been done for the same input is not
done again, and a run that failed goes on from the stage that failed.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from iovalence.atomic import explain_os_error, write_folder
from iovalence.record import Record

_SIZES = "sizes.json"


class StageOutput(Record):
    """Hand one stage's result to the next: where it is, and what it cost.

    Attributes:
        stage: Name of the stage.
        key: Hash of all that went in, 64 hexadecimal digits.
        folder: Where its files are.
        seconds: Time it took now; close to 0 when it was there already.
        reused: Whether it was there already.
    """

    stage: str
    key: str
    folder: Path
    seconds: float
    reused: bool


@dataclass(frozen=True)
class StageStore:
    """Keep the results of stages under one folder.

    Attributes:
        root: Where they are; made when needed.
    """

    root: Path

    def produce(
        self, stage: str, inputs: Mapping[str, object], write: Callable[[Path], object]
    ) -> StageOutput:
        """Return the stage's folder for these inputs, written by `write` when not there yet.

        Args:
            stage: Name of the stage.
            inputs: All that decides the result, as JSON can hold it.
            write: Writes the stage's files into an empty folder.

        Raises:
            StorageError: The store cannot be written to.
        """
        from filelock import FileLock

        started = time.perf_counter()
        key = hash_of(inputs)
        folder = self.root / stage / folder_name(key)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(lock_of(folder)):
                reused = is_whole(folder)
                if reused:
                    # When it was last asked for: what no run refers to yet is not removed then.
                    os.utime(folder)
                else:
                    shutil.rmtree(folder, ignore_errors=True)
                    write_folder(folder, lambda path: _write(path, write))
        except OSError as err:
            if hasattr(err, "faults"):
                raise
            raise explain_os_error(err, folder, "writing") from err
        seconds = time.perf_counter() - started
        return StageOutput(stage=stage, key=key, folder=folder, seconds=seconds, reused=reused)


def store_folder(workspace: Path) -> Path:
    """Return where the results of stages are in a workspace."""
    return workspace / "store"


def folder_name(key: str) -> str:
    """Return how the folder of a stage's result is called, by its key."""
    return key[:32]


def lock_of(folder: Path) -> Path:
    """Return the file whose lock is held by who makes, takes or removes a stage's folder."""
    return folder.with_suffix(".lock")


def hash_of(inputs: Mapping[str, object]) -> str:
    """Return the SHA-256 of values as canonical JSON, in hexadecimal."""
    text = json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def is_whole(folder: Path) -> bool:
    """Say whether a stage's folder is there, with all its files in their sizes.

    What was cut, emptied or deleted is noticed, and the stage done again; hashing gigabytes for
    every run would cost more than many a stage.
    """
    try:
        sizes = json.loads((folder / _SIZES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(sizes == _file_sizes(folder))


def _write(folder: Path, write: Callable[[Path], object]) -> None:
    write(folder)
    (folder / _SIZES).write_text(json.dumps(_file_sizes(folder)), encoding="utf-8")


def _file_sizes(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != _SIZES
    }
