"""Own what is noted of the machine and the code that made a run."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "torch",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "safetensors",
    "mlflow",
    "prefect",
    "great-expectations",
    "pydantic",
)

# A result can depend on these; the others carry it.
DECIDING = ("python", "torch", "numpy", "pandas", "pyarrow", "scikit-learn")


def package_versions() -> dict[str, str]:
    """Return Python's version and those of the packages that a result can depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def describe_hardware() -> dict[str, str]:
    """Return what of the machine a result or its speed can depend on."""
    found = {
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
    }
    gpu = _gpu()
    return found if gpu is None else found | {"gpu": gpu}


def _gpu() -> str | None:
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def git_commit(folder: Path) -> str | None:
    """Return the commit of the user's repository around `folder`, with `+` when it is changed."""
    head = _git(folder, "rev-parse", "HEAD")
    if head is None:
        return None
    return head + ("+" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
