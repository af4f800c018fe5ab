"""Rendered services that run on real servers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from matrix.environments import interpreter
from matrix.plugin import ROOT
from matrix.postgresql import DRIVER, PostgreSQL
from matrix.rendering import PACKAGE

from contract.probes import AUTHORIZATION
from servicewright.variants import variants

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matrix.environments import Environments
    from matrix.rendering import Renderer, Tree

FRAMEWORKS = ("fastapi", "flask")
ALL_FEATURES: dict[str, Any] = {
    "settings": True,
    "pages": True,
    "background_tasks": "in_process",
    "database": "sqlite",
    "auth": "basic",
    "cors": True,
    "modular": True,
    "docker": True,
}
NO_FEATURES: dict[str, Any] = {
    "settings": False,
    "pages": False,
    "background_tasks": "none",
    "database": "none",
    "auth": "none",
    "cors": False,
    "modular": False,
    "docker": False,
}
# How many seconds a server may take to start or to end on a machine that has much to do.
PATIENCE = 60.0


def change(file: Path, old: str, new: str) -> None:
    """Change a text that stands in a file exactly once."""
    text = file.read_text()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
    file.write_text(text.replace(old, new))


@dataclass(frozen=True)
class Service:
    """A service in a directory of its own, with an environment that has what it declares."""

    path: Path
    environment: Path

    @property
    def source(self) -> Path:
        """The directory of the package."""
        return self.path / "src" / PACKAGE

    def program(self, module: str, *arguments: str) -> list[str]:
        """Give the command that runs a module of the environment."""
        return [str(interpreter(self.environment)), "-m", module, *arguments]


class Services:
    """Makes services from the variants of the template, each in a new directory."""

    def __init__(self, renderer: Renderer, environments: Environments) -> None:
        self._renderer = renderer
        self._environments = environments
        self._variants = variants(ROOT)

    def make(self, directory: Path, framework: str, **changes: Any) -> Service:
        """Make a service with all features, but for the answers that are given."""
        tree = self.tree(framework, **changes)
        path = shutil.copytree(tree.path, directory / tree.variant.id)
        return Service(path, self._environments.get(tree.requirements))

    def tree(self, framework: str, **changes: Any) -> Tree:
        """Give the tree of such a service, which nobody may change."""
        answers = {"framework": framework, **ALL_FEATURES, **changes}
        variant = self._variants.first(answers)
        assert variant is not None, answers
        return self._renderer.tree(variant.id)


@dataclass(frozen=True)
class Answer:
    """What a server answers; the names of the headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def read(cls, connection: HTTPConnection) -> Answer:
        """Read the answer to what was sent over a connection."""
        response = connection.getresponse()
        headers: dict[str, str] = {}
        for name, value in response.getheaders():
            known = headers.get(name.lower())
            headers[name.lower()] = value if known is None else f"{known}, {value}"
        return cls(response.status, headers, response.read())

    @property
    def json(self) -> Any:
        """The body, where it is JSON."""
        return json.loads(self.body)


class Server:
    """A server that has been started."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self._log = log

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self._log.read_text(errors="replace")

    def connection(self) -> HTTPConnection:
        """Make a connection; the first request opens it."""
        return HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def ask(
        self,
        method: str,
        path: str,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Log in, send a request over a connection of its own, and read the answer."""
        headers = {"Authorization": AUTHORIZATION, **(headers or {})}
        with closing(self.connection()) as connection:
            connection.request(method, path, body, headers)
            return Answer.read(connection)

    def wait_until_it_answers(self) -> None:
        """Wait for the first 200."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.ask("GET", "/items").status == 200:
                    return
            except (OSError, HTTPException):
                time.sleep(0.02)
        raise AssertionError(f"The server does not answer:\n{self.log}")

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, wait until it and all that it started have, and give its exit status."""
        self.process.send_signal(sign)
        status = self.process.wait(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                os.killpg(self.process.pid, 0)
            except ProcessLookupError:
                return status
            time.sleep(0.02)
        raise AssertionError(f"The server left processes behind:\n{self.log}")


def free_port() -> int:
    """Find a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Tell whether anybody takes connections at a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def run(
    command: Sequence[str], port: int, directory: Path, variables: Mapping[str, str]
) -> Iterator[Server]:
    """Run a server until the block ends; it and all that it started are gone then."""
    log = directory / f"server-{port}.log"
    # The service sees no settings of whoever runs the tests; what programs need is kept.
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"HOME", "LANG", "PATH", "TZ"}
        or name.startswith(("SSL_", "UV_", "XDG_"))
        or name.lower().endswith("_proxy")
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**kept, "PYTHONUNBUFFERED": "1", **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(process, port, log)
    try:
        server.wait_until_it_answers()
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def database_for(service: Service) -> Iterator[str]:
    """Give the address of an empty database of the kind that the service is made for."""
    if not (service.path / "tests" / "test_postgresql.py").exists():
        yield f"sqlite:///{service.path / 'test.db'}"
        return
    # The service's own tests need the same PostgreSQL, so it is in its environment.
    server = PostgreSQL(Path(tempfile.gettempdir()) / f"postgresql-{uuid4().hex}")
    try:
        yield server.variables((DRIVER,), service.environment)["TEST_DATABASE_URL"]
    finally:
        server.stop()


@contextmanager
def run_in_production(service: Service, variables: Mapping[str, str]) -> Iterator[Server]:
    """Run a service as its image does, with one process so that requests are served in order."""
    port = free_port()
    settings = {"PYTHONPATH": "src", "PORT": str(port), "WEB_CONCURRENCY": "1", **variables}
    with (
        database_for(service) as url,
        run(
            service.program("gunicorn"), port, service.path, {"DATABASE_URL": url, **settings}
        ) as server,
    ):
        yield server
