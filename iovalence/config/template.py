"""Own `configs/template.yaml` and `configs/schema.json`, both made from the sections.

After a change of a section, write them again: `python -m iovalence.config.template`.
"""

import json
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from iovalence.atomic import write_text
from iovalence.config.keys import section_under
from iovalence.config.model import Config
from iovalence.config.schema import json_schema
from iovalence.config.yaml_text import inline
from iovalence.section import Section

WIDTH = 98

_HEAD = """\
# yaml-language-server: $schema=schema.json
#
# Every key of IOValence: what it means, what it may be, and its default, which it has here.
# Only data.train_file is needed. Keep what you change and delete the rest: what is not here has
# its default, or what a preset sets. Keys of training may also stand at the top level.
"""


def template() -> str:
    """Return a configuration with every key that can be set, explained, at its default."""
    return _HEAD + "".join(_section_lines(Config, ""))


def _section_lines(model: type[Section], indent: str) -> Iterator[str]:
    for index, (name, field) in enumerate(model.model_fields.items()):
        inner = section_under(model, name)
        yield "\n" if index or not indent else ""
        if inner is None:
            yield key_lines(model, name, _default(_fields(model)[name]), indent)
        else:
            yield comment(str(field.description), indent) + f"{indent}{name}:\n"
            yield from _section_lines(inner, indent + "  ")


@cache
def _fields(model: type[Section]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = model.model_json_schema()["properties"]
    return found


def _default(schema: dict[str, Any]) -> Any:
    return schema["default"] if "default" in schema else schema["examples"][0]


def key_lines(model: type[Section], name: str, value: Any, indent: str) -> str:
    """Return one key with its value, under a comment of its meaning, choices and default."""
    schema = _fields(model)[name]
    facts = [allowed(schema), "needed"]
    if "default" in schema:
        default = schema["default"]
        facts[1] = "not set" if default is None else f"default {inline(default)}"
    if schema.get("default") in (None, [], {}, ""):
        facts += [f"example: {inline(example)}" for example in schema.get("examples", [])]
    meaning = comment(schema["description"], indent)
    return f"{meaning}{comment('; '.join(facts), indent, '  ')}{indent}{name}: {inline(value)}\n"


def comment(text: str, indent: str, inner: str = "") -> str:
    """Return a text as lines of YAML's comments, at most `WIDTH` columns wide where it may.

    Args:
        text: What to say; characters that YAML cannot hold become blanks.
        indent: Blanks before the comment's sign.
        inner: Blanks after it.
    """
    printable = "".join(char if char.isprintable() else " " for char in text)
    lines = textwrap.wrap(
        printable[:1].upper() + printable[1:] if not inner else printable,
        WIDTH - len(indent) - len(inner) - 2,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "".join(f"{indent}# {inner}{line}\n" for line in lines)


_BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
_TYPES = {
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "string": "text",
}


def allowed(schema: dict[str, Any]) -> str:
    """Return in words what a field may be, from its JSON Schema."""
    if "anyOf" in schema:
        parts = [part for part in schema["anyOf"] if part.get("type") != "null"]
        return " or ".join(allowed(part) for part in parts)
    if "enum" in schema:
        return ", ".join(schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if schema["type"] == "array":
        return f"list of {_plural(schema.get('items') or schema['prefixItems'][0])}"
    if schema["type"] == "object":
        return "mapping"
    bounds = [
        f"{sign} {schema[key]:g}" for key, sign in _BOUNDS.items() if schema.get(key, 2**63) < 2**63
    ]
    return f"{_TYPES[schema['type']]} {' and '.join(bounds)}".strip()


def _plural(schema: dict[str, Any]) -> str:
    words = allowed(schema)
    for word in ("number", "text", "mapping"):
        words = words.replace(word, f"{word}s", 1)
    return words


def write_files(folder: Path) -> None:
    """Write the template and the JSON Schema into a folder."""
    write_text(folder / "template.yaml", template())
    write_text(folder / "schema.json", json.dumps(json_schema(), indent=2) + "\n")


if __name__ == "__main__":
    write_files(Path("configs"))
