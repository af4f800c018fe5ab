"""Jobs of real workers: none is lost, and none is done twice where anybody sees it.

Redis and RabbitMQ, workers and PostgreSQL are killed and started again while a thousand jobs run.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from brokers import KINDS, Program, broker, running
from contract.services import FRAMEWORKS, PATIENCE, database_for
from matrix.rendering import PACKAGE
from test_load import plain
from test_production import control, production, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from contract.services import Server, Service, Services

pytestmark = pytest.mark.thorough

JOBS = 1000
# Seconds after which a job is ended. A Redis gives those of a worker that is gone to another after
# 70 more, and looks every ten seconds.
TIME_LIMIT = 5
LONGEST_ABSENCE = TIME_LIMIT + 70 + 10
# What an owner adds: another schedule, and jobs, one of which ends the process that it runs in.
OWN_JOBS = '''
import os
import signal
import subprocess
import time

from sqlalchemy import text

# Beat looks for lost jobs every two seconds.
INTERVAL = 2.0
celery.conf.beat_schedule["resume-jobs"] |= {"schedule": 2.0, "options": {"expires": 2.0}}


@celery.task(base=Job)
def note(number: int) -> None:
    """Note a number once, and how often it was noted."""
    time.sleep(0.01)
    with celery.database.session() as session:
        session.execute(
            text(
                "INSERT INTO notes VALUES (:number, 1)"
                " ON CONFLICT (number) DO UPDATE SET times = notes.times + 1"
            ),
            {"number": number},
        )


@celery.task(base=Job)
def kill() -> None:
    """End the process."""
    os.kill(os.getpid(), signal.SIGKILL)


@celery.task(base=Job)
def wait() -> None:
    """Take a minute, but not the second time."""
    if not Path("waited").exists():
        Path("waited").touch()
        time.sleep(60)
'''
# Routes that send them, and a note of each start and end of a job and of each end of an upload.
OWN_PARTS = {
    "fastapi": """
from fastapi import FastAPI


def init_app(app: FastAPI) -> None:
    @app.post("/notes/{number}", status_code=202)
    def send_note(number: int) -> None:
        note.delay(number)

    @app.post("/kill", status_code=202)
    def send_kill() -> None:
        kill.delay()

    @app.post("/wait", status_code=202)
    def send_wait() -> None:
        wait.delay()
""",
    "flask": """
from flask import Flask


def init_app(app: Flask) -> None:
    @app.post("/notes/<int:number>")
    def send_note(number: int) -> tuple[str, int]:
        note.delay(number)
        return "null", 202

    @app.post("/kill")
    def send_kill() -> tuple[str, int]:
        kill.delay()
        return "null", 202

    @app.post("/wait")
    def send_wait() -> tuple[str, int]:
        wait.delay()
        return "null", 202
""",
}
NOTING = """
from celery.signals import task_prerun, task_success

from .tasks import kill, note, wait
from .uploads import Uploads


def write(*words: str) -> None:
    with open("events", "a") as file:
        file.write(" ".join(words) + "\\n")


@task_prerun.connect
def note_start(task_id, task, **_):
    write("started", task_id, str(task.request.retries), task.name)


@task_success.connect
def note_end(sender, **_):
    write("ended", sender.request.id)


remember = Uploads._remember


def remember_and_note(uploads, state):
    remember(uploads, state)
    if state.status != "processing":
        write(state.status, state.filename)


Uploads._remember = remember_and_note
"""
# What the tests do with the database, in the service's environment.
CREATE = "CREATE TABLE notes (number integer PRIMARY KEY, times integer NOT NULL)"
QUERY = """
import json, sys
from sqlalchemy import create_engine, text

with create_engine(sys.argv[1]).begin() as connection:
    result = connection.execute(text(sys.argv[2]))
    print(json.dumps([list(row) for row in result] if result.returns_rows else []))
"""

# A collector of OpenTelemetry, which is that of the service's own tests.
COLLECTOR = """
import json, os, sys, time
from pathlib import Path

sys.path.insert(0, "tests")
from collectors import collector

with collector() as found:
    while True:
        spans = [
            [span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()]
            for span in found.spans
        ]
        told = {"url": found.url, "spans": spans, "metrics": sorted(found.metrics)}
        Path("told.draft").write_text(json.dumps(told))
        os.replace("told.draft", "told.json")
        time.sleep(0.1)
"""


@pytest.fixture(
    params=[(framework, kind) for framework in FRAMEWORKS for kind in KINDS], ids="-".join
)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Each framework with each broker."""
    found: tuple[str, str] = request.param
    return found


class Deployed:
    """A service with its database, its broker and a worker."""

    def __init__(
        self, service: Service, variables: dict[str, str], server: Server, queue: Program
    ) -> None:
        self.service = service
        self.variables = variables
        self.database = variables["DATABASE_URL"]
        self.server = server
        self.broker = queue
        self.worker: Program
        self.restarts = 0

    @property
    def told(self) -> Any:
        """What the collector has learnt."""
        return json.loads((self.service.path / "told.json").read_text())

    def query(self, statement: str) -> list[list[int]]:
        """Ask the database."""
        done = subprocess.run(
            [*self.service.program("")[:1], "-c", QUERY, self.database, statement],
            capture_output=True,
            text=True,
            check=True,
        )
        rows: list[list[int]] = json.loads(done.stdout)
        return rows

    def events(self, kind: str) -> list[str]:
        """List what was noted of a kind."""
        file = self.service.path / "events"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line.partition(" ")[2] for line in lines if line.partition(" ")[0] == kind]

    @property
    def ended(self) -> int:
        """How many jobs have come to their end."""
        return len(set(self.events("ended")))

    @property
    def noted(self) -> list[Path]:
        """The notes of jobs that have not ended."""
        return list((self.service.path / "data" / "jobs").glob("*"))

    def let_time_pass(self) -> None:
        """Let what is noted of jobs be old, so that those that do not run count as lost."""
        for note in self.noted:
            with suppress(FileNotFoundError):
                os.utime(note, (0, 0))

    def call(self, job: str) -> None:
        """Send a job, as beat does."""
        command = self.service.program("celery", "--app", f"{PACKAGE}.worker", "call")
        with running(
            Program("call", [*command, f"{PACKAGE}.tasks.{job}"], self.service.path, self.variables)
        ) as program:
            assert program.process.wait(PATIENCE) == 0, program.log

    def wait_until(self, happened: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait for something; a worker that ends is started again, as Compose and Kubernetes do.

        Where its Redis goes, Celery's does at times: its transport fails while it gives jobs back.
        """

        def look() -> bool:
            if self.worker.process.poll() is not None:
                self.restarts += 1
                self.worker.start()
            return happened()

        wait_until(look, seconds)

    def until_next(self, since: int) -> float:
        """Wait until another job has ended, and give the seconds that it took."""
        started = time.monotonic()
        self.wait_until(lambda: self.ended > since, LONGEST_ABSENCE + 60)
        return round(time.monotonic() - started, 1)


@contextmanager
def deployed(
    services: Services,
    directory: Path,
    pair: tuple[str, str],
    *,
    limit: int = TIME_LIMIT,
    telemetry: bool = False,
) -> Iterator[Deployed]:
    """Run a service, and all that it needs to have jobs run."""
    framework, kind = pair
    answers = {"database": "postgresql", "background_tasks": "celery", "telemetry": telemetry}
    made = plain(services, directory, framework, **answers)
    with (made.source / "tasks.py").open("a") as tasks:
        tasks.write(OWN_JOBS)
    (made.source / "custom.py").write_text(NOTING + OWN_PARTS[framework])
    with ExitStack() as stack:
        url = stack.enter_context(database_for(made))
        address, queue = stack.enter_context(broker(kind))
        variables = {
            "DATABASE_URL": url,
            "CELERY_BROKER_URL": address,
            "JOB_TIME_LIMIT": str(limit),
            "TMPDIR": str(directory),
            "PYTHONPATH": "src",
        }
        if telemetry:
            program = [*made.program("")[:1], "-c", COLLECTOR]
            stack.enter_context(running(Program("collector", program, made.path, {})))
            told = made.path / "told.json"
            wait_until(told.exists)
            variables |= {
                "OTEL_EXPORTER_OTLP_ENDPOINT": json.loads(told.read_text())["url"],
                "OTEL_BSP_SCHEDULE_DELAY": "100",
                "OTEL_METRIC_EXPORT_INTERVAL": "200",
            }
        server = stack.enter_context(production(made, database_url=url, **variables))
        found = Deployed(made, variables, server, queue)
        found.query(CREATE)
        command = made.program("celery", "--app", f"{PACKAGE}.worker", "worker")
        found.worker = stack.enter_context(
            running(Program("worker", command, made.path, variables))
        )
        yield found


class Clients:
    """Clients that send jobs, half of them uploads, and again those that were not accepted."""

    def __init__(self, service: Deployed) -> None:
        self.service = service
        self.accepted = 0
        self.answers: Counter[int] = Counter()

    def send(self, number: int) -> None:
        """Send one job until it is accepted."""
        path = f"/notes/{number}" if number % 2 else f"/uploads/{number}.bin"
        while True:
            status = self.service.server.ask("POST", path, content(number)).status
            self.answers[status] += 1
            if status == 202:
                self.accepted += 1
                return
            time.sleep(0.3)

    def work(self, first: int) -> None:
        """Send every fourth job, as fast as workers do them."""
        for number in range(first, JOBS, 4):
            while self.accepted - self.service.ended > 150:
                time.sleep(0.1)
            self.send(number)


def content(number: int) -> bytes:
    """Give the content of an upload."""
    return f"the content of {number}".encode() * 100


@contextmanager
def sending(service: Deployed) -> Iterator[Clients]:
    """Have all jobs sent, beside the block and to its end."""
    clients = Clients(service)
    threads = [Thread(target=clients.work, args=(first,), daemon=True) for first in range(4)]
    for thread in threads:
        thread.start()
    yield clients
    for thread in threads:
        thread.join(LONGEST_ABSENCE + 60)
        assert not thread.is_alive()


def test_no_job_is_lost_and_none_is_seen_twice(
    services: Services,
    pair: tuple[str, str],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    with deployed(services, tmp_path, pair) as service:
        figures: dict[str, object] = {}
        with sending(service) as clients:
            service.wait_until(lambda: service.ended >= 20)
            began, before = time.monotonic(), service.ended
            service.wait_until(lambda: service.ended >= 200)
            figures["jobs a second"] = round((200 - before) / (time.monotonic() - began))

            service.worker.kill()
            killed = time.monotonic()
            service.worker.start()
            figures["after the worker was killed"] = service.until_next(service.ended)

            service.wait_until(lambda: service.ended >= 400)
            service.broker.kill()
            time.sleep(1)
            service.broker.start()
            figures["after the broker was killed"] = service.until_next(service.ended)

            service.wait_until(lambda: service.ended >= 600)
            control(service.database, "restart")
            figures["after the database restarted"] = service.until_next(service.ended)

            service.wait_until(lambda: service.ended >= 800)
            os.kill(service.worker.children[-1], signal.SIGKILL)
            figures["after a process of the worker was killed"] = service.until_next(service.ended)

        last = time.monotonic() + LONGEST_ABSENCE + 10

        def missing() -> int:
            return JOBS // 2 - len(service.query("SELECT number FROM notes"))

        service.wait_until(lambda: service.ended >= JOBS or time.monotonic() > last, 200)
        if service.noted:
            service.let_time_pass()
            # What beat sends every five minutes.
            service.call("resume_jobs")
        service.wait_until(lambda: len(set(service.events("done"))) == JOBS // 2 and not missing())
        # Redis notes who has a job after giving it away, and so loses what is just then taken.
        figures["lost by the broker"] = service.worker.log.count("was lost, and is sent again")
        figures["until all was done"] = round(time.monotonic() - killed)
        starts = Counter(service.events("started"))
        figures["repeated deliveries"] = starts.total() - len(starts)
        figures["retries"] = sum(int(start.split()[1]) > 0 for start in starts)
        figures["answers"] = dict(clients.answers)
        figures["ends of the worker by itself"] = service.restarts
        record_property("workers", figures)

        assert set(clients.answers) <= {202, 503}, figures
        for number in range(0, JOBS, 2):
            upload = service.server.ask("GET", f"/uploads/{number}.bin").json
            assert upload["status"] == "done", (upload, figures)
            assert upload["result"]["sha256"] == hashlib.sha256(content(number)).hexdigest()
        done = Counter(service.events("done"))
        assert done == Counter({f"{number}.bin": 1 for number in range(0, JOBS, 2)}), figures
        assert service.events("failed") == []
        assert not missing()
        # Whatever ran again was forgotten again.
        wait_until(lambda: not service.noted)
    assert "Traceback" not in service.server.log


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_beat_finds_a_job_that_its_broker_forgot(
    services: Services, framework: str, tmp_path: Path
) -> None:
    with deployed(services, tmp_path, (framework, "redis")) as service:
        service.worker.kill()
        assert service.server.ask("POST", "/notes/1").status == 202
        assert len(service.noted) == 1
        where = urlsplit(service.variables["CELERY_BROKER_URL"])
        with socket.create_connection((where.hostname, where.port)) as connection:
            connection.sendall(b"FLUSHALL\r\n")
            assert connection.recv(100) == b"+OK\r\n"
        service.worker.start()
        Clients(service).send(3)
        service.wait_until(lambda: service.query("SELECT number FROM notes") == [[3]])
        assert len(service.noted) == 1

        command = service.service.program("celery", "--app", f"{PACKAGE}.worker", "beat")
        beat = Program("beat", command, service.service.path, service.variables)
        with running(beat):
            # Twice the time limit and what is added to it.
            service.wait_until(lambda: len(service.query("SELECT number FROM notes")) == 2, 60)
        service.wait_until(lambda: not service.noted)
        assert service.query("SELECT number, times FROM notes ORDER BY number") == [[1, 1], [3, 1]]
        assert Counter(service.events("ended")).most_common(1)[0][1] == 1
    assert "Traceback" not in beat.log + service.server.log


def test_a_job_that_kills_its_workers_is_given_up(
    services: Services, pair: tuple[str, str], tmp_path: Path
) -> None:
    def starts() -> list[str]:
        return [start for start in service.events("started") if start.endswith(".kill")]

    with deployed(services, tmp_path, pair) as service:
        assert service.server.ask("POST", "/kill").status == 202
        wait_until(lambda: "was started 6 times" in service.worker.log)

        Clients(service).send(1)
        wait_until(lambda: service.query("SELECT number FROM notes") == [[1]])
        assert len(starts()) == 7
        time.sleep(2)
        assert len(starts()) == 7


def test_a_worker_that_stops_gives_its_jobs_back(
    services: Services, pair: tuple[str, str], tmp_path: Path
) -> None:
    with deployed(services, tmp_path, pair, limit=100) as service:
        assert service.server.ask("POST", "/wait").status == 202
        wait_until((service.service.path / "waited").exists)

        # As compose.yaml and Kubernetes do.
        service.worker.process.send_signal(signal.SIGQUIT)
        service.worker.process.wait(45)
        assert service.ended == 0
        service.worker.start()
        wait_until(lambda: service.ended == 1, 20)


def test_a_process_that_is_told_to_end_loses_no_job(
    services: Services, pair: tuple[str, str], tmp_path: Path
) -> None:
    with deployed(services, tmp_path, pair, limit=100) as service:
        assert service.server.ask("POST", "/wait").status == 202
        wait_until((service.service.path / "waited").exists)

        # As systemd tells all processes of a worker.
        for process in service.worker.children:
            os.kill(process, signal.SIGTERM)
        service.wait_until(lambda: service.ended == 1)
        wait_until(lambda: not service.noted)


def test_a_broker_that_hangs_holds_up_nothing_else(
    services: Services, pair: tuple[str, str], tmp_path: Path
) -> None:
    with deployed(services, tmp_path, pair) as service:
        clients = Clients(service)
        clients.send(0)
        wait_until(lambda: service.ended == 1)
        refused: list[int] = []

        def refuse(name: str) -> None:
            refused.append(service.server.ask("POST", f"/uploads/{name}", b"hello").status)

        with service.broker.frozen():
            threads = [Thread(target=refuse, args=(name,)) for name in ("0.bin", "a", "b", "c")]
            began = time.monotonic()
            for thread in threads:
                thread.start()
            time.sleep(1)
            for _ in range(5):
                asked = time.monotonic()
                upload = service.server.ask("GET", "/uploads/0.bin").json
                assert upload["status"] == "done"
                assert time.monotonic() - asked < 1
            for thread in threads:
                thread.join()
            assert time.monotonic() - began < 20
        assert refused == [503] * 4

        upload = service.server.ask("GET", "/uploads/0.bin").json
        assert upload["result"]["sha256"] == hashlib.sha256(content(0)).hexdigest()
        assert service.server.ask("GET", "/uploads/a").status == 404
        clients.send(2)
        wait_until(lambda: "2.bin" in service.events("done"))
    assert "Traceback" not in service.server.log


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_trace_goes_through_the_queue_to_a_worker(
    services: Services, framework: str, tmp_path: Path
) -> None:
    trace, caller = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    with deployed(services, tmp_path, (framework, "redis"), telemetry=True) as service:

        def spans() -> dict[str, list[str]]:
            found = service.told["spans"]
            return {name: ids for name, of, *ids in found if of == trace}

        def waiting() -> str | None:
            exposed = service.server.ask("GET", "/metrics").body.decode()
            found = re.search(r"^jobs_unfinished (\S+)$", exposed, re.MULTILINE)
            return found and found[1]

        headers = {"traceparent": f"00-{trace}-{caller}-01"}
        assert service.server.ask("POST", "/notes/1", headers=headers).status == 202
        wait_until(lambda: spans().keys() >= {"POST /notes/{number}", "job note", "INSERT"})
        request, job = spans()["POST /notes/{number}"], spans()["job note"]
        assert request[1] == caller
        assert job[1] == request[0]
        assert spans()["INSERT"][1] == job[0]
        wait_until(lambda: "job.duration" in service.told["metrics"])

        service.worker.kill()
        assert waiting() == "0.0"
        for number in range(2, 5):
            assert service.server.ask("POST", f"/notes/{number}").status == 202
        assert waiting() == "3.0"
        with service.broker.frozen():
            began = time.monotonic()
            assert waiting() is None
            assert time.monotonic() - began < 15
        assert waiting() == "3.0"
    assert "Traceback" not in service.server.log
