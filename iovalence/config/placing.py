"""Own bringing every key to its section, wherever the file has written it."""

from iovalence.config.faults import Fault
from iovalence.config.keys import SPLIT_KEYS, home, short_keys
from iovalence.config.model import Config
from iovalence.config.node import Node, dotted


def place_keys(root: Node) -> tuple[Node, list[Fault]]:
    """Return the tree with each key in its section, and faults of keys with two values.

    Keys of `training` may stand at the top level, those of the split under `training` too.
    A section with nothing in it is as good as none.
    """
    empty = [name for name in Config.model_fields if _is_null(root.child(name))]
    for name in empty:
        root = root.without((name,))
    faults = []
    for path in _strays(root):
        node = root.find(path)
        target = home(path)
        section = root.child(target[0])
        if node is None or (section and not isinstance(section.value, dict)):
            continue
        root, there = root.without(path), root.find(target)
        if there is None:
            root = root.put(target, node)
        elif not _same(there, node):
            faults.append(_two_values(target, there, node))
    return root, faults


def _is_null(node: Node | None) -> bool:
    return node is not None and node.value is None


def _strays(root: Node) -> list[tuple[str, ...]]:
    strays: list[tuple[str, ...]] = [(key,) for key in root.value if key in short_keys()]
    training = root.child("training")
    under = training.value if training and isinstance(training.value, dict) else {}
    return strays + [("training", key) for key in SPLIT_KEYS if key in under]


def _same(one: Node, other: Node) -> bool:
    first, second = one.unwrap(), other.unwrap()
    return bool(first == second) and isinstance(first, bool) == isinstance(second, bool)


def _two_values(path: tuple[str, ...], one: Node, other: Node) -> Fault:
    first, second = sorted((one, other), key=lambda node: node.place)
    return Fault(
        second.place,
        f"{dotted(path)} must have one value, got {first.shown()} ({first.place}) "
        f"and {second.shown()}",
        "keep one",
    )
