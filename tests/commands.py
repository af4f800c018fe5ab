"""The command line, as the tests run it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING

import pytest
import yaml
from typer.testing import CliRunner

from servicewright.cli import app

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


def files(directory: Path) -> dict[str, bytes]:
    """Read all that is below a directory; folders are listed too."""
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else b"(folder)"
        for path in sorted(directory.rglob("*"))
    }


def remembered(project: Path) -> dict[str, object]:
    """Read what a project remembers of the template and the answers."""
    loaded = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def command(*arguments: str | Path) -> list[str]:
    """Give the command line as another process would run it."""
    return [sys.executable, "-m", "servicewright", *map(str, arguments)]


def run(*arguments: str | Path) -> Result:
    """Run the command line in this process; its input is no terminal."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refusal(result: Result, exit_code: int) -> str:
    """Expect a refusal: the exit code, one sentence on stderr and nothing else."""
    assert result.exit_code == exit_code, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("Error: ")
    assert result.stderr.endswith(".\n") or result.stderr.endswith("?\n")
    return result.stderr


def in_terminal(
    arguments: list[str], keys: dict[str, str], *, columns: int = 80
) -> tuple[int, str]:
    """Run a program in a terminal and press keys when it shows certain texts.

    Returns:
        Its exit code and all that the terminal showed.
    """
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    program = subprocess.Popen(
        arguments, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    waiting = list(keys.items())
    deadline = time.monotonic() + 60
    try:
        while select.select([ours], [], [], max(0, deadline - time.monotonic()))[0]:
            shown += os.read(ours, 4096)
            while waiting and waiting[0][0].encode() in shown:
                os.write(ours, waiting.pop(0)[1].encode())
        program.kill()
        pytest.fail(f"it still waits for an answer: {shown.decode()}")
    except OSError:
        # The far end of a terminal that no program holds open is an error to read.
        pass
    finally:
        os.close(ours)
    code = program.wait(timeout=60)
    assert not waiting, shown.decode()
    return code, shown.decode()


def printed_commands(stdout: str) -> list[str]:
    """Pick the commands out of the report."""
    return [line[2:] for line in stdout.splitlines() if line.startswith("  ")]
