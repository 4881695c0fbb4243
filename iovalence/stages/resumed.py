"""Own how an unfinished run goes on: which one, whether it may, and what is noted of it."""

from collections.abc import Callable

from iovalence import __version__
from iovalence.config.load import WITHOUT_EFFECT, LoadedConfig, read_resolved
from iovalence.config.model import Config
from iovalence.data.schema import TableSchema
from iovalence.errors import ConfigError, StorageError
from iovalence.runs.folder import RunFolder, find_run, list_runs
from iovalence.runs.journal import Journal, read_journal
from iovalence.runs.manifest import Manifest, now
from iovalence.runs.provenance import DECIDING, package_versions
from iovalence.runs.store import StageOutput
from iovalence.stages.opened import (
    hash_of_data,
    hash_of_review,
    note_stage,
    validate_evaluation,
)
from iovalence.tracking.sync import is_sent

NEWEST = "newest"
EPOCHS_DECIDE = ("cosine_annealing", "one_cycle")
MAX_DIFFERENCES = 10


def find_unfinished(
    loaded: LoadedConfig, reference: str, say: Callable[[str], None]
) -> RunFolder | None:
    """Return the run to go on with, or None to begin afresh.

    Args:
        loaded: The configuration, as it is now.
        reference: A run as `find_run` takes it, or `newest`: the newest of the same experiment and
            settings that did not finish, else the newest of the experiment. What a sweep trained
            goes on with the sweep.
        say: Told why a run is begun afresh.

    Raises:
        RunNotFoundError: `reference` names no run.
        StorageError: There is none but such as are damaged.
        ConfigError: The run it names has finished, or keeps no checkpoints.
    """
    if reference != NEWEST:
        run = find_run(loaded.workspace, reference)
        _check_can_go_on(run, loaded)
        return run
    experiment = loaded.config.tracking.experiment
    runs = [run for run in list_runs(loaded.workspace) if _is_of(run, experiment)]
    if not runs:
        for run in list_runs(loaded.workspace):
            run.manifest()  # a damaged one may be what is looked for: it is named
        say(f"there is no run of '{experiment}' to resume: a new one begins")
        return None
    newest = next((run for run in runs if _is_cut_off(run, loaded)), runs[0])
    if is_over(newest, loaded):
        say(f"run {newest.run_id} has finished, there is nothing to resume: a new one begins")
        return None
    _check_can_go_on(newest, loaded)
    return newest


def _is_of(run: RunFolder, experiment: str | None) -> bool:
    try:
        manifest = run.manifest()
    except StorageError:
        # Damaged, and none of ours to judge.
        return False
    is_part = manifest.sweep_id is not None or manifest.advised_for is not None
    return manifest.experiment == experiment and not is_part


def _is_cut_off(run: RunFolder, loaded: LoadedConfig) -> bool:
    """Say whether a run did not finish and has the settings that are asked for now."""
    if run.manifest().status == "FINISHED":
        return False
    try:
        then = recorded_config(run)
    except ConfigError:
        # Of a version that had other keys.
        return False
    return then.training.save_checkpoint and not compare_configs(then, loaded.config)


def is_over(run: RunFolder, loaded: LoadedConfig) -> bool:
    """Say whether a run has finished, MLflow has all of it, and no more epochs are asked for."""
    wanted = loaded.config.training.epochs
    has_finished = run.manifest().status == "FINISHED" and is_sent(run)
    return has_finished and wanted <= recorded_config(run).training.epochs


def _check_can_go_on(run: RunFolder, loaded: LoadedConfig) -> None:
    manifest = run.manifest()
    if manifest.advised_for is not None:
        raise ConfigError(
            f"a run that is resumed must not try an advice, but {run.run_id} tries one for "
            f"{manifest.advised_for}; try it again: iovalence advise {manifest.advised_for} --apply"
        )
    sweep_id = manifest.sweep_id
    if sweep_id is not None:
        raise ConfigError(
            f"a run that is resumed must not be one of a sweep, but {run.run_id} is of sweep "
            f"{sweep_id}; go on with it: the same `iovalence sweep` command with --resume"
        )
    if is_over(run, loaded):
        raise ConfigError(
            f"a run that is resumed must not have finished, but {run.run_id} has; for more epochs "
            "say so: --set training.epochs=..."
        )
    if not recorded_config(run).training.save_checkpoint:
        raise ConfigError(
            f"a run that is resumed must keep checkpoints, but {run.run_id} has "
            "training.save_checkpoint: false; train again without --resume"
        )


def recorded_config(run: RunFolder) -> Config:
    """Return the configuration of a run as it was resolved.

    Raises:
        ConfigError: This version does not take it.
    """
    return read_resolved(run.config_resolved)


def resume_run(
    loaded: LoadedConfig, run: RunFolder, ingested: StageOutput, flow_run_id: str | None = None
) -> None:
    """Take over a run that did not finish, so that it goes on.

    Raises:
        ConfigError: The configuration, the data or a version is not what it was; or
            `evaluation` names what this run does not have.
    """
    schema = TableSchema.load(ingested.folder / "schema.json")
    validate_evaluation(loaded, schema)
    manifest = run.manifest()
    _check_journal(run, manifest)
    faults = [
        *compare_configs(recorded_config(run), loaded.config),
        *_compare_data(manifest, hash_of_data(schema)),
        *_compare_review(manifest, hash_of_review(loaded)),
        *compare_versions(manifest, {"iovalence": __version__, **package_versions()}),
    ]
    if faults:
        more = [f"and {len(faults) - MAX_DIFFERENCES} more"] * (len(faults) > MAX_DIFFERENCES)
        raise ConfigError(
            [f"run {run.run_id} cannot be resumed: {line}" for line in faults[:MAX_DIFFERENCES]]
            + more
        )
    run.reopen(
        files={},
        flow_run_id=flow_run_id,
        resumed=(*manifest.resumed, now()),
    )
    _renew_config(run, loaded)
    Journal(run.journal).event("resumed")
    note_stage(run, ingested)


def _check_journal(run: RunFolder, manifest: Manifest) -> None:
    """Say what is damaged there now, not after training.

    Raises:
        StorageError: It cannot be read; or it holds nothing, and the first lines of a run are there
            before its first stage is noted.
    """
    lines, _ = read_journal(run.journal)
    if manifest.stages and not lines:
        raise StorageError(
            f"the journal must hold what happened so far, got nothing ({run.journal}): it was "
            "emptied; put it back, or train again without --resume"
        )


def _renew_config(run: RunFolder, loaded: LoadedConfig) -> None:
    """Write the configuration anew: more epochs, or keys that change no result."""
    from iovalence.atomic import write_bytes, write_text
    from iovalence.config.load import resolved_yaml

    write_bytes(run.config, loaded.text)
    write_text(run.config_resolved, resolved_yaml(loaded.config))


def compare_configs(then: Config, now: Config) -> list[str]:
    """Return a line for each key that decides the result and has changed.

    More epochs than then are no change where the schedule does not depend on their number.
    """
    before, after = _flat(then), _flat(now)
    scheduler = now.training.scheduler
    if scheduler not in EPOCHS_DECIDE and now.training.epochs >= then.training.epochs:
        after["training.epochs"] = before["training.epochs"]
    reason = "scheduler {} depends on it" if scheduler in EPOCHS_DECIDE else "or more"
    return [
        f"{key} must be {before.get(key)} as it was, got {after.get(key)}"
        + (f" ({reason.format(scheduler)})" if key == "training.epochs" else "")
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def _flat(config: Config) -> dict[str, object]:
    sections = config.model_dump(mode="json", exclude={**WITHOUT_EFFECT})
    return {
        f"{section}.{key}": value
        for section, values in sections.items()
        for key, value in values.items()
    }


def _compare_data(manifest: Manifest, data_hash: str) -> list[str]:
    if manifest.data_hash == data_hash:
        return []
    return [
        f"the data must be what was read then (hash {manifest.data_hash[:12]}), got other bytes "
        f"({data_hash[:12]}); put the files back, or train again without --resume"
    ]


def _compare_review(manifest: Manifest, review_hash: str | None) -> list[str]:
    # A file that came or went is a key that changed.
    if None in (review_hash, manifest.review_hash) or review_hash == manifest.review_hash:
        return []
    return [
        "quality.labels.review_file must be what was read then, got other bytes; put it back, or "
        "train again without --resume"
    ]


def compare_versions(manifest: Manifest, found: dict[str, str]) -> list[str]:
    """Return a line for each package that a result depends on and that has another version."""
    then = {"iovalence": manifest.iovalence_version, **manifest.versions}
    return [
        f"{name} must be {then.get(name)} as it was, got {found.get(name)}"
        for name in ("iovalence", *DECIDING)
        if then.get(name) != found.get(name)
    ]
