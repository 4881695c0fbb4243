"""A terminal that tests can look at: a child's pseudo terminal, and the screen that it draws."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_TOKENS = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Screen:
    """Follow what is written as a terminal does, lines that are too long folded.

    Attributes:
        columns: Its width.
        lines: What stands on it, from the first line on.
        is_cursor_shown: Whether people see where they are.
    """

    def __init__(self, columns: int = 80) -> None:
        self.columns = columns
        self.lines = [""]
        self.is_cursor_shown = True
        self._row, self._column = 0, 0

    def write(self, text: str) -> "Screen":
        for arguments, command, control, plain in _TOKENS.findall(text):
            if command:
                self._obey(arguments, command)
            elif control:
                self._column = 0
                self._row += control == "\n"
            for char in plain:
                self._put(char)
            while len(self.lines) <= self._row:
                self.lines.append("")
        return self

    def _obey(self, arguments: str, command: str) -> None:
        if command == "A":
            self._row = max(self._row - int(arguments or 1), 0)
        elif command == "K":
            assert arguments == "2", "the screen knows how to erase whole lines alone"
            self.lines[self._row] = ""
        elif arguments == "?25":
            self.is_cursor_shown = command == "h"
        else:
            assert command == "m", f"the screen does not know {arguments}{command}"

    def _put(self, char: str) -> None:
        if self._column == self.columns:
            self._row, self._column = self._row + 1, 0
        while len(self.lines) <= self._row:
            self.lines.append("")
        line = self.lines[self._row].ljust(self._column)
        self.lines[self._row] = line[: self._column] + char + line[self._column + 1 :]
        self._column += 1

    def shown(self) -> list[str]:
        """Return the lines with something on them."""
        return [line.rstrip() for line in self.lines if line.strip()]


class Terminal:
    """Run a command with a terminal as its standard error, and as its standard output too.

    Attributes:
        process: The command; its terminal is the one that Ctrl-C goes to.
        written: All that it wrote so far.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self._columns = columns
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        unset = ("NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR")
        kept = {name: value for name, value in os.environ.items() if name not in unset}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=slave,
            stderr=slave,
            env=kept | {"TERM": "xterm-256color"} | dict(env or {}),
            cwd=cwd,
            start_new_session=True,
        )
        os.close(slave)
        self.written = ""
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        found = b""
        while True:
            try:
                some = os.read(self._master, 4096)
            except OSError:
                some = b""  # what Linux says when the last one at the other end is gone
            found += some
            with self._changed:
                self.written = found.decode(errors="replace")
                self._changed.notify_all()
            if not some:
                return

    def wait_for(self, text: str, timeout_s: float = 60) -> None:
        """Wait until this was written."""
        with self._changed:
            assert self._changed.wait_for(lambda: text in self.written, timeout_s), self.written

    def end(self, timeout_s: float = 60) -> int:
        """Wait for the end, and return its status; what does not end in time is killed."""
        try:
            status = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self._reader.join(timeout_s)
        os.close(self._master)
        return status

    def screen(self) -> Screen:
        """Return the screen as it is."""
        return Screen(self._columns).write(self.written)
