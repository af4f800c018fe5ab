"""What the builder costs: processor time for each kind of request, and memory.

`uv run python benchmarks/builder_load.py` starts it as its image does and asks for services that
nobody asked for before. Processor time, because a machine that does other work answers later, not
dearer.
"""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

BUILDER = Path(__file__).resolve().parents[1] / "builder"
ADDRESS = "http://127.0.0.1:8799"
REQUESTS = 96
PATIENCE = 120.0
CHOICES = {
    "framework": ("fastapi", "flask"),
    "database": ("none", "sqlite", "postgresql"),
    "auth": ("none", "basic"),
    "cors": ("no", "yes"),
    "pages": ("no", "yes"),
    "docker": ("no", "yes"),
}
TICKS = os.sysconf("SC_CLK_TCK")


def get(path: str, query: dict[str, str]) -> bytes:
    """Ask for something."""
    address = f"{ADDRESS}{path}?{urlencode(query)}"
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - our own
        body: bytes = answer.read()
    return body


def worker_of(server: int) -> Path:
    """Give the directory in which the system tells of the process that answers."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return Path("/proc", children[0])


def seconds(worker: Path) -> float:
    """Give the processor time that a process has taken."""
    fields = (worker / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(worker: Path, path: str, queries: list[dict[str, str]]) -> float:
    """Give the milliseconds of processor time that a request takes."""
    before = seconds(worker)
    for query in queries:
        get(path, query)
    return (seconds(worker) - before) * 1000 / len(queries)


def main() -> None:
    """Measure, and print a table."""
    ways = [dict(zip(CHOICES, way, strict=True)) for way in itertools.product(*CHOICES.values())]
    random.Random(0).shuffle(ways)  # noqa: S311 - always the same
    ways = ways[:REQUESTS]
    changes = [
        {**now, "before": urlencode(before)} for before, now in itertools.pairwise([{}, *ways])
    ]
    program = [str(Path(sys.executable).with_name("gunicorn"))]
    environment = {**os.environ, "PORT": ADDRESS.rpartition(":")[2], "LOG_LEVEL": "WARNING"}
    with subprocess.Popen(program, cwd=BUILDER, env=environment) as server:
        try:
            deadline = time.monotonic() + PATIENCE
            while True:
                try:
                    get("/ready", {})
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.5)
            worker = worker_of(server.pid)
            for path in ("/", "/draft", "/service.zip"):
                get(path, {})
            for name, path, queries in (
                ("an answer that makes a new service", "/draft", changes),
                ("one that was asked for just before", "/draft", changes[-20:] * 5),
                ("what each answer brings", "/consequences", ways),
                ("a new archive", "/service.zip", [{**way, "description": "New."} for way in ways]),
            ):
                print(f"{measure(worker, path, queries):6.1f} ms  {name}")  # noqa: T201
            status = (worker / "status").read_text()
            print(status[status.index("VmHWM") :].partition("\n")[0])  # noqa: T201
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
