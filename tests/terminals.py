"""A terminal of a certain size, in which a program runs and whose screen can be read."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import termios
import time
from typing import TYPE_CHECKING

import pyte
import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTER, UP, DOWN, ESCAPE, INTERRUPT = "\r", "\x1b[A", "\x1b[B", "\x1b", "\x03"
LINES = 40


class _Screen(pyte.HistoryScreen):
    """A screen that tells programs where its cursor is: they ask."""

    def __init__(self, keyboard: int, columns: int) -> None:
        super().__init__(columns, LINES, history=1000)
        self._keyboard = keyboard

    def write_process_input(self, data: str) -> None:
        """Answer a program."""
        os.write(self._keyboard, data.encode())


class Terminal:
    """Runs a program in a terminal of its own.

    Args:
        arguments: The program.
        columns: How wide the terminal is.
        environment: The program's environment, if it is not that of the tests.
    """

    def __init__(
        self, arguments: list[str], columns: int, environment: Mapping[str, str] | None = None
    ) -> None:
        self.raw = b""
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (LINES, columns))
        self.program = subprocess.Popen(
            arguments,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**(environment or os.environ), "TERM": "xterm-256color"},
        )
        os.close(theirs)
        self._screen = _Screen(self._ours, columns)
        self._stream = pyte.ByteStream(self._screen)

    def close(self) -> None:
        """End the program, if it has not ended."""
        if self.program.poll() is None:
            self.program.kill()
        self.program.wait(timeout=60)
        os.close(self._ours)

    @property
    def lines(self) -> list[str]:
        """What the screen shows, and what was there before."""
        columns = range(self._screen.columns)
        scrolled = ["".join(line[x].data for x in columns) for line in self._screen.history.top]
        return [line.rstrip() for line in (*scrolled, *self._screen.display)]

    @property
    def text(self) -> str:
        """All lines as one, as if the terminal were wide enough."""
        return " ".join(" ".join(self.lines).split())

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            os.write(self._ours, key.encode())

    def see(self, text: str, seconds: float = 60) -> str:
        """Wait until the screen shows a text, however it is broken into lines."""
        deadline = time.monotonic() + seconds
        while text not in self.text:
            if not self._read(deadline - time.monotonic()):
                pytest.fail(f"{text!r} does not come:\n" + "\n".join(self.lines))
        return self.text

    def end(self, seconds: float = 60) -> int:
        """Wait for the end of the program, and give its exit code."""
        deadline = time.monotonic() + seconds
        while self._read(deadline - time.monotonic()):
            pass
        return self.program.wait(timeout=max(deadline - time.monotonic(), 1))

    def _read(self, seconds: float) -> bool:
        """Read what the program writes; it has ended, or too long was waited, if not."""
        if not select.select([self._ours], [], [], max(seconds, 0))[0]:
            return False
        try:
            written = os.read(self._ours, 65536)
        except OSError:
            # The far end of a terminal that no program holds open is an error to read.
            return False
        self.raw += written
        self._stream.feed(written)
        return bool(written)
