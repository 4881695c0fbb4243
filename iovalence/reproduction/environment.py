"""Own what of the code and the machine is not as it was when a run was made."""

from collections.abc import Mapping
from typing import cast

import torch

from iovalence import __version__
from iovalence.errors import ConfigError
from iovalence.reproduction.difference import Difference
from iovalence.runs.manifest import Manifest
from iovalence.runs.provenance import DECIDING, describe_hardware, package_versions
from iovalence.training.device import choose_device
from iovalence.training.fit import Machine
from iovalence.training.section import Device


def compare_versions(manifest: Manifest) -> tuple[Difference, ...]:
    """Name each version that is another here, of what can decide a figure."""
    return name_versions(manifest, package_versions() | {"iovalence": __version__})


def name_versions(manifest: Manifest, now: Mapping[str, str]) -> tuple[Difference, ...]:
    """Name each version that is another than a run's, of what can decide a figure.

    Args:
        manifest: What the run recorded.
        now: The versions to compare with, that of `iovalence` among them.
    """
    then = {"iovalence": manifest.iovalence_version} | manifest.versions
    return tuple(
        Difference(cause="versions", what=name, then=version, now=now.get(name, "not installed"))
        for name, version in then.items()
        if name in ("iovalence", *DECIDING) and now.get(name) != version
    )


def compare_hardware(manifest: Manifest) -> tuple[Difference, ...]:
    """Name what of this machine is other than a run's; see `name_hardware`."""
    return name_hardware(manifest, describe_hardware())


def name_hardware(manifest: Manifest, now: Mapping[str, str]) -> tuple[Difference, ...]:
    """Name what of a machine is other than a run's; of its system the name alone, no release."""
    return tuple(
        Difference(cause="hardware", what=name, then=value, now=now.get(name, "not known"))
        for name, value in manifest.hardware.items()
        if _deciding(name, value) != _deciding(name, now.get(name, ""))
    )


def _deciding(name: str, value: str) -> str:
    return value.partition(" ")[0] if name == "system" else value


def find_machine(manifest: Manifest) -> tuple[Machine, tuple[Difference, ...]]:
    """Return where the run was trained, or the nearest that is here with the difference named."""
    device, threads = manifest.device or "cpu", manifest.threads or 1
    then, now = (device, bool(manifest.mixed_precision)), _nearest_here(manifest)
    named = (("device", 0), ("mixed_precision", 1))
    differences = tuple(
        Difference(cause="device", what=what, then=str(then[at]), now=str(now[at]))
        for what, at in named
        if then[at] != now[at]
    )
    return Machine(now[0], threads, now[1]), differences


def _nearest_here(manifest: Manifest) -> tuple[str, bool]:
    try:
        device = choose_device(cast("Device", manifest.device or "cpu"))
    except ConfigError:
        return "cpu", False
    is_mixed = bool(manifest.mixed_precision) and device.type == "cuda"
    return device.type, is_mixed and torch.cuda.is_bf16_supported()


def compare_threads(then: int, now: int) -> tuple[Difference, ...]:
    """Name a number of threads that this configuration would not get on this machine."""
    if then == now:
        return ()
    return (Difference(cause="threads", what="threads", then=str(then), now=str(now)),)
