"""Own the list of all checks as the configuration sets them; know nothing of what they found."""

from collections.abc import Iterable, Iterator
from typing import get_args

from iovalence.quality.findings import Finding
from iovalence.quality.section import Action, QualitySection
from iovalence.record import Record
from iovalence.section import Section

_REVIEWED = ("labels.errors", "fix")


class CheckSetting(Record):
    """Say of one check what it is set to.

    Attributes:
        name: The check's name, as in `duplicates.exact`.
        key: Where its action stands in the section, as in `balance.action`.
        action: What it does about what it finds.
        can_fix: Whether it knows `fix`.
        looks_for: What it finds, in a few words.
    """

    name: str
    key: str
    action: Action
    can_fix: bool
    looks_for: str

    def is_of(self, finding: Finding) -> bool:
        """Return whether this check made the finding."""
        return finding.check == self.name or finding.check.startswith(f"{self.name}.")

    def write_yaml(self, action: Action) -> str:
        """Return the lines of the configuration that give the check another action."""
        *parents, last = ("quality", *self.key.split("."))
        opened = "".join(f"{name}: {{" for name in parents)
        # Alone it would do nothing: it applies what a person decided.
        file = ", review_file: label_review.csv" if (self.name, action) == _REVIEWED else ""
        return f"{opened}{last}: {action}{file}{'}' * len(parents)}"


def list_settings(section: QualitySection) -> tuple[CheckSetting, ...]:
    """Return every check that has an action, in the order of the section."""
    return tuple(_walk(section, ""))


def setting_of(finding: Finding, settings: Iterable[CheckSetting]) -> CheckSetting | None:
    """Return the check that made a finding, or None where it has no action of its own."""
    named = [setting for setting in settings if setting.is_of(finding)]
    return max(named, key=lambda setting: len(setting.name), default=None)


def _walk(section: Section, prefix: str, described: str = "") -> Iterator[CheckSetting]:
    for name, field in type(section).model_fields.items():
        value, key = getattr(section, name), f"{prefix}{name}"
        if isinstance(value, Section):
            yield from _walk(value, f"{key}.", field.description or "")
        elif {"off", "warn"} <= set(get_args(field.annotation)):
            yield CheckSetting(
                name=prefix.removesuffix(".") if name == "action" else key,
                key=key,
                action=value,
                can_fix="fix" in get_args(field.annotation),
                looks_for=_say(described if name == "action" else field.description),
            )


def _say(description: str | None) -> str:
    """Return what a check looks for, without what its actions do."""
    return (description or "").split(";")[0]
