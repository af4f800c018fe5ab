"""Servers where jobs wait for a worker, and programs that tests run beside a service."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from contract.services import PATIENCE, free_port, listens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

KINDS = ("redis", "rabbitmq")
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


class Program:
    """A program that is started, and ended with all that it has started.

    Args:
        name: What its log is called.
        command: What is run.
        directory: Where it runs, and writes its log.
        variables: What its environment has besides paths and the language.
        port: At which it takes connections when it is ready, if it does.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        directory: Path,
        variables: Mapping[str, str],
        port: int | None = None,
    ) -> None:
        self._log = directory / f"{name}.log"
        self._command = command
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
        self._variables = {**kept, **variables}
        self._port = port
        self.start()

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=self._log.parent,
                env=self._variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        while self._port and not listens(self._port):
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def tell(self, sign: signal.Signals) -> None:
        """Send a signal to it and to all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, sign)

    def kill(self) -> None:
        """End it as a machine does that goes down."""
        self.tell(signal.SIGKILL)
        self.process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it say nothing for the block, and take connections."""
        self.tell(signal.SIGSTOP)
        try:
            yield
        finally:
            self.tell(signal.SIGCONT)

    @property
    def children(self) -> list[int]:
        """The processes that it started itself."""
        pid = self.process.pid
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self._log.read_text(errors="replace")


@contextmanager
def running(program: Program) -> Iterator[Program]:
    """End a program after the block."""
    try:
        yield program
    finally:
        program.kill()


@contextmanager
def broker(kind: str) -> Iterator[tuple[str, Program]]:
    """Run a broker that keeps what it has been given, and give its address, too."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{kind}-")))
        port = free_port()
        if kind == "redis":
            program = shutil.which("redis-server")
            if program is None:
                pytest.skip("redis-server is not installed.")
            # As in compose.yaml.
            command = [program, "--port", str(port), "--bind", "127.0.0.1", "--appendonly", "yes"]
            server = Program(kind, command, directory, {}, port)
            yield f"redis://127.0.0.1:{port}/0", stack.enter_context(running(server))
            return
        names = shutil.which("epmd")
        if names is None or not RABBITMQ.exists():
            pytest.skip("rabbitmq-server is not installed.")
        # Where its parts find each other: a server of its own, or one would stay behind.
        where = free_port()
        stack.enter_context(
            running(Program("epmd", [names, "-port", str(where)], directory, {}, where))
        )
        (directory / "plugins").write_text("[].\n")
        variables = {
            "HOME": str(directory),
            "ERL_EPMD_PORT": str(where),
            "RABBITMQ_NODENAME": "tests@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(directory / "none"),
            "RABBITMQ_CONFIG_FILE": str(directory / "none"),
            "RABBITMQ_PID_FILE": str(directory / "pid"),
        }
        server = Program(kind, [RABBITMQ], directory, variables, port)
        yield f"amqp://guest:guest@127.0.0.1:{port}//", stack.enter_context(running(server))
