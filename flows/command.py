"""Own the command `iovalence`: its commands, and what its exit status says."""

import gc
import os
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from flows.commands import (
    advising,
    comparing,
    configurations,
    machine,
    record,
    runs,
    sweeps,
    training,
)
from flows.commands.console import print_text, say
from flows.environment import QUIET, environment, silent
from flows.interruption import hush, interruptible
from iovalence import __version__
from iovalence.errors import ConfigError, ExitStatus, IOValenceError

# As `iovalence.stages.resumed` calls it; importing that takes longer than `--help` may.
NEWEST = "newest"

# What all faults of the command's arguments are; typer has no public name for it.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]

# Named in the contract; each is taken off when it is built.
LATER_COMMANDS = {"retrain", "promote", "rollback"}
LATER_COMMANDS |= {"deploy", "watch"}

app = typer.Typer(
    name="iovalence",
    help="One YAML file and one table in; a trained, documented, reproducible model out.",
    epilog="Begin with: iovalence quickstart",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (training, sweeps, configurations, runs, comparing, advising, record, machine):
    group.register(app)


def _print_version(asked: bool) -> None:
    if asked:
        print_text(__version__)
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say which one."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks, and the servers' log; anywhere.")
    ] = False,
) -> None:
    # Both are read before the rest: `--debug` in `main`, from anywhere among the arguments.
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; the console script ends with it.

    Args:
        arguments: As after the command's name; None for those of the process.
    """
    given = name_newest(list(sys.argv[1:] if arguments is None else arguments)) or ["--help"]
    debug = "--debug" in given
    if arguments is None and not debug:
        # Warnings of the libraries below are not for people who train models.
        warnings.simplefilter("ignore")
    try:
        ended = _attempt(given, debug=debug)
    except KeyboardInterrupt as err:
        ended = _Ended(ExitStatus.INTERRUPTED, ("interrupted",), err)
    if arguments is None:
        # Whoever presses Ctrl-C ten times gets one answer, not the traceback of an exit.
        hush()
    _tell(ended, debug=debug)
    # Freeing half a gigabyte of modules one by one takes a second and a half.
    gc.freeze()
    return int(ended.status)


@dataclass(frozen=True)
class _Ended:
    """Hold how a command ended, and what is to be said of it."""

    status: int
    faults: Sequence[str] = ()
    error: BaseException | None = None


def _attempt(given: list[str], *, debug: bool) -> _Ended:
    try:
        with environment(silent() | ({} if debug else QUIET)), interruptible():
            status = _run(given)
        return _Ended(status, ("interrupted",) if status == ExitStatus.INTERRUPTED else ())
    except IOValenceError as err:
        return _Ended(err.status, err.faults, err)
    except UsageError as err:
        return _Ended(ExitStatus.INPUT, (_advise(err),), err)
    except (BrokenPipeError, SystemExit):
        # What reads us has ended, as `head` does: no fault. rich and typer say it by SystemExit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _Ended(ExitStatus.DONE)
    except Exception as err:  # noqa: BLE001 - the border: no traceback is shown unasked
        return _Ended(ExitStatus.FAULT, (_unexpected(err),), err)


def _refuse_later(given: Sequence[str]) -> None:
    """Refuse by name the commands that later work brings."""
    asked = [word for word in given if not word.startswith("-")][:1]
    named = [word for word in asked if word in LATER_COMMANDS]
    if named:
        raise ConfigError(
            f"`iovalence {named[0]}` is not built yet; iovalence --help lists what is"
        )


def name_newest(given: list[str]) -> list[str]:
    """Return the arguments with the run filled in that `--resume` leaves out.

    typer knows no option whose value may be left out. What follows is no run when it is another
    option, or the configuration.
    """
    filled = list(given)
    if "--resume" in given and "train" in given[: given.index("--resume")]:
        at = given.index("--resume") + 1
        if at == len(given) or given[at].startswith("-") or Path(given[at]).is_file():
            filled.insert(at, NEWEST)
    return filled


def _run(given: list[str]) -> int:
    _refuse_later(given)
    status = typer.main.get_command(app).main(
        [part for part in given if part != "--debug"], prog_name="iovalence", standalone_mode=False
    )
    sys.stdout.flush()
    return int(status or 0)


def _advise(err: Exception) -> str:
    words = " ".join(getattr(err, "format_message", err.__str__)().split()).rstrip(".")
    context = getattr(err, "ctx", None)
    command = context.command_path if context is not None else "iovalence"
    return f"{words[:1].lower()}{words[1:]}; {command} --help shows what it takes"


def _unexpected(err: Exception) -> str:
    words = " ".join(str(err).split())
    told = f"{type(err).__name__}: {words}" if words else type(err).__name__
    return f"IOValence itself failed: {told}; --debug shows where"


def _tell(ended: _Ended, *, debug: bool) -> None:
    if debug and ended.error is not None:
        import traceback

        traceback.print_exception(ended.error)
    for fault in ended.faults:
        say(f"error: {fault}")
