"""Own the process of a Prefect server: `python -m flows.server_process SOCKET HOME [--watch]`.

It serves on a socket that is listening already, so that nothing can take its port and clients
may connect before it is ready. With `--watch` it ends when the process that holds the other end
of its standard input does, however that one died, and removes its home.
"""

import contextlib
import gc
import http.client
import os
import shutil
import socket
import sqlite3
import stat
import sys
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path

MIGRATE = "PREFECT_SERVER_DATABASE_MIGRATE_ON_START"


def main() -> None:
    """Serve until told to stop, or until the parent is gone."""
    listening, home = socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])
    if "--watch" in sys.argv:
        threading.Thread(target=_end_with_parent, args=(home,), daemon=True).start()
    # Nothing that is imported is ever freed: collecting while importing costs half a second.
    gc.disable()
    prepare_database(home)
    serve(listening)


def _end_with_parent(home: Path) -> None:
    sys.stdin.buffer.read()
    shutil.rmtree(home, ignore_errors=True)
    os._exit(0)


def serve(listening: socket.socket) -> None:
    """Answer requests on a listening socket until SIGTERM."""
    import uvicorn
    from prefect.server.api.server import create_app

    app = create_app()
    threading.Thread(target=_ask_once, args=(listening.getsockname(),), daemon=True).start()
    gc.collect()
    gc.freeze()
    gc.enable()
    config = uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=2)
    uvicorn.Server(config).run(sockets=[listening])


def _ask_once(address: tuple[str, int]) -> None:
    """Ask what every client asks first: that answer takes 0.6 s to make, once."""
    connection = http.client.HTTPConnection(*address)
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/api/admin/version")
        connection.getresponse().read()


def prepare_database(home: Path) -> None:
    """Copy a migrated, empty database into `home`, or make one and keep a copy for the next.

    The migrations take 10 s of computing, a copy none. A database that is there is left alone.
    """
    database = home / "prefect.db"
    if database.exists():
        return
    template = template_path()
    if template is not None and template.is_file():
        shutil.copyfile(template, database)
        os.environ[MIGRATE] = "false"
        return
    _migrate()
    if template is not None:
        _keep(database, template)


def _migrate() -> None:
    import asyncio

    from prefect.server.database import provide_database_interface

    asyncio.run(provide_database_interface().create_db())


def _keep(database: Path, template: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=template.parent)
    os.close(descriptor)
    source, copy = sqlite3.connect(database), sqlite3.connect(name)
    # The file beside the database, its log, has pages that a copy of the file would lack.
    source.backup(copy)
    source.close()
    copy.close()
    Path(name).replace(template)


def template_path() -> Path | None:
    """Return where this user's migrated database is, or None where others could write to it."""
    folder = Path(tempfile.gettempdir()) / f"iovalence-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    private = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
    if not private or found.st_uid != os.getuid():
        return None
    return folder / f"prefect-{version('prefect')}.db"


if __name__ == "__main__":
    main()
