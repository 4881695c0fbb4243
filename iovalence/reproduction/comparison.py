"""Own which artefacts of a run are compared with those made again, in the pipeline's order."""

from dataclasses import dataclass

from iovalence.errors import StorageError
from iovalence.reproduction.artefacts import (
    Compare,
    compare_journals,
    compare_json,
    compare_lines,
    compare_models,
    compare_quality,
    compare_tables,
    compare_weights,
)
from iovalence.reproduction.difference import Difference
from iovalence.runs.folder import RunFolder
from iovalence.runs.manifest import Manifest, hash_file

# What a run was given is not made again: only whether it was altered is looked at.
GIVEN = ("profile.accepted.json",)
ARTEFACTS: dict[str, Compare] = {
    "profile.json": compare_json,
    "quality.json": compare_quality,
    "removed_rows.csv": compare_lines,
    "label_review.csv": compare_lines,
    "changed_labels.csv": compare_lines,
    "split.parquet": compare_tables,
    "preprocessing.json": compare_json,
    "journal.jsonl": compare_journals,
    "training.json": compare_json,
    "model/weights.safetensors": compare_weights,
    "model/model.json": compare_models,
    "metrics.json": compare_json,
    "effects.json": compare_json,
    "test_predictions.parquet": compare_tables,
}
GONE = "gone"


@dataclass
class Comparison:
    """Collect what the comparison of a run with itself made again found.

    Attributes:
        altered: Files that are no longer what the manifest lists.
        results: Artefacts that came out otherwise.
        compared: How much of each artefact was compared, by its name.
        notes: What else one should know, a line each.
    """

    altered: list[Difference]
    results: list[Difference]
    compared: dict[str, str]
    notes: list[str]


def compare_runs(run: RunFolder, again: RunFolder, manifest: Manifest) -> Comparison:
    """Compare all that decides or shows a result.

    Args:
        run: The run.
        again: The same run, made again.
        manifest: What the run recorded.
    """
    found = Comparison([], [], {}, [])
    for name in GIVEN:
        _note_alteration(found, run, again, name, manifest.files.get(name))
    for name, compare in ARTEFACTS.items():
        then, now = run.root / name, again.root / name
        if not (name in manifest.files or then.is_file() or now.is_file()):
            continue
        recorded = manifest.files.get(name)
        if _note_alteration(found, run, again, name, recorded):
            found.compared[name] = "its hash"
        else:
            _note_result(found, run, again, name, compare)
    return found


def _note_alteration(
    found: Comparison, run: RunFolder, again: RunFolder, name: str, recorded: str | None
) -> bool:
    """Note a file that was altered since; say whether the one made again is as the first was."""
    path, other = run.root / name, again.root / name
    now = hash_file(path) if path.is_file() else GONE
    if recorded is None or recorded == now:
        return False
    found.altered.append(Difference(cause="record", what=name, then=recorded, now=now))
    is_as_before = other.is_file() and hash_file(other) == recorded
    if is_as_before:
        found.notes.append(f"{name} made again is as it was when the run ended")
    return is_as_before


def _note_result(
    found: Comparison, run: RunFolder, again: RunFolder, name: str, compare: Compare
) -> None:
    then, now = run.root / name, again.root / name
    if not (then.is_file() and now.is_file()):
        states = ["there" if path.is_file() else GONE for path in (then, now)]
        found.results.append(_result(name, states[0], states[1]))
        return
    try:
        found.compared[name], parting = compare(then, now)
    except StorageError as err:
        found.results.append(_result(name, f"damaged: {err.faults[0]}", "whole"))
        return
    if parting is not None:
        found.results.append(_result(f"{name}: {parting.where}", parting.then, parting.now))


def _result(what: str, then: str, now: str) -> Difference:
    return Difference(cause="result", what=what, then=then, now=now)
