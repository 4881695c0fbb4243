"""Own where a command finds its workspace when no configuration names one."""

from pathlib import Path

from iovalence.errors import ConfigError

FOLDER = ".iovalence"


def find_workspace(named: str | None) -> Path:
    """Return the workspace that was named, else the nearest at or above the current folder.

    Raises:
        ConfigError: There is none.
    """
    if named is not None:
        path = Path(named).expanduser()
        if not path.is_dir():
            raise ConfigError(f"--workspace must be a folder, got '{named}'")
        return path.resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / FOLDER).is_dir():
            return folder / FOLDER
    raise ConfigError(
        f"a workspace must be at or above {here}, found no folder {FOLDER} there; "
        "name one with --workspace, or train first: iovalence train CONFIG"
    )


def workspace_to_make(named: str | None) -> Path:
    """Return the workspace as `find_workspace` does, or where a new one belongs."""
    if named is not None:
        return Path(named).expanduser().resolve()
    try:
        return find_workspace(None)
    except ConfigError:
        return Path.cwd() / FOLDER
