"""Own where the review file of a run is now, and whether it is what it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iovalence.quality.review_file import KEY, hash_review
from iovalence.quality.section import QualitySection
from iovalence.reproduction.data import GONE
from iovalence.reproduction.difference import Difference
from iovalence.runs.folder import RunFolder
from iovalence.runs.manifest import Manifest


@dataclass(frozen=True)
class LocatedReview:
    """Say where the review file is to be read again.

    Attributes:
        section: The section of the configuration that names it; None when it is gone.
        differences: The file, where it is not what it was and no copy stands in for it.
        notes: What else one should know, a line each.
    """

    section: QualitySection | None
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()


def locate_review(
    run: RunFolder, manifest: Manifest, section: QualitySection, bases: Sequence[Path]
) -> LocatedReview:
    """Return where the review file is: as the configuration says, else the run's own copy.

    Args:
        run: The run.
        manifest: What it recorded.
        section: Its configuration's section.
        bases: Folders that the path may be relative to, the likeliest first.
    """
    name, then = section.labels.review_file, manifest.review_hash
    if name is None or then is None:
        return LocatedReview(section)
    found = {base / name: _hash_there(base / name) for base in bases}
    for path, now in found.items():
        if now == then:
            return LocatedReview(_naming(section, path))
    path, now = next(((path, now) for path, now in found.items() if now), (bases[0] / name, GONE))
    what = f"{KEY} {path}"
    copy = run.review_copy / path.name
    if _hash_there(copy) == then:
        state = "is gone" if now == GONE else "is another than it was"
        note = f"{what} {state}; the run's own copy of it was read"
        return LocatedReview(_naming(section, copy), notes=(note,))
    difference = Difference(cause="data", what=what, then=then, now=now or GONE)
    return LocatedReview(None if now == GONE else _naming(section, path), (difference,))


def _hash_there(path: Path) -> str | None:
    return hash_review(path) if path.is_file() else None


def _naming(section: QualitySection, path: Path) -> QualitySection:
    """Return the section with another path, which no folder is added to."""
    labels = section.labels.model_copy(update={"review_file": str(path.resolve())})
    return section.model_copy(update={"labels": labels})
