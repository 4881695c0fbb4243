"""Own reading YAML: which scalars are numbers, where each key stands, and what is refused.

Scalars follow YAML 1.2's core schema: `1e-3` is a number, and `yes`, `off`, `1:30` and
`2026-01-31` are texts. A key is always a text. Knows nothing of which keys there are.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from iovalence.config.faults import Fault
from iovalence.config.node import Node, Place, dotted, has_half_characters, shorten
from iovalence.errors import ConfigError

MAX_BYTES = 1_000_000
MAX_NODES = 50_000
MAX_DEPTH = 20

_TAG = "tag:yaml.org,2002:"
_STR = f"{_TAG}str"
_READERS: dict[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    f"{_TAG}null": (re.compile(r"null|Null|NULL|~|"), lambda _: None),
    f"{_TAG}bool": (
        re.compile(r"true|True|TRUE|false|False|FALSE"),
        lambda text: text.lower() == "true",
    ),
    # Python refuses to read more digits than this; so long a number is read as a float.
    f"{_TAG}int": (
        re.compile(r"[-+]?[0-9]{1,4000}|0o[0-7]{1,4000}|0x[0-9a-fA-F]{1,4000}"),
        lambda text: int(text, 0 if text[:2] in ("0o", "0x") else 10),
    ),
    f"{_TAG}float": (
        re.compile(
            r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
            r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
        ),
        lambda text: float(text.replace(".inf", "inf").replace(".nan", "nan")),
    ),
}


def core_tag(text: str) -> str:
    """Return the tag that YAML 1.2's core schema gives to a scalar without quotes."""
    fits = (tag for tag, (pattern, _) in _READERS.items() if pattern.fullmatch(text))
    return next(fits, _STR)


class _CoreLoader(yaml.SafeLoader):
    """Read scalars as `core_tag` says."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0]:
            return core_tag(value)
        # PyYAML's own table of plain scalars is YAML 1.1's: it must not be asked.
        return super().resolve(kind, value, (False, False))  # type: ignore[no-untyped-call]


_HINTS = {
    "found character '\\t'": "indent with blanks, not tabs",
    "mapping values are not allowed": "quote a text that holds ': '",
    "expected chomping": "quote a text that begins with '>' or '|'",
    "could not determine a constructor": "leave the tag out",
    "found undefined alias": "quote a text that begins with '*'",
    "expected alphabetic or numeric": "quote a text that begins with '*' or '&'",
    "cannot start any token": "quote a text that begins with '@', '%' or '`'",
    "expected a single document": "keep one document, without another '---'",
}


@dataclass
class _Builder:
    """Turn PyYAML's nodes into ours, and collect what is wrong with them."""

    text: str
    source: str
    fixed_place: Place | None
    faults: list[Fault] = field(default_factory=list)
    num_nodes: int = 0

    def place(self, node: yaml.Node) -> Place:
        return self.fixed_place or Place(node.start_mark.line + 1, self.source)

    def build(self, node: yaml.Node, place: Place, path: tuple[str | int, ...]) -> Node:
        self.num_nodes += 1
        # An alias repeats all that its anchor holds, also itself: both ends must be closed.
        if self.num_nodes > MAX_NODES or len(path) > MAX_DEPTH:
            raise ConfigError(
                f"the configuration must hold at most {MAX_NODES:,} values, {MAX_DEPTH} deep, "
                f"got more ({place}); leave out aliases that repeat themselves"
            )
        written = self.text[node.start_mark.index : node.end_mark.index]
        if isinstance(node, yaml.MappingNode):
            return Node(self._mapping(node, path), place, written)
        if isinstance(node, yaml.SequenceNode):
            items = [
                self.build(item, self.place(item), (*path, index))
                for index, item in enumerate(node.value)
            ]
            return Node(items, place, written)
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        return Node(self._scalar(node, path), place, written, plain)

    def _mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> dict[str, Node]:
        children: dict[str, Node] = {}
        for key_node, value_node in node.value:
            place = self.place(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self.faults.append(Fault(place, "a key must be a text, got a list or a mapping"))
                continue
            key = self._text(key_node, path)
            if key in children:
                name = dotted((*path, key))
                found = f"got it at {children[key].place} and again"
                self.faults.append(
                    Fault(place, f"{name} must be written once, {found}", "keep one")
                )
            children[key] = self.build(value_node, place, (*path, key))
        return children

    def _text(self, node: yaml.Node, path: tuple[str | int, ...]) -> str:
        text = str(node.value)
        if has_half_characters(text):
            # An escape as "\\ud800" can write half a character: nothing can store that.
            found = f"{dotted(path) or 'a key'} must be whole characters, got half a surrogate pair"
            self.faults.append(Fault(self.place(node), found))
            return text.encode(errors="replace").decode()
        return text

    def _scalar(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:
        text = self._text(node, path)
        if node.tag == _STR:
            return text
        if node.tag not in _READERS or core_tag(text) != node.tag:
            tag = shorten(node.tag.replace(_TAG, "!!"))
            found = f"{dotted(path)} must be a plain value, got the tag {tag}"
            self.faults.append(Fault(self.place(node), found, "leave the tag out"))
            return text
        return _READERS[node.tag][1](text.lower() if node.tag.endswith("float") else text)


def parse_yaml(
    text: str, source: str, place: Place | None = None
) -> tuple[Node | None, list[Fault]]:
    """Return the tree of nodes in `text`, None for an empty text, and faults of its keys and tags.

    Args:
        text: One YAML document.
        source: What faults name as the place: the file as the user named it.
        place: The place of every node, where lines would mean nothing.

    Raises:
        ConfigError: The text is not YAML, or holds too much.
    """
    try:
        root = yaml.compose(text, Loader=_CoreLoader)
        if root is None:
            return None, []
        builder = _Builder(text, source, place)
        return builder.build(root, builder.place(root), ()), builder.faults
    except yaml.YAMLError as err:
        raise ConfigError(_explain_syntax(err, text, source)) from err
    except RecursionError as err:
        raise ConfigError(
            f"the configuration must be at most {MAX_DEPTH} levels deep, got more ({source})"
        ) from err


def _explain_syntax(err: yaml.YAMLError, text: str, source: str) -> str:
    if isinstance(err, yaml.reader.ReaderError):
        line = text.count("\n", 0, err.position) + 1
        found = f"the character U+{int(err.character):04X}"
        return f"the configuration must be printable text, got {found} ({source}:{line})"
    mark = getattr(err, "problem_mark", None) or getattr(err, "context_mark", None)
    if not isinstance(err, yaml.MarkedYAMLError) or mark is None:
        return f"the configuration must be valid YAML, got {shorten(str(err))} ({source})"
    problem = shorten(err.problem or err.context or "a fault", 120)
    known = (hint for start, hint in _HINTS.items() if start in f"{err.context} {problem}")
    hint = next(known, "look at this line and the one before it")
    where = f"{source}:{mark.line + 1}:{mark.column + 1}"
    return f"the configuration must be valid YAML, got '{problem}' ({where}); {hint}"


def decode(content: bytes, source: str) -> str:
    """Return the bytes of a configuration as text.

    Raises:
        ConfigError: They are too many, none, or not UTF-8.
    """
    if len(content) > MAX_BYTES:
        raise ConfigError(
            f"the configuration must be at most {MAX_BYTES:,} bytes, got more ({source}); "
            "is this the data?"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = content.count(b"\n", 0, err.start) + 1
        found = f"byte 0x{content[err.start]:02x}"
        raise ConfigError(
            f"the configuration must be UTF-8 text, got {found} ({source}:{line}); save it as UTF-8"
        ) from err
    if not text.strip():
        raise ConfigError(
            f"the configuration must hold a mapping of keys, got an empty file ({source}); "
            "begin with data: {train_file: ...}"
        )
    return text


def read_mapping(content: bytes, source: str) -> tuple[Node, list[Fault]]:
    """Return the tree of a whole configuration, and faults of its keys and tags.

    Raises:
        ConfigError: The bytes are not one YAML mapping.
    """
    root, faults = parse_yaml(decode(content, source), source)
    if root is None:
        return Node({}, Place(0, source)), faults
    if not isinstance(root.value, dict):
        found = "a list" if isinstance(root.value, list) else root.shown()
        raise ConfigError(
            f"the configuration must be a mapping of keys, got {found} ({root.place}); "
            "begin with data: {train_file: ...}"
        )
    return root, faults
