"""What many clients see at once, and what they see while something is broken.

Real servers, on the routes that read and write; bounded in count and time.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from contract.probes import AUTHORIZATION
from contract.services import FRAMEWORKS, PATIENCE, database_for, free_port, listens
from test_production import control, production, wait_until, workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contract.services import Server, Service, Services

pytestmark = pytest.mark.thorough

STORES = ("sqlite", "postgresql", "none")
ITEM = json.dumps({"name": "Chair", "price": "4.50", "tags": ["a", "b"]}).encode()
LARGE = b"x" * 10_380_902  # 9.9 MB
DATABASE_TIMEOUT = 3

# A route that takes its time in the database, as an owner would add it.
SLOW = {
    "fastapi": """
from fastapi import APIRouter, FastAPI
from sqlalchemy import text

from .dependencies import SessionDep
from .routing import OneThreadRoute

slow = APIRouter(route_class=OneThreadRoute)


@slow.get("/slow")
def sleep(session: SessionDep) -> None:
    session.execute(text("SELECT pg_sleep(2)"))


def init_app(app: FastAPI) -> None:
    app.include_router(slow)
""",
    "flask": """
from flask import Flask
from sqlalchemy import text

from .dependencies import get_session


def init_app(app: Flask) -> None:
    @app.get("/slow")
    def sleep() -> str:
        get_session().execute(text("SELECT pg_sleep(2)"))
        return "null"
""",
}


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    """Each framework in turn."""
    name: str = request.param
    return name


def plain(services: Services, directory: Path, framework: str, **answers: Any) -> Service:
    """Make a service with the default answers, but for those that are given."""
    few = {"pages": False, "background_tasks": "none", "auth": "none", "cors": False}
    return services.make(directory, framework, **{**few, **answers})


class Tally:
    """What clients got: how often each answer, and how many seconds the slowest took."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.slowest = 0.0

    async def ask(
        self, port: int, method: str, path: str, body: bytes = b"", patience: float = PATIENCE
    ) -> str:
        """Send a request over a connection of its own, and note how it was answered."""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Authorization: {AUTHORIZATION}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        started = time.monotonic()
        try:
            async with asyncio.timeout(patience):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    writer.write(head.encode() + body)
                    answer = await reader.read()
                finally:
                    writer.close()
        except (OSError, TimeoutError) as error:
            said = type(error).__name__
        else:
            said = answer[9:12].decode() or "nothing"
            if said == "503" and b"\r\nretry-after: " not in answer.lower():
                said = "503 without Retry-After"
        self.answers[said] += 1
        self.slowest = max(self.slowest, time.monotonic() - started)
        return said


def all_at_once(clients: int, client: Callable[[int], Any]) -> None:
    """Let clients work at the same time, until each has done what it does."""

    async def everybody() -> None:
        await asyncio.gather(*(client(number) for number in range(clients)))

    asyncio.run(everybody())


async def read_or_write(server: Server, tally: Tally, number: int) -> None:
    """Read items, or create one: every other client reads."""
    if number % 2:
        await tally.ask(server.port, "GET", "/items")
    else:
        await tally.ask(server.port, "POST", "/items", ITEM)


@contextmanager
def busy(server: Server, tally: Tally, pause: float = 0, clients: int = 20) -> Iterator[None]:
    """Have clients read and write, one request after the other, until the block ends."""
    ended = Event()

    async def client(number: int) -> None:
        while not ended.is_set():
            await read_or_write(server, tally, number)
            await asyncio.sleep(pause)

    thread = Thread(target=all_at_once, args=(clients, client))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def watched(port: int, *paths: str) -> Iterator[dict[str, Tally]]:
    """Ask how a service is, again and again, until the block ends."""
    seen = {path: Tally() for path in paths}
    ended = Event()

    def watch(path: str, tally: Tally) -> None:
        while not ended.wait(0.2):
            asyncio.run(tally.ask(port, "GET", path))

    threads = [Thread(target=watch, args=each) for each in seen.items()]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        ended.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("database", STORES)
def test_everybody_is_answered(
    services: Services, framework: str, database: str, tmp_path: Path
) -> None:
    made = plain(services, tmp_path, framework, database=database)
    with (
        database_for(made) as url,
        production(made, database_url=url) as server,
        watched(server.port, "/health", "/ready") as seen,
    ):
        stored = 0
        for clients in (1, 16, 64, 100, 300):
            for reads, writes in ((2, 0), (0, 2), (1, 1)):
                tally = Tally()

                async def client(
                    _: int, tally: Tally = tally, reads: int = reads, writes: int = writes
                ) -> None:
                    for _ in range(reads):
                        await tally.ask(server.port, "GET", "/items?limit=100")
                    for _ in range(writes):
                        await tally.ask(server.port, "POST", "/items", ITEM)

                all_at_once(clients, client)

                stored += clients * writes
                expected = {"200": clients * reads, "201": clients * writes}
                assert tally.answers == Counter(expected), (clients, reads, writes)
        assert server.ask("GET", "/items").json["total"] == stored
    assert [set(tally.answers) for tally in seen.values()] == [{"200"}] * 2
    assert "Traceback" not in server.log


@pytest.mark.parametrize("database", STORES)
def test_a_burst(services: Services, framework: str, database: str, tmp_path: Path) -> None:
    made = plain(services, tmp_path, framework, database=database)
    tally = Tally()
    with database_for(made) as url, production(made, database_url=url) as server:
        all_at_once(500, lambda _: tally.ask(server.port, "GET", "/items"))

        assert set(tally.answers) <= {"200", "503"}
        time.sleep(5)
        started = time.monotonic()
        assert server.ask("GET", "/items").status == 200
        assert time.monotonic() - started < 1
    assert "Traceback" not in server.log


@pytest.mark.parametrize("database", STORES)
def test_clients_that_retry(
    services: Services, framework: str, database: str, tmp_path: Path
) -> None:
    made = plain(services, tmp_path, framework, database=database)
    tally = Tally()
    with database_for(made) as url, production(made, database_url=url) as server:
        until = time.monotonic() + 60

        async def client(_: int) -> None:
            while time.monotonic() < until:
                await tally.ask(server.port, "GET", "/items", patience=10)
                # This is about those that wait, not about how fast the clients' machine is.
                await asyncio.sleep(0.5)

        with watched(server.port, "/health") as seen:
            all_at_once(200, client)

        assert set(tally.answers) <= {"200", "503"}
        assert set(seen["/health"].answers) == {"200"}
        time.sleep(5)
        started = time.monotonic()
        assert server.ask("GET", "/items").status == 200
        assert time.monotonic() - started < 1
    assert "Traceback" not in server.log


def test_slow_queries(services: Services, framework: str, tmp_path: Path) -> None:
    made = plain(services, tmp_path, framework, database="postgresql")
    (made.source / "custom.py").write_text(SLOW[framework])
    tally = Tally()
    with database_for(made) as url, production(made, database_url=url) as server:
        with watched(server.port, "/ready") as seen:
            all_at_once(100, lambda _: tally.ask(server.port, "GET", "/slow"))

        assert set(tally.answers) <= {"200", "503"}
        assert tally.answers["200"] >= 60
        assert set(seen["/ready"].answers) == {"200"}
        assert server.ask("GET", "/items").status == 200
    assert "Traceback" not in server.log


def processes_of(url: str) -> list[int]:
    """Give the ids of PostgreSQL's processes, of which the first started all others."""
    data = Path(parse_qs(urlsplit(url).query)["host"][0])
    first = int((data / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{first}/task/{first}/children").read_text()
    return [first, *map(int, children.split())]


@contextmanager
def frozen(url: str) -> Iterator[None]:
    """Have PostgreSQL say nothing, as on a machine that hangs."""
    processes = processes_of(url)
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


@contextmanager
def bystander(directory: Path) -> Iterator[int]:
    """Run the smallest of servers: how late it is tells what else the machine does."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", "--bind=127.0.0.1", str(port)]
    with subprocess.Popen(command, cwd=directory, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: listens(port))
            yield port
        finally:
            process.terminate()


def freeze(server: Server, other: int, url: str, when: str) -> tuple[float, float]:
    """Freeze the database for six seconds.

    Returns:
        How many seconds more than the other server's /health took, and any other request.
    """
    tally = Tally()
    with ExitStack() as stack:
        if when == "at work":
            stack.enter_context(busy(server, tally, 0.3, 60))
            wait_until(lambda: tally.answers["200"] > 100)
        stack.enter_context(frozen(url))
        if when == "idle":
            stack.enter_context(busy(server, tally, 0.3, 60))
        with watched(server.port, "/health", "/ready") as seen, watched(other, "/") as elsewhere:
            time.sleep(6)

    assert tally.answers["503"] > 60
    assert set(tally.answers) <= ({"200", "201", "503"} if when == "at work" else {"503"})
    assert set(seen["/health"].answers) == {"200"}
    assert set(seen["/ready"].answers) == {"503"}
    wait_until(lambda: server.ask("GET", "/items").status == 200, 5)
    assert server.ask("GET", "/ready").status == 200
    late = elsewhere["/"].slowest
    return seen["/health"].slowest - late, max(tally.slowest, seen["/ready"].slowest) - late


@pytest.mark.parametrize("when", ["idle", "at work"])
def test_a_database_that_says_nothing(
    services: Services, framework: str, when: str, tmp_path: Path
) -> None:
    made = plain(services, tmp_path, framework, database="postgresql")
    with (
        database_for(made) as url,
        production(made, database_url=url, DATABASE_TIMEOUT=str(DATABASE_TIMEOUT)) as server,
        bystander(tmp_path) as other,
    ):
        # What else the machine does may hit one of them only, but hardly each time.
        for _ in range(3):
            health, slowest = freeze(server, other, url, when)
            if health < 0.1 and slowest < DATABASE_TIMEOUT + 1:
                break
        else:
            pytest.fail(f"/health took {health:.2f} seconds, another request {slowest:.2f}")
    assert "Traceback" not in server.log


@contextmanager
def pooler(url: str) -> Iterator[str]:
    """Give the address of a pooler of PostgreSQL: each transaction is on any connection."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed.")
    data = Path(parse_qs(urlsplit(url).query)["host"][0])
    port = free_port()
    settings = data / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n* = host={data} user=postgres\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        "auth_type = any\npool_mode = transaction\ndefault_pool_size = 4\n"
    )
    with subprocess.Popen(
        # Like PostgreSQL, it does not run as the superuser.
        [program, "--quiet", settings],
        user=data.stat().st_uid,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_until(lambda: listens(port))
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            process.terminate()


def test_behind_a_pooler(services: Services, framework: str, tmp_path: Path) -> None:
    made = plain(services, tmp_path, framework, database="postgresql")
    tally = Tally()
    with (
        database_for(made) as url,
        pooler(url) as address,
        production(made, database_url=address) as server,
    ):

        async def client(number: int) -> None:
            for _ in range(10):
                await read_or_write(server, tally, number)

        all_at_once(100, client)

        assert tally.answers == Counter({"200": 500, "201": 500})
        assert server.ask("GET", "/items").json["total"] == 500
        assert server.ask("GET", "/ready").status == 200
    assert "Traceback" not in server.log


def test_a_database_that_restarts_under_load(
    services: Services, framework: str, tmp_path: Path
) -> None:
    made = plain(services, tmp_path, framework, database="postgresql")
    tally = Tally()
    with database_for(made) as url, production(made, database_url=url) as server:
        with watched(server.port, "/health") as seen, busy(server, tally, 0.05):
            wait_until(lambda: tally.answers["201"] > 20)
            control(url, "restart")
            created = tally.answers["201"]
            wait_until(lambda: tally.answers["201"] > created + 20)

        assert set(tally.answers) <= {"200", "201", "503"}
        assert set(seen["/health"].answers) == {"200"}
        assert server.ask("GET", "/items").json["total"] >= tally.answers["201"]
    assert "Traceback" not in server.log


@pytest.mark.parametrize("sign", ["SIGKILL", "SIGHUP"])
def test_processes_that_go_under_load(
    services: Services, framework: str, sign: str, tmp_path: Path
) -> None:
    made = plain(services, tmp_path, framework)
    tally = Tally()
    with production(made) as server:
        with busy(server, tally):
            wait_until(lambda: tally.answers["201"] > 50)
            before = len(workers(server))
            if sign == "SIGKILL":
                os.kill(workers(server)[0], signal.SIGKILL)
            else:
                server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: len(workers(server)) > before)
            created = tally.answers["201"]
            wait_until(lambda: tally.answers["201"] > created + 50)

        # Only connections end that the process had.
        dropped = tally.answers.total() - tally.answers["200"] - tally.answers["201"]
        assert set(tally.answers) <= {"200", "201", "nothing", "ConnectionResetError"}
        assert dropped <= 20
        total = server.ask("GET", "/items").json["total"]
        assert tally.answers["201"] <= total <= tally.answers["201"] + dropped
    assert "Traceback" not in server.log


def memory_of(server: Server) -> int:
    """Give the bytes that the server's processes take; what they share is counted once."""
    pids = [server.process.pid, *workers(server)]
    found = 0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        found += 1024 * int(rollup.partition("Pss:")[2].split()[0])
    return found


def sha256_of(server: Server, path: str) -> str:
    """Give what the job of an upload found out about it."""
    wait_until(lambda: server.ask("GET", path).json["status"] == "done")
    found: str = server.ask("GET", path).json["result"]["sha256"]
    return found


def test_large_bodies_fit_the_memory(services: Services, framework: str, tmp_path: Path) -> None:
    made = services.make(tmp_path, framework)
    tally = Tally()
    accepted = []
    most = 0
    with production(made) as server:
        ended = Event()

        def measure() -> None:
            nonlocal most
            while not ended.wait(0.05):
                most = max(most, memory_of(server))

        async def client(number: int) -> None:
            said = await tally.ask(server.port, "POST", f"/uploads/{number}.bin", LARGE)
            if said == "202":
                accepted.append(number)

        thread = Thread(target=measure)
        thread.start()
        try:
            all_at_once(100, client)
        finally:
            ended.set()
            thread.join()

        assert set(tally.answers) <= {"202", "503"}
        assert accepted
        # What the manifest gives a replica.
        assert most < 512 * 1024 * 1024
        assert len(workers(server)) == 2
        for number in accepted:
            assert sha256_of(server, f"/uploads/{number}.bin") == hashlib.sha256(LARGE).hexdigest()
    assert "Traceback" not in server.log
