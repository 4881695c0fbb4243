"""Own which configurations a sweep has: what `--vary` gives, and the values drawn or combined.

Every configuration is loaded and checked as any other, before anything is trained.
"""

import itertools
import math
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from iovalence.config.keys import all_keys
from iovalence.config.load import WITHOUT_EFFECT, LoadedConfig, config_hash, load_config
from iovalence.config.node import VARIED, shorten
from iovalence.config.overrides import override_path
from iovalence.config.yaml_source import parse_yaml
from iovalence.errors import ConfigError
from iovalence.training.section import TrainingSection

MAX_CONFIGURATIONS = 1000
DRAWS_FOR_ONE = 20
LOG_UNIFORM = ("training.learning_rate", "training.l2_regularization")
_RANGE = re.compile(r"([-+0-9.eE]*?[0-9.])\.\.([-+.0-9][-+0-9.eE]*)")
_SHAPE = "KEY=VALUE,VALUE or KEY=LOW..HIGH, as training.learning_rate=0.01,0.001"


@dataclass(frozen=True)
class Choices:
    """Vary a key over a list.

    Attributes:
        key: Dotted.
        values: As YAML, each as it was written.
    """

    key: str
    values: tuple[str, ...]

    @property
    def written(self) -> str:
        """Return the list as people write it."""
        return ",".join(self.values)

    def draw(self, source: random.Random) -> str:
        """Return one of the values, each as likely."""
        return source.choice(self.values)


@dataclass(frozen=True)
class Range:
    """Vary a key between two numbers, both of which may be drawn.

    Attributes:
        key: Dotted.
        low: Smallest value.
        high: Largest value.
    """

    key: str
    low: float
    high: float

    @property
    def values(self) -> tuple[str, ...]:
        """Return both ends as YAML: where they are allowed, all between them is."""
        return (f"{self.low:g}", f"{self.high:g}")

    @property
    def written(self) -> str:
        """Return the range as people write it."""
        return "..".join(self.values)

    def draw(self, source: random.Random) -> str:
        """Return a number of four digits as YAML: whole, log-uniform, or uniform, as the key is."""
        if self.is_whole:
            return str(source.randint(int(self.low), int(self.high)))
        if self.key in LOG_UNIFORM:
            value = math.exp(source.uniform(math.log(self.low), math.log(self.high)))
        else:
            value = source.uniform(self.low, self.high)
        return f"{min(max(float(f'{value:.4g}'), self.low), self.high):.6g}"

    @property
    def is_whole(self) -> bool:
        """Say whether the key takes whole numbers."""
        field = TrainingSection.model_fields.get(self.key.removeprefix("training."))
        return field is not None and int in _types(field.annotation)


def _types(annotation: object) -> set[object]:
    """Return what a field may be, with the members of unions and of what they annotate."""
    return {annotation}.union(*(_types(inner) for inner in get_args(annotation)[:2]))


Variation = Choices | Range


@dataclass(frozen=True)
class Candidate:
    """Hold one configuration of a sweep.

    Attributes:
        number: From 1.
        values: What it has for each varied key, as YAML.
        loaded: The whole configuration.
        config_hash: SHA-256 of what in it decides the result.
    """

    number: int
    values: dict[str, str]
    loaded: LoadedConfig
    config_hash: str

    @property
    def varied(self) -> tuple[str, ...]:
        """Return its values as texts `KEY=VALUE`."""
        return tuple(f"{key}={value}" for key, value in self.values.items())

    @property
    def name(self) -> str:
        """Return what people call it: its values under the keys' own names."""
        return name_values(self.values)


@dataclass(frozen=True)
class Space:
    """Hold all configurations of a sweep.

    Attributes:
        base: The configuration that nothing was varied in.
        overrides: Texts of `--set`.
        variations: What is varied.
        candidates: Each different configuration, once.
        num_repeated: How many were left out because another one means the same.
    """

    base: LoadedConfig
    overrides: tuple[str, ...]
    variations: tuple[Variation, ...]
    candidates: tuple[Candidate, ...]
    num_repeated: int


def name_values(values: dict[str, str]) -> str:
    """Return values under the keys' own names, as `learning_rate=0.01 dropout=0.1`."""
    return " ".join(f"{key.rpartition('.')[2]}={value}" for key, value in values.items())


def load_space(
    path: Path,
    overrides: Sequence[str],
    vary: Sequence[str],
    *,
    num_random: int | None = None,
) -> Space:
    """Read a configuration and all that are varied from it.

    Args:
        path: YAML file.
        overrides: Texts `KEY=VALUE` of `--set`.
        vary: Texts `KEY=VALUE,VALUE` or `KEY=LOW..HIGH` of `--vary`.
        num_random: How many to draw, the seed deciding which; None for all combinations.

    Raises:
        ConfigError: Anything is wrong with the configuration or with what is varied; one line
            for each fault, those of all `--vary` at once.
    """
    variations, faults = _read_all(vary, is_random=num_random is not None)
    faults += _check_values(path, overrides, variations)
    if faults:
        raise ConfigError(list(dict.fromkeys(faults)))
    base = load_config(path, overrides)
    _check_number(variations, num_random)
    if num_random is None:
        found = list(_combine(variations))
    else:
        found = list(_draw(variations, num_random, base.config.training.seed))
    candidates = _load_all(base, overrides, found)
    return Space(base, tuple(overrides), variations, candidates, len(found) - len(candidates))


def _read_all(vary: Sequence[str], *, is_random: bool) -> tuple[tuple[Variation, ...], list[str]]:
    variations: list[Variation] = []
    faults: list[str] = []
    for text in vary:
        try:
            variations.append(read_variation(text, is_random=is_random))
        except ConfigError as err:
            faults += err.faults
    counts = Counter(variation.key for variation in variations)
    faults += [
        f"{key} must be varied once, got it {count} times ({VARIED}); give all values in one"
        for key, count in counts.items()
        if count > 1
    ]
    if not vary:
        faults.append(f"a sweep must vary something, got no {VARIED}; give {_SHAPE}")
    return tuple(variations), faults


def read_variation(text: str, *, is_random: bool) -> Variation:
    """Return what one `--vary` means.

    Args:
        text: `KEY=VALUE,VALUE` or `KEY=LOW..HIGH`.
        is_random: Whether values are drawn, so that a range means something.

    Raises:
        ConfigError: It has another shape, or its key cannot be varied.
    """
    written, equals, values = text.partition("=")
    if not equals or not all(written.strip().split(".")) or not values.strip():
        raise ConfigError(f"{VARIED} must be {_SHAPE}, got '{shorten(text)}'")
    key = ".".join(override_path(tuple(written.strip().split("."))))
    if key in all_keys() and not _may_vary(key):
        raise ConfigError(
            f"{VARIED} must name a key of training that decides the result, got {key}; "
            "all configurations are compared on the same rows"
        )
    ends = _RANGE.fullmatch(values.strip())
    if ends is None:
        return Choices(key, _read_list(key, values))
    if not is_random:
        raise ConfigError(
            f"{key} must be values with commas between, got the range {values.strip()} "
            f"({VARIED}); a range needs --random N"
        )
    return _read_range(key, ends[1], ends[2])


def _may_vary(key: str) -> bool:
    section, _, name = key.partition(".")
    left_out = WITHOUT_EFFECT["training"]
    return section == "training" and isinstance(left_out, set) and name not in left_out | {"device"}


def _read_list(key: str, text: str) -> tuple[str, ...]:
    fault = f"{key} must be values with commas between, got {shorten(text)} ({VARIED})"
    try:
        node, faults = parse_yaml(f"[{text}]", str(VARIED), VARIED)
    except ConfigError as err:
        raise ConfigError(fault) from err
    items = node.value if node is not None and isinstance(node.value, list) else []
    values = tuple(item.written.strip() for item in items)
    if faults or not values or not all(values):
        raise ConfigError(fault)
    return values


def _read_range(key: str, low_text: str, high_text: str) -> Range:
    try:
        low, high = float(low_text), float(high_text)
    except ValueError as err:
        raise ConfigError(
            f"{key} must be a range of two numbers, as 0.0001..0.1, "
            f"got {low_text}..{high_text} ({VARIED})"
        ) from err
    if not low < high:
        raise ConfigError(
            f"{key} must be a range from the lower to the higher number, "
            f"got {low_text}..{high_text} ({VARIED})"
        )
    if key in LOG_UNIFORM and low <= 0:
        raise ConfigError(
            f"{key} must be a range above 0, for it is drawn log-uniformly, "
            f"got {low_text}..{high_text} ({VARIED})"
        )
    return Range(key, low, high)


def _check_values(
    path: Path, overrides: Sequence[str], variations: Sequence[Variation]
) -> list[str]:
    """Return the faults of the configuration itself, then those of each value by itself."""
    alone = [()] + [
        (f"{variation.key}={value}",) for variation in variations for value in variation.values
    ]
    faults: list[str] = []
    for varied in alone:
        try:
            load_config(path, overrides, varied=varied)
        except ConfigError as err:
            faults += err.faults
    return faults


def _check_number(variations: Sequence[Variation], num_random: int | None) -> None:
    sizes = [len(variation.values) for variation in variations]
    number = math.prod(sizes) if num_random is None else num_random
    if num_random is not None and num_random < 1:
        raise ConfigError(f"--random must be >= 1, got {num_random}")
    if number > MAX_CONFIGURATIONS:
        how = " x ".join(map(str, sizes)) if num_random is None else "--random"
        raise ConfigError(
            f"a sweep must have at most {MAX_CONFIGURATIONS:,} configurations, got {number:,} "
            f"({how}); vary less, or draw some of them with --random"
        )


def _combine(variations: Sequence[Variation]) -> Iterator[dict[str, str]]:
    keys = [variation.key for variation in variations]
    for values in itertools.product(*(variation.values for variation in variations)):
        yield dict(zip(keys, values, strict=True))


def _draw(variations: Sequence[Variation], number: int, seed: int) -> Iterator[dict[str, str]]:
    """Yield so many different draws, or fewer where the lists hold no more."""
    source = random.Random(f"sweep {seed}")
    seen: set[tuple[str, ...]] = set()
    for _ in range(DRAWS_FOR_ONE * number):
        values = {variation.key: variation.draw(source) for variation in variations}
        if tuple(values.values()) not in seen:
            seen.add(tuple(values.values()))
            yield values
        if len(seen) == number:
            return


def _load_all(
    base: LoadedConfig, overrides: Sequence[str], found: Sequence[dict[str, str]]
) -> tuple[Candidate, ...]:
    """Load each configuration, of those that mean the same the first.

    Raises:
        ConfigError: Some values do not go together; one line for each fault.
    """
    candidates: dict[str, Candidate] = {}
    faults: list[str] = []
    for values in found:
        varied = [f"{key}={value}" for key, value in values.items()]
        try:
            loaded = load_config(base.path, overrides, varied=varied, text=base.text)
        except ConfigError as err:
            faults += err.faults
            continue
        key = config_hash(loaded.config)
        candidates.setdefault(key, Candidate(len(candidates) + 1, values, loaded, key))
    if faults:
        raise ConfigError(list(dict.fromkeys(faults)))
    return tuple(candidates.values())
