"""Own what is named now and built later: refused by name, never ignored."""

from iovalence.config.faults import Fault
from iovalence.config.node import Node

LATER_KEYS = (
    "quality.duplicates.conflicting",
    "quality.duplicates.near",
    "quality.labels.errors",
    "quality.drift",
    "quality.expectations.inferred",
)

LATER_VALUES = {
    "training.model_type": ("rnn", "tabm"),
    "run.engine": ("ray",),
}


def refuse_later(root: Node) -> tuple[Node, list[Fault]]:
    """Return the tree without what is not built yet, and a fault for each such key or value."""
    faults = []
    for key in (*LATER_KEYS, *LATER_VALUES):
        path = tuple(key.split("."))
        node = root.find(path)
        if node is None:
            continue
        if key in LATER_KEYS:
            text = f"{key} is not built yet, got {node.shown()}"
            faults.append(Fault(node.place, text, "leave it out"))
        elif node.value in LATER_VALUES[key]:
            text = f"{key}: {node.value} is not built yet"
            faults.append(Fault(node.place, text, "use another value or leave it out"))
        else:
            continue
        root = root.without(path)
    return root, faults
