"""Services for the benchmarks: generated and hand-written ones, and the server that runs them."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
FRAMEWORKS = ("fastapi", "flask")
TITLES = {"fastapi": "FastAPI", "flask": "Flask"}
# benchmark:benchmark, which the services ask for before they store anything.
BASIC = "Basic YmVuY2htYXJrOmJlbmNobWFyaw=="


@dataclass
class Service:
    """An application and what it is run with.

    Attributes:
        name: What tables call it.
        project: The generated project whose environment and server settings it is run with.
        application: What gunicorn loads, such as ``service.main:app``.
        path: The directory that holds the application's module.
        variables: What its environment has besides.
    """

    name: str
    project: Path
    application: str = "service.main:app"
    path: Path = ROOT
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Give the environment of its server: a database and a directory of its own."""
        data = self.project.with_name(f"{self.project.name}-{self.name}")
        data.mkdir(exist_ok=True)
        return clean_environment() | {
            "BASIC_AUTH_USERNAME": "benchmark",
            "BASIC_AUTH_PASSWORD": "benchmark",
            "CORS_ORIGINS": '["https://example.com"]',
            "DATABASE_URL": f"sqlite:///{data}/items.db",
            "DATA_DIRECTORY": str(data),
            "PYTHONPATH": str(self.path),
            "WEB_CONCURRENCY": "1",
            **self.variables,
        }


@dataclass
class Server:
    """A server that answers.

    Attributes:
        port: Its port on the loopback address.
        seconds: From starting its process to its first answer.
        process: Its first process; the one that answers is a child of that.
    """

    port: int
    seconds: float
    process: subprocess.Popen[bytes]

    def ask(
        self, method: str, path: str, document: Any = None, authorization: str = BASIC
    ) -> tuple[int, Any]:
        """Send a request and give the status and the JSON of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            body = None if document is None else json.dumps(document)
            headers = {"Authorization": authorization}
            headers |= {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def memory(self) -> float:
        """Give the megabytes that its processes take; what they share is counted once."""
        kilobytes = 0
        for pid in processes_below(self.process.pid):
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
            kilobytes += int(rollup.partition("Pss:")[2].split()[0])
        return kilobytes / 1024

    def processor_time(self) -> float:
        """Give the seconds of processor time that its processes have taken."""
        ticks = 0
        for pid in processes_below(self.process.pid):
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
            ticks += sum(map(int, stat.rpartition(")")[2].split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")


def processes_below(pid: int) -> list[int]:
    """List a process and all that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(below for child in children for below in processes_below(int(child)))]


def clean_environment() -> dict[str, str]:
    """Give the environment of a user: with caches of compiled code, outside any environment."""
    dropped = {"PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"}
    return {name: value for name, value in os.environ.items() if name not in dropped}


def run(*command: str | Path, cwd: Path = ROOT, environment: dict[str, str] | None = None) -> str:
    """Run a command that must succeed and give its output, which is shown only if it fails."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=clean_environment() | (environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed in {cwd}:\n{done.stdout}")
    return done.stdout


def need(*programs: str) -> None:
    """Stop unless these programs are there."""
    if missing := [program for program in programs if not shutil.which(program)]:
        sys.exit(f"Install {' and '.join(missing)}: the benchmark runs it.")


def generate(directory: Path, answers: dict[str, str]) -> Path:
    """Generate a service and install what it needs in production."""
    data = [f"--set={name}={value}" for name, value in answers.items()]
    run(
        *(sys.executable, "-m", "servicewright", "new", directory, "--defaults"),
        *("--set=package_name=service", "--set=project_name=Service", *data),
    )
    run("uv", "sync", "--quiet", "--no-dev", "--compile-bytecode", cwd=directory)
    return directory


def free_port() -> int:
    """Find a port that nobody uses."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def started(
    command: list[str], port: int, cwd: Path, environment: dict[str, str], path: str = "/health"
) -> Iterator[Server]:
    """Start a server, wait until it answers a request for a path, and stop it at the end."""
    # A file: the log of the requests would fill a pipe that nobody reads.
    with tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=log
        )
        server = Server(port, 0.0, process)
        try:
            wait_for(server, path, log)
            server.seconds = time.perf_counter() - began
            yield server
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_for(server: Server, path: str, log: IO[bytes]) -> None:
    """Wait until the server answers a request with 200, at most half a minute."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            log.seek(0)
            sys.exit(f"The server ended:\n{log.read().decode()}")
        try:
            if server.ask("GET", path)[0] == 200:
                return
        except (ConnectionError, TimeoutError):
            pass
        time.sleep(0.002)
    sys.exit("The server does not answer.")


@contextmanager
def served(service: Service) -> Iterator[Server]:
    """Run a service as its container does, by gunicorn with the generated settings."""
    port = free_port()
    gunicorn = str(service.project / ".venv" / "bin" / "gunicorn")
    environment = service.environment() | {"PORT": str(port)}
    command = [gunicorn, "--worker-tmp-dir=/dev/shm", service.application]
    with started(command, port, service.project, environment) as server:
        yield server
