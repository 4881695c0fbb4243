"""Own a value of the configuration together with the place where it was written."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from sys import maxsize
from typing import Any

from iovalence.config.credentials import holds_secret

LONGEST_SHOWN = 60


@dataclass(frozen=True, order=True)
class Place:
    """Say where something was written.

    Attributes:
        line: Line of the file, from 1; 0 for the file as a whole, `maxsize` for an override.
        source: The file as the user named it, or `--set`.
    """

    line: int
    source: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if 0 < self.line < maxsize else self.source


OVERRIDE = Place(maxsize, "--set")
VARIED = Place(maxsize, "--vary")


@dataclass(frozen=True)
class Node:
    """Hold one value as it was written.

    Attributes:
        value: A scalar, a list of nodes, or a mapping of texts to nodes.
        place: Where its key, or the list's item, stands.
        written: Its characters in the source.
        plain: Whether it is a scalar without quotes: its characters are then a text too.
    """

    value: Any
    place: Place
    written: str = ""
    plain: bool = False

    def unwrap(self) -> Any:
        """Return the bare value, without places."""
        if isinstance(self.value, dict):
            return {key: node.unwrap() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.unwrap() for node in self.value]
        return self.value

    def child(self, key: str | int) -> "Node | None":
        """Return the node under a key or at an index, or None."""
        children = self.value
        if isinstance(children, list):
            children = dict(enumerate(children))
        found: Node | None = children.get(key) if isinstance(children, dict) else None
        return found

    def find(self, path: tuple[str | int, ...]) -> "Node | None":
        """Return the node at a path of keys and indices, or None."""
        node: Node | None = self
        for key in path:
            node = node.child(key) if node else None
        return node

    def put(self, path: tuple[str | int, ...], node: "Node") -> "Node":
        """Return this tree with `node` at `path`; mappings on the way are made where missing."""
        if not path:
            return node
        if isinstance(self.value, list):
            index = int(path[0])
            items = list(self.value)
            items[index] = items[index].put(path[1:], node)
            return replace(self, value=items)
        children = self.value if isinstance(self.value, dict) else {}
        inner = children.get(path[0]) or Node({}, node.place)
        return replace(self, value={**children, path[0]: inner.put(path[1:], node)})

    def without(self, path: tuple[str, ...]) -> "Node":
        """Return this tree without the node at `path`, which must be there."""
        key, *rest = path
        children = dict(self.value)
        if rest:
            children[key] = children[key].without(tuple(rest))
        else:
            del children[key]
        return replace(self, value=children)

    def scalars(self, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, "Node"]]:
        """Yield the path and the node of every scalar in this tree."""
        if not isinstance(self.value, dict | list):
            yield path, self
            return
        pairs = self.value.items() if isinstance(self.value, dict) else enumerate(self.value)
        for key, node in pairs:
            yield from node.scalars((*path, key))

    def shown(self) -> str:
        """Return what was written, on one line and not long, for a message."""
        if isinstance(self.value, dict | list) and self.written[:1] not in ("[", "{"):
            return "a mapping" if isinstance(self.value, dict) else "a list"
        return shorten(self.written) or "nothing"


def shorten(text: str, longest: int = LONGEST_SHOWN) -> str:
    """Return `text` on one line of at most `longest` printable characters, without passwords."""
    if holds_secret(text):
        return "(hidden, for it holds a password)"
    line = re.sub(r"\s+", " ", text).strip()
    line = "".join(char if char.isprintable() else "\ufffd" for char in line)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def dotted(path: tuple[str | int, ...]) -> str:
    """Return a path for a message, as people write it: `training.layers item 2`."""
    text = ""
    for key in path:
        text += f" item {key + 1}" if isinstance(key, int) else f".{shorten(key)}"
    return text.strip(". ")


def has_half_characters(text: str) -> bool:
    """Return whether a text holds half a surrogate pair, which no file and no JSON can hold."""
    return any("\ud800" <= char <= "\udfff" for char in text)
