"""What the production command promises, shown on real servers: gunicorn as the image starts it.

Nothing is lost when it stops or when a process dies, and what cannot work does not start.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from contract.probes import AUTHORIZATION
from contract.services import FRAMEWORKS, PATIENCE, Answer, database_for, free_port, run
from matrix.rendering import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contract.services import Server, Service, Services

CREDENTIALS = {"BASIC_AUTH_USERNAME": "ada", "BASIC_AUTH_PASSWORD": "correct horse"}

# Starts the application with jobs that take long.
SLOW_JOBS = """
import time

from {package}.uploads import Uploads

process = Uploads.process


def process_slowly(uploads, filename):
    time.sleep({seconds})
    process(uploads, filename)


Uploads.process = process_slowly

from {package}.main import app
"""


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    """Each framework in turn."""
    name: str = request.param
    return name


@pytest.fixture
def made(services: Services, framework: str, tmp_path: Path) -> Service:
    """A service with all features, on SQLite."""
    return services.make(tmp_path, framework)


@contextmanager
def production(
    service: Service, *arguments: str, database_url: str | None = None, **variables: str
) -> Iterator[Server]:
    """Run a service as its image does, with two processes where nothing else is said."""
    port = free_port()
    given = {
        "DATABASE_URL": database_url or f"sqlite:///{service.path / 'production.db'}",
        "PYTHONPATH": "src",
        "PORT": str(port),
        **CREDENTIALS,
        **variables,
    }
    with run(service.program("gunicorn", *arguments), port, service.path, given) as server:
        yield server


def workers(server: Server) -> list[int]:
    """Give the ids of all worker processes that there have been."""
    return [int(number) for number in re.findall(r"Booting worker with pid: (\d+)", server.log)]


def wait_until(happened: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for something, and fail where it does not happen."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@dataclass
class Tally:
    """What became of requests that each asked for a new item.

    Attributes:
        created: The names of the items that the server said it created.
        dropped: The names in requests whose connection ended without a byte of an answer.
        wrong: What was answered that should not have been.
    """

    created: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    wrong: list[bytes] = field(default_factory=list)


async def create_items(port: int, client: str, tally: Tally) -> None:
    """Create one item after the other over connections that stay open, until nobody listens."""
    number = 0
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        ends = False
        while not ends:
            name = f"{client}-{number}"
            number += 1
            try:
                writer.write(request_for(name))
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
            except (asyncio.IncompleteReadError, OSError) as error:
                if isinstance(error, asyncio.IncompleteReadError) and error.partial:
                    tally.wrong.append(error.partial)
                tally.dropped.append(name)
                break
            if head.startswith(b"HTTP/1.1 201 "):
                tally.created.append(name)
            else:
                tally.wrong.append(head)
            ends = re.search(rb"(?i)connection: close", head) is not None
        writer.close()


def request_for(name: str, *, length: int | None = None) -> bytes:
    """Write the request for an item, or of its body only the beginning."""
    body = json.dumps({"name": name, "price": "1.00"}).encode()
    head = (
        "POST /items HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: {AUTHORIZATION}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body[:length]


@contextmanager
def load(server: Server, clients: int) -> Iterator[Tally]:
    """Have clients create items until the server ends."""
    tally = Tally()

    async def all_clients() -> None:
        await asyncio.gather(
            *(create_items(server.port, f"client{number}", tally) for number in range(clients))
        )

    thread = Thread(target=lambda: asyncio.run(all_clients()))
    thread.start()
    try:
        yield tally
    finally:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def stored(service: Service) -> list[str]:
    """Give the names of the items in the service's database."""
    with closing(sqlite3.connect(service.path / "production.db")) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM items")]


def test_stopping_under_load_loses_nothing(made: Service) -> None:
    clients = 12
    with production(made) as server, load(server, clients) as tally:
        wait_until(lambda: len(tally.created) > 100)
        # Requests that are being received when the signal comes: the rest follows afterwards.
        halves = [server.connection() for _ in range(4)]
        rest = []
        for number, half in enumerate(halves):
            half.connect()
            whole = request_for(f"half-{number}")
            half.sock.sendall(whole[:-5])
            rest.append(whole[-5:])
        time.sleep(0.5)

        server.process.send_signal(signal.SIGTERM)
        time.sleep(1.5)
        for half, end in zip(halves, rest, strict=True):
            half.sock.sendall(end)
            assert half.sock.recv(1000).startswith(b"HTTP/1.1 201 ")
            half.close()
        assert server.process.wait(PATIENCE) == 0

    assert tally.wrong == []
    # What was answered is stored, once. What was not, because a connection ended before the server
    # read the request, is not: to send it again is safe. That hits at most what was on its way.
    halves_stored = {f"half-{number}" for number in range(len(halves))}
    assert sorted(stored(made)) == sorted({*tally.created, *halves_stored})
    assert len(tally.created) == len(set(tally.created))
    assert len(tally.dropped) <= 2 * clients
    assert "Traceback" not in server.log


def upload(server: Server, name: str) -> None:
    """Upload a file, and go away when it is accepted."""
    with closing(server.connection()) as connection:
        connection.request("POST", f"/uploads/{name}", b"content", {"Authorization": AUTHORIZATION})
        assert connection.getresponse().status == 202


def status(service: Service, name: str) -> str:
    """Tell what the service has noted of an upload."""
    state = json.loads((service.path / "data" / "states" / f"{name}.json").read_text())
    answer: str = state["status"]
    return answer


@pytest.mark.thorough
def test_jobs_end_before_the_server_does(made: Service) -> None:
    (made.path / "slow.py").write_text(SLOW_JOBS.format(package=PACKAGE, seconds=5))
    with production(made, "slow:app") as server:
        upload(server, "one.txt")
        upload(server, "two.txt")
        time.sleep(0.5)
        assert [status(made, "one.txt"), status(made, "two.txt")] == ["processing"] * 2

        assert server.stop() == 0

    assert [status(made, "one.txt"), status(made, "two.txt")] == ["done"] * 2


@pytest.mark.thorough
def test_jobs_outlive_the_connection_of_their_client(made: Service) -> None:
    (made.path / "slow.py").write_text(SLOW_JOBS.format(package=PACKAGE, seconds=5))
    with production(made, "slow:app") as server:
        upload(server, "one.txt")
        wait_until(lambda: status(made, "one.txt") == "done", 15)


@pytest.mark.thorough
def test_jobs_have_a_limit(made: Service) -> None:
    (made.path / "slow.py").write_text(SLOW_JOBS.format(package=PACKAGE, seconds=50))
    with production(made, "slow:app", WEB_GRACEFUL_TIMEOUT="2") as server:
        upload(server, "one.txt")
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(PATIENCE)
        assert time.monotonic() - started < 20

    assert status(made, "one.txt") == "processing"


def test_a_worker_that_dies_is_replaced(made: Service) -> None:
    with production(made) as server:
        wait_until(lambda: len(workers(server)) == 2)
        victim, survivor = workers(server)
        os.kill(victim, signal.SIGKILL)

        # Only what the dead process had in hand is lost, and nobody else was asking.
        server.wait_until_it_answers()
        wait_until(lambda: len(workers(server)) == 3)
        os.kill(survivor, 0)
        with closing(server.connection()) as connection:
            for _ in range(20):
                connection.request("GET", "/items")
                assert Answer.read(connection).status == 200
        assert server.stop() == 0
        assert len(workers(server)) == 3


def control(url: str, command: str) -> None:
    """Stop or restart the PostgreSQL at an address, as its operator does."""
    data = Path(parse_qs(urlsplit(url).query)["host"][0])
    program = Path((data / "postmaster.opts").read_text().split()[0])
    subprocess.run(
        [
            *(program.with_name("pg_ctl"), command, "--wait", "--mode=fast", "--silent"),
            *(f"--pgdata={data}", "--log=/dev/null"),
        ],
        check=True,
        # PostgreSQL runs as the owner of its data, never as the superuser.
        user=data.stat().st_uid,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


@pytest.mark.thorough
def test_a_database_that_stops_and_comes_back(
    services: Services, framework: str, tmp_path: Path
) -> None:
    made = services.make(tmp_path, framework, database="postgresql")
    with (
        database_for(made) as url,
        production(made, database_url=url, DATABASE_TIMEOUT="2") as server,
        load(server, 6) as tally,
    ):
        wait_until(lambda: len(tally.created) > 50)

        control(url, "stop")

        for _ in range(5):
            for path, expected in (
                ("/ready", (503, {"detail": "The database does not answer"})),
                ("/items", (503, {"detail": "The database is not available"})),
            ):
                started = time.monotonic()
                answer = server.ask("GET", path)
                seconds = time.monotonic() - started
                assert (answer.status, answer.json) == expected
                assert seconds < 4
            assert server.ask("GET", "/health").status == 200

        control(url, "restart")

        wait_until(lambda: server.ask("GET", "/ready").status == 200)
        before = len(tally.created)
        wait_until(lambda: len(tally.created) > before + 50)
        found = server.ask("GET", "/items").json["total"]
        server.stop()
    # What was answered while it was away is an error in JSON, and what was created is there.
    assert tally.wrong
    assert all(b" 503 " in head and b"application/json" in head for head in tally.wrong)
    assert found >= before


@pytest.mark.thorough
def test_clients_that_are_slow_or_go_away_keep_nobody_waiting(made: Service) -> None:
    whole = request_for("Chair")
    with production(made, WEB_CONCURRENCY="1") as server:
        slow = [server.connection() for _ in range(5)]
        for number, client in enumerate(slow):
            client.connect()
            # Some have not even sent all headers.
            client.sock.sendall(whole[: 20 if number % 2 else -5])
        for _ in range(20):
            with closing(server.connection()) as gone:
                gone.connect()
                gone.sock.sendall(whole[:-5])

        for _ in range(20):
            assert server.ask("GET", "/items").status == 200

        for client in slow:
            client.close()
        assert server.ask("GET", "/items").json["total"] == 0
        assert server.stop() == 0
    assert "Traceback" not in server.log


def test_a_body_that_is_too_large_is_refused_before_it_is_read(made: Service) -> None:
    with production(made, WEB_CONCURRENCY="1", MAX_BODY_SIZE="1000") as server:
        for length in (1_001, 10**12):
            with closing(server.connection()) as client:
                client.putrequest("POST", "/items")
                client.putheader("Content-Type", "application/json")
                client.putheader("Authorization", AUTHORIZATION)
                client.putheader("Content-Length", str(length))
                client.endheaders()
                client.send(b"x" * 1001)
                answer = Answer.read(client)
                assert answer.status == 413
                assert answer.json == {"detail": "Content Too Large"}
        assert server.ask("GET", "/items").status == 200


@pytest.mark.thorough
def test_a_thousand_connections_at_once(made: Service) -> None:
    async def connect(port: int, opened: asyncio.Barrier) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await opened.wait()
        writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        line = await reader.readline()
        # It stays open until all have been answered.
        await opened.wait()
        writer.close()
        return line

    async def everybody(port: int) -> list[bytes]:
        opened = asyncio.Barrier(1000)
        async with asyncio.timeout(PATIENCE):
            return await asyncio.gather(*(connect(port, opened) for _ in range(1000)))

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    try:
        with production(made) as server:
            lines = asyncio.run(everybody(server.port))

            assert set(lines) == {b"HTTP/1.1 200 OK\r\n"}
            assert server.ask("GET", "/items").status == 200
            assert len(workers(server)) == 2
            assert server.stop() == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "Traceback" not in server.log


@pytest.mark.thorough
def test_many_connections_while_nobody_takes_them(made: Service) -> None:
    with production(made) as server, ExitStack() as stack:
        wait_until(lambda: len(workers(server)) == 2)
        for pid in workers(server):
            os.kill(pid, signal.SIGSTOP)
            stack.callback(os.kill, pid, signal.SIGCONT)

        # One that finds no place in the queue is tried again by its system after a second.
        for _ in range(500):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 0.9))


@pytest.mark.thorough
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_processes_that_start_together_migrate_once(
    services: Services, framework: str, database: str, tmp_path: Path
) -> None:
    made = services.make(tmp_path, framework, database=database)
    with (
        database_for(made) as url,
        production(made, database_url=url, WEB_CONCURRENCY="4") as server,
    ):
        wait_until(lambda: len(workers(server)) == 4)
        assert server.ask("GET", "/ready").status == 200
        assert server.stop() == 0
    assert "Traceback" not in server.log
    assert not re.search(r"\bWorker (?!exiting|shutting down)", server.log)


def test_what_lives_in_memory_has_one_process(
    services: Services, framework: str, tmp_path: Path
) -> None:
    made = services.make(tmp_path, framework, database="none")
    with production(made, WEB_CONCURRENCY="4") as server:
        for number in range(10):
            headers = {"Content-Type": "application/json"}
            body = json.dumps({"name": f"Item {number}", "price": "1.00"})
            assert server.ask("POST", "/items", body, headers).status == 201
            assert server.ask("GET", "/items").json["total"] == number + 1
        assert len(workers(server)) == 1


def test_each_line_of_the_log_is_json(made: Service) -> None:
    with production(made) as server:
        assert server.ask("GET", "/nothing", headers={"X-Request-ID": "an-id"}).status == 404
        assert server.stop() == 0

    records = [json.loads(line) for line in server.log.splitlines()]
    assert any(record.get("request_id") == "an-id" for record in records)
    assert {"gunicorn.error", f"{PACKAGE}.access"} <= {record["logger"] for record in records}


def test_requests_are_logged_without_secrets(made: Service) -> None:
    with production(made) as server:
        assert server.ask("GET", "/whoami").status == 200
        wait_until(lambda: '"message": "GET /whoami 200 in ' in server.log)
    assert CREDENTIALS["BASIC_AUTH_PASSWORD"] not in server.log
    assert AUTHORIZATION.removeprefix("Basic ") not in server.log


def test_without_credentials_nothing_starts(made: Service) -> None:
    done = subprocess.run(
        made.program("gunicorn"),
        cwd=made.path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": "src", "PORT": str(free_port())},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode not in (0, None)
    assert done.stderr.splitlines() == [
        "Set BASIC_AUTH_USERNAME: it is required.",
        "Set BASIC_AUTH_PASSWORD: it is required.",
    ]
