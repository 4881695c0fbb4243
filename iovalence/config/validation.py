"""Own turning the tree of what was written into a `Config`, or into faults that people can act on.

What pydantic finds is told in our words: what must hold, what was found, where, what to do.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from iovalence.config.faults import Fault, nearest
from iovalence.config.keys import advise_key, all_keys, is_key, none_is_null, null_is_none
from iovalence.config.model import Config
from iovalence.config.node import Node, Place, dotted, shorten
from iovalence.evaluation.section import PARTS_OF_KEYS, REQUIREMENT_PATTERN, metric_keys

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class _Error:
    """Hold one error of pydantic with the path of the tree that it is about."""

    path: Path
    is_key: bool
    kind: str
    message: str
    context: Mapping[str, Any]


def build_config(root: Node, file: Place) -> tuple[Config | None, list[Fault]]:
    """Return the configuration that a tree means, or None and every fault of it.

    A number or a switch where a text belongs is taken as the text that was written; `none`
    where a value is optional, and null where `none` is a choice, mean the same.

    Args:
        root: What was written, each key in its section.
        file: The place of what was not written at all.
    """
    root = _read_none(root)
    faults = _check_comments(root)
    try:
        return Config.model_validate(root.unwrap()), faults
    except ValidationError as err:
        root = _take_as_written(root, err)
    try:
        return Config.model_validate(root.unwrap()), faults
    except ValidationError as err:
        errors = _read_errors(err, root)
    return None, faults + _explain(errors, root, file) + _find_conflicts(errors, root, file)


def _find_conflicts(errors: list[_Error], root: Node, file: Place) -> list[Fault]:
    """Return what is wrong between keys, which pydantic does not look at beside other faults."""
    wrong = {error.path[:2] for error in errors}
    if () in wrong:
        return []  # between sections, which pydantic looks at when each is right by itself
    for path in wrong:
        root = root.without(tuple(map(str, path))) if root.find(path) else root
    if not root.find(("data", "train_file")):
        root = root.put(("data", "train_file"), Node("some", file))
    try:
        Config.model_validate(root.unwrap())
    except ValidationError as err:
        conflicts = _read_errors(err, root)
        # A default has taken the place of what was wrong: nothing follows from that one.
        names = {str(path[-1]) for path in wrong if path}
        kept = [error for error in conflicts if not names & set(re.findall(r"\w+", error.message))]
        return _explain(kept, root, file)
    return []


def _read_none(root: Node) -> Node:
    for key in all_keys():
        path = tuple(key.split("."))
        node = root.find(path)
        if node is None:
            continue
        if len(path) == 1 and node.value is None:
            root = root.without(path)
        elif node.value is None and key in null_is_none():
            root = root.put(path, replace(node, value="none"))
        elif node.plain and node.value == "none" and key in none_is_null():
            root = root.put(path, replace(node, value=None))
    return root


def _take_as_written(root: Node, err: ValidationError) -> Node:
    """Return the tree with texts where pydantic wants texts and bare scalars stand."""
    for error in err.errors(include_url=False):
        path = _locate(root, error["loc"])[0]
        node = root.find(path)
        if error["type"] != "string_type" or node is None or not node.plain:
            continue
        # In a list an empty value is a text too, as `[NA, null]`; elsewhere it is a gap.
        if node.value is not None or isinstance(path[-1], int):
            root = root.put(path, replace(node, value=node.written))
    return root


def _check_comments(root: Node) -> list[Fault]:
    comments = root.child("comments")
    if comments is None or not isinstance(comments.value, dict):
        return []
    return [
        Fault(
            node.place,
            f"comments must name keys, got {shorten(name)}",
            advise_key(tuple(name.split("."))),
        )
        for name, node in comments.value.items()
        if not is_key(name)
    ]


def _locate(root: Node, loc: Path) -> tuple[Path, Path]:
    """Return the part of pydantic's location that was written, and the rest.

    The rest is names of a union's members, keys that were not written, and the like.
    """
    path: Path = ()
    rest: Path = ()
    for part in loc:
        there = root.find((*path, part))
        path, rest = ((*path, part), rest) if there else (path, (*rest, part))
    return path, rest


def _read_errors(err: ValidationError, root: Node) -> list[_Error]:
    errors = []
    for error in err.errors(include_url=False):
        path, rest = _locate(root, error["loc"])
        # Of a key that is missing only the name is known; a list may lack an item.
        if error["type"] == "missing" and not isinstance(rest[-1], int):
            path = (*path, rest[-1])
        is_key = rest[-1:] == ("[key]",)
        context = error.get("ctx", {})
        errors.append(_Error(path, is_key, error["type"], error["msg"], context))
    return errors


def _explain(errors: list[_Error], root: Node, file: Place) -> list[Fault]:
    # Where a union failed, the member that fits best has errors further down: they say more.
    paths = {error.path for error in errors}
    leaves = [path for path in paths if not any(_above(path, other) for other in paths)]
    return [
        _tell(path, [error for error in errors if error.path == path], root, file)
        for path in leaves
    ]


def _above(path: Path, other: Path) -> bool:
    return len(path) < len(other) and other[: len(path)] == path


def _tell(path: Path, errors: list[_Error], root: Node, file: Place) -> Fault:
    """Return one fault for all that is wrong with the value at `path`."""
    node = root.find(path)
    place = _nearest_place(root, path, file)
    name, first = dotted(path), errors[0]
    if first.kind == "missing" and node is None:
        return Fault(place, f"{name} must be given, got nothing", _ADVICE.get(name, ""))
    if first.kind == "extra_forbidden":
        text_path = tuple(str(part) for part in path)
        return Fault(place, f"{name} is not a key", advise_key(text_path))
    if first.is_key:
        return _tell_metric_key(str(path[-1]), place)
    if first.kind == "value_error" and isinstance(node and node.value, dict):
        return _tell_conflict(path, first, root, place)
    phrases = list(dict.fromkeys(_phrase(error) for error in errors))
    allowed = [word for error in errors for word in _allowed(error)]
    guess = nearest(str(node.value), allowed) if node else None
    text = f"{name} must be {' or '.join(phrases)}, got {node.shown() if node else 'nothing'}"
    return Fault(place, text, f"did you mean {guess}?" if guess else _ADVICE.get(name, ""))


_ADVICE = {
    "data": "write data: {train_file: ...}, or give --set data.train_file=...",
    "quality": "give each check its action, as quality: {labels: off, balance: fix}",
    "data.train_file": "name the file of the table, or give --set data.train_file=...",
    "data.delimiter": r'a tab is "\t", in double quotes',
}


def _nearest_place(root: Node, path: Path, file: Place) -> Place:
    for length in range(len(path), 0, -1):
        node = root.find(path[:length])
        if node is not None:
            return node.place
    return file


def _tell_conflict(path: Path, error: _Error, root: Node, place: Place) -> Fault:
    """Tell what a section finds wrong between its keys; its message begins with a key."""
    message = error.message.removeprefix("Value error, ")
    words = re.findall(r"[\w.]+" if not path else r"\w+", message)
    named = [root.find((*path, *word.split("."))) for word in words]
    places = [node.place for node in named if node]
    return Fault(places[0] if places else place, f"{dotted(path)}.{message}".lstrip("."))


def _tell_metric_key(name: str, place: Place) -> Fault:
    guess = nearest(name, metric_keys())
    parts = ", ".join(f"{part}_" for part in PARTS_OF_KEYS)
    advice = f"did you mean {guess}?" if guess else "as test_accuracy"
    text = f"evaluation.require must name metrics that begin with {parts}, got {shorten(name)}"
    return Fault(place, text, advice)


_PHRASES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "a text",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "tuple_type": "a list, as [a, b]",
    "string_too_short": "a text that is not empty",
    "missing": "a longer list",
}
_BOUNDS = {
    "greater_than": (">", "gt"),
    "greater_than_equal": (">=", "ge"),
    "less_than": ("<", "lt"),
    "less_than_equal": ("<=", "le"),
}


def _phrase(error: _Error) -> str:
    """Return what must hold, as it goes on after "must be"."""
    if error.kind in _BOUNDS:
        sign, bound = _BOUNDS[error.kind]
        return f"{sign} {error.context[bound]:g}"
    if error.kind == "literal_error":
        allowed = _allowed(error)
        return f"one of {', '.join(allowed)}" if len(allowed) > 1 else allowed[0]
    if error.kind == "too_long":
        return f"a list of at most {error.context['max_length']}"
    if error.kind == "string_pattern_mismatch" and error.context["pattern"] == REQUIREMENT_PATTERN:
        return 'a comparison with a number, as ">= 0.85"'
    message = error.message.removeprefix("Value error, must be ")
    return _PHRASES.get(error.kind, message)


def _allowed(error: _Error) -> list[str]:
    expected = str(error.context.get("expected", ""))
    return re.findall(r"'([^']*)'", expected) if error.kind == "literal_error" else []
