"""Own where the data of a run are now, and which of their files are not what they were."""

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from iovalence.data.files import find_files, fingerprint, fingerprint_file, source_settings
from iovalence.data.schema import SourceFile
from iovalence.data.section import DataSection
from iovalence.errors import DataError, StorageError
from iovalence.models.predictor import ModelRecord
from iovalence.reproduction.difference import Difference
from iovalence.runs.folder import RunFolder
from iovalence.runs.manifest import Manifest
from iovalence.stages.opened import hash_of_files

GONE = "gone"
Key = tuple[str, str]


@dataclass(frozen=True)
class Located:
    """Say where the rows of a run are to be read again.

    Attributes:
        section: The section of the configuration that names them; None when they are gone.
        base: Folder that its paths are relative to.
        differences: Files that are not what they were, where no copy stands in for them.
        notes: What else one should know, a line each.
    """

    section: DataSection | None
    base: Path
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()


def locate_data(
    run: RunFolder, manifest: Manifest, section: DataSection, bases: Sequence[Path]
) -> Located:
    """Return where the data are: as the configuration says, else in the run's own copy.

    Args:
        run: The run.
        manifest: What it recorded.
        section: Its configuration's section.
        bases: Folders that paths may be relative to, the likeliest first.
    """
    hashes = {base: _hash_there(section, base) for base in bases}
    for base, found in hashes.items():
        if found == manifest.data_hash:
            return Located(section, base, notes=tuple(_name_places(base, hashes)))
    base = next((base for base, found in hashes.items() if found), bases[0])
    differences = _differences(run, manifest, section, base, bases[0])
    copies = _section_of_copies(section, run)
    if copies is not None and _hash_there(copies, base) == manifest.data_hash:
        read = [f"{_told(line)}; the run's own copy of it was read" for line in differences]
        return Located(copies, base, notes=tuple(read))
    kept = "was altered too" if copies else "was not kept (run.keep_data: copy keeps one)"
    notes = (f"a copy of the data {kept}", *_name_places(base, hashes))
    return Located(section if hashes[base] else None, base, differences, notes)


def _name_places(read: Path, hashes: Mapping[Path, str | None]) -> Iterator[str]:
    """Yield a line where a project was copied or moved, and its data are not the same in both.

    Args:
        read: Folder that the data were looked for in.
        hashes: For each folder that they may be in, the hash of what is there; None for nothing.
    """
    for folder, found in hashes.items():
        if found != hashes[read]:
            state = "gone" if found is None else "others"
            yield f"the data are those of {read}; in {folder} they are {state}"


def _told(difference: Difference) -> str:
    state = "is gone" if difference.now == GONE else "is another than it was"
    return f"{difference.what} {state}"


def _hash_there(section: DataSection, base: Path) -> str | None:
    try:
        return hash_of_files(fingerprint(section, base))
    except DataError:
        return None


def _section_of_copies(section: DataSection, run: RunFolder) -> DataSection | None:
    """Return the section with the run's own copies in place of its files; None without any."""
    changes: dict[str, str] = {}
    for source, _, _ in source_settings(section):
        folder = run.data.resolve() / source
        files = sorted(folder.glob("*"))
        if not files:
            return None
        several = str(Path(glob.escape(str(folder))) / "*")
        changes[f"{source}_file"] = str(files[0]) if len(files) == 1 else several
    return section.model_copy(update=changes)


def _differences(
    run: RunFolder, manifest: Manifest, section: DataSection, base: Path, base_then: Path
) -> tuple[Difference, ...]:
    """Name each file that is gone, new, or has other bytes."""
    then = _by_key(_recorded_files(run, manifest), base_then)
    now = _by_key(_files_there(section, base), base)
    if not then:
        found = hash_of_files(now.values()) if now else GONE
        return (Difference(cause="data", what="data", then=manifest.data_hash, now=found),)
    return tuple(
        Difference(
            cause="data",
            what=f"data.{key[0]}_file {os.path.normpath(base / key[1])}",
            then=then[key].sha256 if key in then else "not there",
            now=now[key].sha256 if key in now else GONE,
        )
        for key in {**then, **now}
        if key not in then or key not in now or then[key].sha256 != now[key].sha256
    ) or (Difference(cause="data", what="the order of the files", then="another", now="another"),)


def _recorded_files(run: RunFolder, manifest: Manifest) -> tuple[SourceFile, ...]:
    """Return the files that were read; none where the record of them was altered."""
    try:
        files = ModelRecord.load(run.model / "model.json").table.files
    except StorageError:
        return ()
    return files if hash_of_files(files) == manifest.data_hash else ()


def _files_there(section: DataSection, base: Path) -> list[SourceFile]:
    found: list[SourceFile] = []
    for source, key, value in source_settings(section):
        try:
            paths = find_files(value, base, key)
            found += [fingerprint_file(path, source, key) for path in paths]
        except DataError:
            continue
    return found


def _by_key(files: Sequence[SourceFile], base: Path) -> dict[Key, SourceFile]:
    """Return files by their source and their path from the configuration's folder."""
    return {(file.source, os.path.relpath(file.path, base)): file for file in files}
