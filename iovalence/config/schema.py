"""Own the JSON Schema with which editors complete and check a configuration.

It is looser than the loader in one thing only: what is wrong between keys.
"""

from typing import Any

from iovalence.config.keys import SPLIT_KEYS, all_keys, none_is_null, null_is_none
from iovalence.config.model import Config
from iovalence.quality.section import QualitySection

Schema = dict[str, Any]


def json_schema() -> Schema:
    """Return the JSON Schema of a configuration, in all the forms that the loader takes."""
    schema = Config.model_json_schema()
    sections = schema["$defs"]
    _allow_none(schema)
    _allow_short_forms(sections)
    _widen(schema)
    _allow_strays(schema)
    names = {name for key in all_keys() for name in (key, key.rpartition(".")[2])}
    comments = schema["properties"]["comments"]["anyOf"]
    comments[1]["propertyNames"] = {"enum": sorted(names)}
    comments.append({"type": "null"})
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **schema, "title": "Configuration of IOValence"}


def _section_of(schema: Schema, key: str) -> Schema:
    section, _, name = key.partition(".")
    reference: str = schema["properties"][section]["$ref"]
    found: Schema = schema["$defs"][reference.rpartition("/")[2]]["properties"][name]
    return found


def _allow_none(schema: Schema) -> None:
    for key in none_is_null():
        _section_of(schema, key)["anyOf"].append({"const": "none"})
    for key in null_is_none():
        field = _section_of(schema, key)
        choices = (
            {"enum": field.pop("enum"), "type": field.pop("type")} if "enum" in field else None
        )
        field["anyOf"] = [*([choices] if choices else field["anyOf"]), {"type": "null"}]


def _allow_short_forms(sections: Schema) -> None:
    """Let one action stand for a whole check, and a list for the expectations."""
    for field in sections[QualitySection.__name__]["properties"].values():
        inner = sections[field["$ref"].rpartition("/")[2]]["properties"]
        short = [{"enum": part["enum"]} for part in inner.values() if "enum" in part][:1]
        lists = (
            [{"type": "array", "items": inner["declared"]["items"]}] if "declared" in inner else []
        )
        field["anyOf"] = [{"$ref": field.pop("$ref")}, *short, *lists]


def _widen(part: Any) -> None:
    """Widen every schema inside `part`, and `part` itself; see `_widen_one`."""
    if isinstance(part, list):
        for item in part:
            _widen(item)
    if isinstance(part, dict):
        _widen_one(part)
        for key, value in part.items():
            if key not in ("default", "examples", "enum"):
                _widen(value)


def _widen_one(part: Schema) -> None:
    """Let switches be words, and numbers stand where texts are wanted; close what is open."""
    if isinstance(part.get("title"), str):
        del part["title"]
    if part.get("type") == "boolean":
        part["enum"] = [True, False, "yes", "no", "on", "off"]
        del part["type"]
    if "off" in part.get("enum", ()) and False not in part["enum"]:
        part["enum"].append(False)
        part.pop("type", None)
    if part.get("type") == "string" and not part.keys() & {"enum", "const", "pattern"}:
        part["type"] = ["string", "number", "boolean"]
    if "patternProperties" in part:
        part["additionalProperties"] = False


def _allow_strays(schema: Schema) -> None:
    """Let keys stand where the loader finds them too, and let a section be empty."""
    sections, top = schema["$defs"], schema["properties"]
    training = sections["TrainingSection"]["properties"]
    split = {key: sections["DataSection"]["properties"][key] for key in SPLIT_KEYS}
    for field in top.values():
        if "$ref" in field:
            field["anyOf"] = [{"$ref": field.pop("$ref")}, {"type": "null"}]
    top |= training | split
    training |= split
