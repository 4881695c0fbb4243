"""Own the comparison with the last accepted run as a stage, and what a run keeps of it."""

from iovalence.atomic import copy_file
from iovalence.config.load import LoadedConfig
from iovalence.quality.comparison import Accepted, Comparison, is_wanted
from iovalence.quality.profile import Profile
from iovalence.record import Record
from iovalence.runs.accepted import find_accepted, recall_accepted, record_accepted
from iovalence.runs.folder import RunFolder
from iovalence.runs.store import StageOutput
from iovalence.stages.opened import note_stage
from iovalence.stages.stored import compare_stage, profile_stage


class ComparedStages(Record):
    """Name what came of comparing a table with that of the last accepted run.

    Attributes:
        profiled: The table's profile.
        compared: What was found, and what it was compared with.
    """

    profiled: StageOutput
    compared: StageOutput


def compare_stages(
    loaded: LoadedConfig, ingested: StageOutput, run: RunFolder | None = None
) -> ComparedStages:
    """Compare a table with that of the last accepted run.

    Args:
        loaded: The configuration.
        ingested: The table.
        run: A run that was compared before is so with the same one; None for none.
    """
    profiled = profile_stage(loaded, ingested)
    accepted = None if run is None else recall_accepted(run)
    if accepted is None:
        accepted = _find(loaded, profiled)
    compared = compare_stage(loaded, ingested, profiled, accepted)
    return ComparedStages(profiled=profiled, compared=compared)


def _find(loaded: LoadedConfig, profiled: StageOutput) -> Accepted:
    if not is_wanted(loaded.config.quality):
        return Accepted()
    experiment = loaded.config.tracking.experiment or loaded.path.stem
    profile = Profile.load(profiled.folder / "profile.json")
    return find_accepted(loaded.workspace, experiment, profile)


def load_comparison(stages: ComparedStages) -> Comparison:
    """Return what the comparison found."""
    return Comparison.load(stages.compared.folder / "comparison.json")


def record_comparison(run: RunFolder, stages: ComparedStages) -> None:
    """Write into a run its table's profile, what it was compared with, and the figures."""
    copy_file(stages.profiled.folder / "profile.json", run.profile)
    record_accepted(run, Accepted.load(stages.compared.folder / "accepted.json"))
    drift = load_comparison(stages).drift
    if drift is not None:
        drift.save(run.drift)
    note_stage(run, stages.profiled)
    note_stage(run, stages.compared)
