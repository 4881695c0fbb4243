"""Own what is named now and built later: refused by name, never ignored."""

from iovalence.config.faults import Fault
from iovalence.config.node import Node

LATER_VALUES = {
    "training.model_type": ("tabm",),
    "run.engine": ("ray",),
}


def refuse_later(root: Node) -> tuple[Node, list[Fault]]:
    """Return the tree without what is not built yet, and a fault for each such value."""
    faults = []
    for key, values in LATER_VALUES.items():
        path = tuple(key.split("."))
        node = root.find(path)
        if node is not None and node.value in values:
            text = f"{key}: {node.value} is not built yet"
            faults.append(Fault(node.place, text, "use another value or leave it out"))
            root = root.without(path)
    return root, faults
