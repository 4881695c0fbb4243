"""Own the examination of an installation: what is there, and whether it will do."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from flows.environment import SILENT
from flows.local_servers import PORTS, list_running
from flows.server import ANSWER_SECONDS, answers, configured_url
from iovalence.errors import StorageError
from iovalence.record import Record

GIGABYTE = 10**9
LEAST_FREE, ENOUGH_FREE = 0.2 * GIGABYTE, 2 * GIGABYTE
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


class Examined(Record):
    """Say what one check found.

    Attributes:
        check: What was looked at.
        state: `fail` means that commands will not work.
        found: In words, and what to do.
    """

    check: str
    state: Literal["ok", "warn", "fail"]
    found: str


def examine(workspace: Path) -> tuple[Examined, ...]:
    """Check this installation, this machine and what is around a workspace."""
    return (
        *examine_packages(),
        examine_device(),
        examine_disk(workspace),
        examine_folder("workspace", workspace),
        examine_folder("temporary files", Path(tempfile.gettempdir())),
        *examine_servers(workspace),
        *examine_ports(workspace),
        examine_telemetry(),
    )


def raise_for_failures(findings: tuple[Examined, ...]) -> None:
    """Raise when a check failed.

    Raises:
        StorageError: One line for each that did.
    """
    faults = [f"{line.check}: {line.found}" for line in findings if line.state == "fail"]
    if faults:
        raise StorageError(faults)


def examine_packages() -> Iterator[Examined]:
    """Compare what is installed with what this version is known to work with."""
    from packaging.requirements import Requirement

    python = ".".join(map(str, sys.version_info[:3]))
    yield Examined(check="python", state="ok", found=python)
    for text in requires("iovalence") or ():
        wanted = Requirement(text)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            yield examine_package(wanted.name, str(wanted.specifier))


def examine_package(name: str, wanted: str) -> Examined:
    """Compare one package with the versions that are wanted, as `>=3.8,<4`."""
    from packaging.specifiers import SpecifierSet

    try:
        found = version(name)
    except PackageNotFoundError:
        return Examined(check=name, state="fail", found=f"must be installed; pip install '{name}'")
    if SpecifierSet(wanted).contains(found, prereleases=True):
        return Examined(check=name, state="ok", found=found)
    advice = f"must be {wanted}, got {found}; pip install '{name}{wanted}'"
    return Examined(check=name, state="fail", found=advice)


def examine_device() -> Examined:
    """Say what the arithmetic can run on, and whether a GPU is there that torch does not see."""
    import torch

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(at) for at in range(torch.cuda.device_count())]
        return Examined(check="device", state="ok", found=f"cuda: {', '.join(names)}")
    if torch.backends.mps.is_available():
        return Examined(check="device", state="ok", found="mps")
    cores = f"cpu, {os.cpu_count()} cores"
    if NVIDIA_DRIVER.exists():
        found = f"{cores}; a GPU is there that torch does not see: install torch's CUDA build"
        return Examined(check="device", state="warn", found=found)
    return Examined(check="device", state="ok", found=f"{cores}; no GPU")


def examine_disk(workspace: Path) -> Examined:
    """Say how much room there is for runs."""
    free = shutil.disk_usage(_nearest(workspace)).free
    found = f"{free / GIGABYTE:.1f} GB free"
    if free < LEAST_FREE:
        return Examined(check="disk", state="fail", found=f"{found}; runs need some: free space")
    return Examined(check="disk", state="ok" if free >= ENOUGH_FREE else "warn", found=found)


def examine_folder(check: str, folder: Path) -> Examined:
    """Say whether a folder can be written to, or made."""
    try:
        with tempfile.TemporaryFile(dir=_nearest(folder)):
            return Examined(check=check, state="ok", found=str(folder))
    except OSError as err:
        found = f"must be writable, got '{err.strerror}' ({folder})"
        return Examined(check=check, state="fail", found=found)


def _nearest(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def examine_servers(workspace: Path) -> Iterator[Examined]:
    """Say which servers commands will use."""
    url = configured_url(os.environ)
    if url is not None:
        there = answers(url, timeout=ANSWER_SECONDS)
        state, found = ("ok", url) if there else ("fail", f"must answer, got no answer ({url})")
        yield Examined(check="prefect server", state=state, found=f"{found}, as configured")
    for server in list_running(workspace):
        state, found = ("ok", "") if server.is_healthy() else ("warn", ", but it does not answer")
        yield Examined(check=f"{server.name} server", state=state, found=f"{server.url}{found}")


def examine_ports(workspace: Path) -> Iterator[Examined]:
    """Say whether the ports that `iovalence up` likes best are free."""
    from flows.server_launch import listen

    running = {server.name for server in list_running(workspace)}
    for name, port in PORTS.items():
        if name in running:
            continue
        try:
            listen(port).close()
        except OSError:
            found = f"{port} is taken; iovalence up takes the next free one"
            yield Examined(check=f"{name} port", state="warn", found=found)
        else:
            yield Examined(check=f"{name} port", state="ok", found=f"{port} is free")


def examine_telemetry() -> Examined:
    """Say whether every package is kept from reporting to its makers."""
    wrong = [name for name, value in SILENT.items() if os.environ.get(name) != value]
    if wrong:
        return Examined(check="telemetry", state="warn", found=f"not off: {', '.join(wrong)}")
    return Examined(check="telemetry", state="ok", found="off, in all packages")
