"""Own what of the code and the machine is not as it was when a run was made."""

from iovalence import __version__
from iovalence.errors import ConfigError
from iovalence.reproduction.difference import Difference
from iovalence.runs.manifest import Manifest
from iovalence.runs.provenance import describe_hardware, package_versions
from iovalence.training.device import choose_device
from iovalence.training.section import Device

WITHOUT_INFLUENCE = frozenset({"mlflow", "prefect"})
"""Packages that start runs and show them: they decide no figure."""


def compare_versions(manifest: Manifest) -> tuple[Difference, ...]:
    """Name each version that is another, of what can decide a figure."""
    then = {"iovalence": manifest.iovalence_version} | manifest.versions
    now = {"iovalence": __version__} | package_versions()
    return tuple(
        Difference(cause="versions", what=name, then=version, now=now.get(name, "not installed"))
        for name, version in then.items()
        if name not in WITHOUT_INFLUENCE and now.get(name) != version
    )


def compare_hardware(manifest: Manifest) -> tuple[Difference, ...]:
    """Name what of the machine is other; of its system the name alone, not its release."""
    then, now = manifest.hardware, describe_hardware()
    return tuple(
        Difference(cause="hardware", what=name, then=value, now=now.get(name, "not known"))
        for name, value in then.items()
        if _deciding(name, value) != _deciding(name, now.get(name, ""))
    )


def _deciding(name: str, value: str) -> str:
    return value.partition(" ")[0] if name == "system" else value


def find_device(then: Device) -> tuple[Device, tuple[Difference, ...]]:
    """Return the device of then, or else the CPU with the difference named."""
    try:
        choose_device(then)
    except ConfigError:
        return "cpu", (Difference(cause="device", what="device", then=then, now="cpu"),)
    return then, ()


def compare_threads(then: int, now: int) -> tuple[Difference, ...]:
    """Name a number of threads that this configuration would not get on this machine."""
    if then == now:
        return ()
    return (Difference(cause="threads", what="threads", then=str(then), now=str(now)),)
