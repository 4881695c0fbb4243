"""Own the way from a file and the command line's overrides to a checked configuration, and back."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iovalence.config.credentials import holds_secret
from iovalence.config.faults import Fault, nearest, raise_faults
from iovalence.config.keys import none_is_null
from iovalence.config.later import refuse_later
from iovalence.config.model import Config
from iovalence.config.node import VARIED, Node, Place, dotted, shorten
from iovalence.config.overrides import apply_overrides
from iovalence.config.placing import place_keys
from iovalence.config.presets import PRESETS
from iovalence.config.validation import build_config
from iovalence.config.yaml_source import MAX_BYTES, read_mapping
from iovalence.config.yaml_text import Quoted, to_yaml
from iovalence.errors import ConfigError

WITHOUT_EFFECT: dict[str, bool | set[str]] = {
    "preset": True,
    "comments": True,
    "tracking": True,
    "run": {"workspace", "keep_data", "workers"},
    "training": {
        "verbose",
        "save_checkpoint",
        "checkpoint_interval",
        "checkpoint_minutes",
        "keep_checkpoints",
    },
}
"""Keys that change no weight and no figure: they are left out of the hash of a configuration."""


@dataclass(frozen=True)
class LoadedConfig:
    """Hold a configuration and where it came from.

    Attributes:
        config: Checked and complete; the experiment's name is filled in too.
        path: The file as it was named.
        base: The file's folder, absolute: what paths in it are relative to.
        text: The file's bytes as they were read.
        workspace: Folder of runs, absolute.
    """

    config: Config
    path: Path
    base: Path
    text: bytes
    workspace: Path


def load_config(
    path: Path,
    overrides: Sequence[str] = (),
    *,
    varied: Sequence[str] = (),
    text: bytes | None = None,
) -> LoadedConfig:
    """Read a configuration, and check all of it at once.

    Args:
        path: YAML file.
        overrides: Texts `KEY=VALUE`, as of `--set`; they win over the file.
        varied: Likewise, of `--vary`; they win over both.
        text: The file's bytes where they were read before.

    Raises:
        ConfigError: Anything is wrong with it; one line for each fault.
    """
    text = _read(path) if text is None else text
    file = Place(0, str(path))
    root, faults = read_mapping(text, str(path))
    root, secrets = _refuse_secrets(root, text, file)
    root, strays = place_keys(root)
    root, overridden = apply_overrides(root, overrides)
    root, wrongly_varied = apply_overrides(root, varied, VARIED)
    root, more_secrets = _refuse_secrets(root, b"", file)
    root, later = refuse_later(root)
    config, wrong = build_config(_fill(root, path), file)
    found = [*faults, *secrets, *strays, *overridden, *wrongly_varied, *more_secrets, *later]
    raise_faults([*found, *wrong])
    if config is None:
        raise ConfigError(f"the configuration must hold, got a fault without a name ({path})")
    base = path.resolve().parent
    return LoadedConfig(config, path, base, text, _resolve_workspace(config, base, path))


def _resolve_workspace(config: Config, base: Path, path: Path) -> Path:
    folder = config.run.workspace
    try:
        workspace = (base / Path(folder).expanduser()).resolve()
    except (RuntimeError, OSError) as err:
        raise ConfigError(
            f"run.workspace must be a folder that can be found, got {shorten(folder)} "
            f"({path}); {err}"
        ) from err
    if "?" in str(workspace) and config.tracking.uri is None:
        # Said now, not by MLflow when all is trained.
        raise ConfigError(
            "run.workspace must have no '?' in its path, which MLflow takes for the end of its "
            f"database's name, got {shorten(str(workspace))} ({path}); name another folder, or set "
            "tracking.uri"
        )
    return workspace


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # No more than is needed to see that it is too large: it may be a device.
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as err:
        raise ConfigError(
            f"the configuration must be a file, got none ({path}); {_advise_path(path)}"
        ) from err
    except IsADirectoryError as err:
        raise ConfigError(
            f"the configuration must be a file, got a folder ({path}); name the file in it"
        ) from err
    except OSError as err:
        raise ConfigError(
            f"the configuration must be readable, got '{err.strerror}' ({path}); check its rights"
        ) from err


def _advise_path(path: Path) -> str:
    beside = [entry.name for entry in path.parent.glob("*.y*ml")]
    guess = nearest(path.name, beside)
    return f"did you mean {path.parent / guess}?" if guess else "write one: iovalence init DATA"


def _refuse_secrets(root: Node, text: bytes, file: Place) -> tuple[Node, list[Fault]]:
    """Return the tree without passwords, and a fault for each, which does not show it.

    The file's text is looked through too: it is copied into the run, its comments with it.
    """
    must = "must not hold a password or token, got one in a URI"
    advice = "leave it out and give it in the environment"
    faults = []
    for path, node in list(root.scalars()):
        if holds_secret(str(node.value)):
            faults.append(Fault(node.place, f"{dotted(path)} {must}", advice))
            root = root.put(path, Node("hidden", node.place, "hidden"))
    told = {fault.place.line for fault in faults}
    for line, content in enumerate(text.decode().splitlines(), 1):
        if line not in told and holds_secret(content):
            place = Place(line, file.source)
            faults.append(Fault(place, f"the configuration {must}", advice))
    return root, faults


def _fill(root: Node, path: Path) -> Node:
    """Return the tree with what its preset sets and it does not, and the experiment's name."""
    preset = root.child("preset")
    values = PRESETS.get(preset.value, {}) if preset and isinstance(preset.value, str) else {}
    defaults = {("training", key): value for key, value in values.items()}
    defaults["tracking", "experiment"] = path.stem
    for target, value in defaults.items():
        section, there = root.child(target[0]), root.find(target)
        if section is not None and not isinstance(section.value, dict):
            continue
        if there is None or (there.value is None and value == path.stem):
            place = preset.place if preset else Place(0, str(path))
            root = root.put(target, Node(value, place, str(value)))
    return root


def resolved_yaml(config: Config) -> str:
    """Return a configuration as YAML with every key in it; loaded, it is the same again."""
    values = config.model_dump(mode="json")
    for key in none_is_null():
        section, _, name = key.partition(".")
        if values[section][name] == "none":
            values[section][name] = Quoted("none")
    return to_yaml(values)


def read_resolved(path: Path) -> Config:
    """Read back what `resolved_yaml` wrote.

    Raises:
        ConfigError: It is missing, damaged, or not taken by this version.
    """
    return load_config(path).config


def config_hash(config: Config) -> str:
    """Return the SHA-256, in hexadecimal, of what in a configuration decides the result.

    Left out is `WITHOUT_EFFECT`: why, where it is shown, where it is kept. Two files that mean
    the same, one with a preset and one with its values, have the same hash.
    """
    text = json.dumps(deciding_values(config), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def deciding_values(config: Config) -> dict[str, Any]:
    """Return what in a configuration decides the result, as JSON can hold it."""
    return config.model_dump(mode="json", exclude={**WITHOUT_EFFECT})
