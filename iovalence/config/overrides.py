"""Own `KEY=VALUE` of the command line: each beats the file wherever that wrote the key."""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import ValidationError

from iovalence.config.faults import Fault
from iovalence.config.keys import home, section_under
from iovalence.config.model import Config
from iovalence.config.node import OVERRIDE, Node, Place, dotted, has_half_characters, shorten
from iovalence.config.yaml_source import parse_yaml
from iovalence.errors import ConfigError
from iovalence.section import Section


def apply_overrides(
    root: Node, overrides: Sequence[str], place: Place = OVERRIDE
) -> tuple[Node, list[Fault]]:
    """Return the tree with every override in its place, the last of a key winning, and faults.

    Args:
        root: The file, each key in its section.
        overrides: Texts `KEY=VALUE`; the key dotted or short, the value YAML.
        place: The option that gave them, for messages.
    """
    faults: list[Fault] = []
    for override in overrides:
        try:
            key, text = _read_shape(override, place)
            node, wrong = _parse_value(text, key, place)
            root = _put(root, override_path(tuple(key.split("."))), node)
            faults += wrong
        except ConfigError as err:
            faults += [Fault(place, fault) for fault in err.faults]
    return root, faults


def _read_shape(override: str, place: Place) -> tuple[str, str]:
    key, equals, text = override.partition("=")
    if not equals or not all(key.strip().split(".")):
        raise ConfigError(
            f"{place} must be KEY=VALUE, as training.epochs=20, got '{shorten(override)}'"
        )
    if has_half_characters(override):
        raise ConfigError(f"{place} must be UTF-8 text, got '{shorten(override)}'")
    return key.strip(), text.strip()


def override_path(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the path of a key; what follows a mapping's name is one key, dots and all.

    So `comments.training.epochs` is the comment on `training.epochs`.
    """
    path = home(parts)
    model: type[Section] | None = Config
    for depth, key in enumerate(path, 1):
        known = model is not None and key in model.model_fields
        model = section_under(model, key)
        if model is None and known and path[depth:]:
            return (*path[:depth], ".".join(path[depth:]))
    return path


def _parse_value(text: str, key: str, place: Place) -> tuple[Node, list[Fault]]:
    try:
        node, faults = parse_yaml(text, str(place), place)
    except ConfigError as err:
        if text[:1] in ("[", "{", '"', "'"):
            raise ConfigError(f"{shorten(key)} must be valid YAML, got {shorten(text)}") from err
        # The shell has taken the quotes: `>= 0.9`, `*.csv` and `,` are meant as texts.
        node, faults = None, []
    return node or Node(text or None, place, text, plain=True), faults


def _put(root: Node, path: tuple[str, ...], node: Node) -> Node:
    model: type[Section] | None = Config
    for depth, key in enumerate(path[:-1], 1):
        model = section_under(model, key)
        there = root.find(path[:depth])
        if there is not None and not isinstance(there.value, dict | None):
            root = root.put(path[:depth], _open(there, model, path, depth))
    model = section_under(model, path[-1])
    there = root.find(path)
    if there is None or isinstance(node.value, dict):
        return root.put(path, node)
    old, new = _write_out(there, model), _write_out(node, model)
    if old is None or new is None:
        return root.put(path, node)
    # A short form sets what it stands for; what else the file says of the section stays.
    return root.put(path, replace(old, value={**old.value, **new.value}))


def _write_out(node: Node, model: type[Section] | None) -> Node | None:
    """Return a mapping, or the one that a short form, as `labels: warn`, stands for; else None."""
    if isinstance(node.value, dict):
        return node
    if model is None:
        return None
    try:
        meant = model.model_validate(node.unwrap()).model_dump(mode="json", exclude_unset=True)
    except ValidationError:
        return None
    return _wrap(meant, node)


def _open(node: Node, model: type[Section] | None, path: tuple[str, ...], depth: int) -> Node:
    opened = _write_out(node, model)
    if opened is not None:
        return opened
    raise ConfigError(
        f"{dotted(path)} must stand in a mapping, got {dotted(path[:depth])}: {node.shown()} "
        f"({node.place}); set {dotted(path[:depth])} whole"
    )


def _wrap(value: object, origin: Node) -> Node:
    if isinstance(value, dict):
        inner = {key: _wrap(item, origin) for key, item in value.items()}
        return Node(inner, origin.place, origin.written)
    if isinstance(value, list):
        return Node([_wrap(item, origin) for item in value], origin.place, origin.written)
    return Node(value, origin.place, str(value))
