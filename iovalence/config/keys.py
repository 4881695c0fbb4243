"""Own which keys there are, by what names they may be written, and which one was meant."""

from functools import cache
from typing import Any

from iovalence.config.faults import nearest
from iovalence.config.model import Config
from iovalence.section import Section
from iovalence.training.section import TrainingSection

SPLIT_KEYS = ("validation_split", "test_size")
"""Keys of `data` that the page writes under `training` too."""

_OTHER_NAMES = {
    "lr": "training.learning_rate",
    "weight_decay": "training.l2_regularization",
    "l2": "training.l2_regularization",
    "hidden_layers": "training.layers",
    "hidden_sizes": "training.layers",
    "random_state": "training.seed",
    "label": "data.target",
    "sep": "data.delimiter",
    "separator": "data.delimiter",
    "na_values": "data.missing_values",
}


def section_under(model: type[Section] | None, key: str) -> type[Section] | None:
    """Return the section that a key of `model` holds, or None."""
    found: Any = model.model_fields[key].annotation if model and key in model.model_fields else None
    return found if isinstance(found, type) and issubclass(found, Section) else None


def _walk(model: type[Section], prefix: str) -> list[str]:
    keys = []
    for name in model.model_fields:
        keys.append(f"{prefix}{name}")
        inner = section_under(model, name)
        keys += _walk(inner, f"{prefix}{name}.") if inner else []
    return keys


@cache
def all_keys() -> tuple[str, ...]:
    """Return every key that can be set now, dotted, in the order of the sections."""
    return tuple(_walk(Config, ""))


@cache
def short_keys() -> dict[str, tuple[str, str]]:
    """Return the keys that may stand at the top level, each with its section and name."""
    keys = {name: ("training", name) for name in TrainingSection.model_fields}
    return keys | {name: ("data", name) for name in SPLIT_KEYS}


_NONE_IS_A_VALUE = ("data.positive_class", "data.split")
"""Optional keys for which a bare `none` is no null: a class may be called so."""


def _with_default(default: str | None) -> set[str]:
    found = set()
    for key in all_keys():
        section, _, name = key.partition(".")
        fields = getattr(section_under(Config, section), "model_fields", {})
        if name in fields and not fields[name].is_required():
            found |= {key} if fields[name].get_default() == default else set()
    return found


@cache
def none_is_null() -> frozenset[str]:
    """Return the optional keys that a bare `none` leaves unset, as null does."""
    return frozenset(_with_default(None).difference(_NONE_IS_A_VALUE))


@cache
def null_is_none() -> frozenset[str]:
    """Return the keys with a choice `none`, which null means too."""
    return frozenset(_with_default("none"))


def home(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return where a key belongs that was written at `path`."""
    if path[0] == "training" and path[1:2] and path[1] in SPLIT_KEYS:
        return ("data", *path[1:])
    if path[0] in short_keys():
        return (*short_keys()[path[0]], *path[1:])
    return path


def advise_key(path: tuple[str, ...]) -> str:
    """Return what to do about a key that does not exist: which one was probably meant."""
    *parents, name = path
    prefix = ".".join(parents)
    belongs = [key for key in all_keys() if key.split(".")[-1] == name and "." in key]
    if belongs:
        return f"{name} belongs under {belongs[0].rpartition('.')[0]}"
    if name in _OTHER_NAMES:
        return f"did you mean {_OTHER_NAMES[name]}?"
    beside = [key for key in all_keys() if key.rpartition(".")[0] == prefix]
    guess = _guess(name, beside) or _guess(name, list(all_keys()))
    if guess:
        return f"did you mean {guess}?"
    return f"the keys here are {', '.join(key.split('.')[-1] for key in beside)}"


def _guess(name: str, keys: list[str]) -> str | None:
    by_name = {key.split(".")[-1]: key for key in reversed(keys)}
    found = nearest(name, list(by_name))
    return by_name[found] if found else None


def is_key(name: str) -> bool:
    """Return whether a comment may name this: a dotted key, or a key's own name."""
    return name in all_keys() or any(key.split(".")[-1] == name for key in all_keys())
