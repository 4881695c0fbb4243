"""Own writing YAML that reads back the same, by our rules and by YAML 1.1's."""

from typing import Any

import yaml

from iovalence.config.yaml_source import core_tag

_STR = "tag:yaml.org,2002:str"


class Quoted(str):
    """A text that is written with quotes: a bare `none` would be read as null."""


class _Dumper(yaml.SafeDumper):
    """Quote each text that any reader could take for something else; lists on one line."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0] and core_tag(value) != _STR:
            return core_tag(value)
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's own signature
        return True


def _represent_list(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)


def _represent_text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    # Double quotes alone keep a line break, or a character without a shape, on one line.
    style = None if value.isprintable() and not isinstance(value, Quoted) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(list, _represent_list)
_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(Quoted, _represent_text)


def to_yaml(value: Any) -> str:
    """Return a value of mappings, lists and scalars as YAML, at most 100 columns where it may."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=90)
    return text


def inline(value: Any) -> str:
    """Return a value as YAML on one line, as it stands after a key."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=10**9
    )
    return text.removesuffix("\n").removesuffix("\n...")
