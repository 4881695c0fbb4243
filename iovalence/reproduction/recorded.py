"""Own what a run recorded of itself, as it is needed to make the run again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from iovalence.config.load import LoadedConfig, config_hash, deciding_values, load_config
from iovalence.errors import ConfigError, RunNotFoundError
from iovalence.evaluation.result import EvaluationResult
from iovalence.reproduction.difference import Difference
from iovalence.runs.folder import RunFolder
from iovalence.runs.manifest import Manifest, hash_file


def finished_manifest(run: RunFolder, purpose: str = "be made again") -> Manifest:
    """Return the manifest of a run that came to its end; a requirement may be unmet.

    Args:
        run: The run.
        purpose: What it must have finished for, for the message.

    Raises:
        RunNotFoundError: It did not: there is nothing whole to compare with.
        StorageError: The manifest cannot be read.
    """
    manifest = run.manifest()
    if manifest.status == "FINISHED" or _missed_requirements(run, manifest):
        return manifest
    raise RunNotFoundError(
        f"run {run.run_id} must have finished to {purpose}, but its state is "
        f"{manifest.state()}; `iovalence runs` shows finished ones"
    )


def _missed_requirements(run: RunFolder, manifest: Manifest) -> bool:
    if manifest.status != "FAILED" or not run.metrics.is_file():
        return False
    return EvaluationResult.load(run.metrics).unmet == manifest.failure


def read_config(
    run: RunFolder, manifest: Manifest
) -> tuple[LoadedConfig | None, tuple[Difference, ...]]:
    """Return the run's resolved configuration, and what is not as the manifest says.

    None stands for a configuration that is gone, or that this version does not take.
    """
    name = run.config_resolved.name
    then = manifest.files.get(name, "not recorded")
    if not run.config_resolved.is_file():
        return None, (Difference(cause="config", what=name, then=then, now="gone"),)
    try:
        loaded = load_config(run.config_resolved)
    except ConfigError as err:
        now = f"refused: {err.faults[0]}"
        return None, (Difference(cause="config", what=name, then="accepted", now=now),)
    workspace = run.root.parents[1]
    loaded = replace(loaded, base=bases(run, manifest, loaded)[0], workspace=workspace)
    now = hash_file(run.config_resolved)
    if now == then:
        return loaded, ()
    altered = _altered_keys(run, manifest, loaded)
    return loaded, altered or (Difference(cause="config", what=name, then=then, now=now),)


def bases(run: RunFolder, manifest: Manifest, loaded: LoadedConfig) -> tuple[Path, ...]:
    """Return the folders that paths of the configuration may be relative to, the likeliest first.

    Where the configuration was; and where it would be now if it was moved with its workspace.
    """
    workspace = run.root.parents[1]
    parts = Path(loaded.config.run.workspace).parts
    moved = Path(*workspace.parts[: -len(parts)])
    found = [Path(manifest.config_path).parent] if manifest.config_path else []
    if ".." not in parts and workspace == moved.joinpath(*parts) and moved not in found:
        found.append(moved)
    return tuple(found) or (workspace.parent,)


def _altered_keys(
    run: RunFolder, manifest: Manifest, loaded: LoadedConfig
) -> tuple[Difference, ...]:
    """Name the keys that were altered, where the user's own file still says how they were."""
    try:
        original = load_config(run.config).config
    except ConfigError:
        return ()
    if config_hash(original) != manifest.config_hash:
        return ()
    return name_keys(deciding_values(original), deciding_values(loaded.config))


def name_keys(original: dict[str, Any], other: dict[str, Any]) -> tuple[Difference, ...]:
    """Name each key by its dotted name whose value is another in a second configuration."""
    then, now = (dict(_flatten(values)) for values in (original, other))
    return tuple(
        Difference(cause="config", what=key, then=then.get(key, "none"), now=now.get(key, "none"))
        for key in sorted({*then, *now})
        if then.get(key) != now.get(key)
    )


def _flatten(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    flat: list[tuple[str, str]] = []
    for key, value in values.items():
        inner = _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else None
        flat += inner or [(f"{prefix}{key}", "none" if value is None else str(value))]
    return flat
