"""Own how a first configuration for a table comes to be a file."""

import os
import tempfile
from pathlib import Path

from iovalence.atomic import write_text
from iovalence.errors import ConfigError, DataError


def draft_file(
    data: str, out: Path | None, *, target: str | None, column_names: tuple[str, ...] | None
) -> Path:
    """Look at a table and write a configuration for it; return where.

    Args:
        data: The table, relative to the current folder.
        out: Where to; the table's name with .yaml in the current folder when None.
        target: Column to predict; found when None.
        column_names: For a file without a header.

    Raises:
        ConfigError: The file is there already.
        DataError: The table cannot be read, or no target can be found.
        StorageError: The file cannot be written.
    """
    from iovalence.config.draft import draft_config
    from iovalence.data.ingest import ingest
    from iovalence.data.section import DataSection

    path = out or Path(Path(data).name.split(".")[0] or "config").with_suffix(".yaml")
    if path.exists():
        raise ConfigError(
            f"the configuration must be a new file, got one that is there ({path}); "
            "name another with -o"
        )
    section = DataSection(train_file=data, target=target, column_names=column_names)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            schema = ingest(section, Path.cwd(), Path(scratch))
        except DataError as err:
            # There is no configuration yet: what it would say is said by options.
            raise DataError([_name_options(fault) for fault in err.faults]) from err
    relative = os.path.relpath(Path(data).expanduser().resolve(), path.resolve().parent)
    write_text(path, draft_config(schema, relative, column_names=column_names))
    return path


def _name_options(fault: str) -> str:
    for key, option in (
        ("data.target", "--target"),
        ("data.column_names", "--column-names"),
        ("data.train_file", "DATA"),
    ):
        fault = fault.replace(key, option)
    return fault
