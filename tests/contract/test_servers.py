"""The servers of development and production run the services as they should."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from contextlib import contextmanager
from http.client import HTTPException
from typing import TYPE_CHECKING

import pytest
from matrix.environments import uv
from matrix.rendering import PACKAGE, render

from contract.probes import AUTHORIZATION, ENVIRONMENT
from contract.services import (
    FRAMEWORKS,
    PATIENCE,
    Answer,
    Service,
    change,
    database_for,
    free_port,
    run,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPConnection
    from pathlib import Path

    from contract.services import Server, Services

# What the README of a service says to run.
UV = os.environ.get("UV", "uv")
DEVELOPMENT = {
    "fastapi": (UV, "run", "fastapi", "dev", "--port"),
    "flask": (UV, "run", "flask", "--app", "orders.main", "run", "--debug", "--port"),
}


@pytest.fixture(scope="module")
def projects(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Make a project of each framework with the default answers, and its environment."""
    projects = {}
    for framework in FRAMEWORKS:
        projects[framework] = project = tmp_path_factory.mktemp(framework) / "orders"
        render(template, project, {"framework": framework})
        uv("sync", "--quiet", "--project", str(project))
    return projects


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_development_server_answers_in_time_and_ends(
    projects: dict[str, Path], framework: str
) -> None:
    port = free_port()
    started = time.monotonic()

    with run([*DEVELOPMENT[framework], str(port)], port, projects[framework], {}) as server:
        assert time.monotonic() - started < 30
        page = server.ask("GET", "/items").json
        server.stop()

    assert page == {"items": [], "total": 0, "limit": 20, "offset": 0}
    assert "Traceback" not in server.log


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_development_server_sees_a_change(projects: dict[str, Path], framework: str) -> None:
    port = free_port()
    module = projects[framework] / "src" / "orders" / "settings.py"

    with run([*DEVELOPMENT[framework], str(port)], port, projects[framework], {}) as server:
        change(module, "Hello, world!", "Hello again!")
        deadline = time.monotonic() + PATIENCE
        message = ""
        while message != "Hello again!" and time.monotonic() < deadline:
            message = message_of(server)
        server.stop()

    assert message == "Hello again!"


def message_of(server: Server) -> str:
    """Read the message at the home path; a server that starts again has none."""
    try:
        message: str = server.ask("GET", "/").json["message"]
    except (OSError, HTTPException):
        time.sleep(0.05)
        return ""
    return message


# Servers of a service with all features, and the signal that ends them in an orderly way: for
# Werkzeug's server, which is for development alone, that is Ctrl-C.
SERVERS = {
    "fastapi-uvicorn": signal.SIGTERM,
    "fastapi-gunicorn": signal.SIGTERM,
    "flask-werkzeug": signal.SIGINT,
    "flask-gunicorn": signal.SIGTERM,
}
JOB_SECONDS = 1.5
CONTENT = b"hello"
DONE = {
    "filename": "a.bin",
    "status": "done",
    "result": {"size": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()},
}


@pytest.fixture
def slow_service(request: pytest.FixtureRequest, services: Services, tmp_path: Path) -> Service:
    """Make a service whose author has written a job that takes its time."""
    framework = request.node.callspec.params["name"].partition("-")[0]
    service = services.make(tmp_path, framework)
    uploads = service.source / "uploads.py"
    change(uploads, "import logging\n", "import logging\nimport time\n")
    job = "            state.result = "
    slow = f'            Path("started").touch()\n            time.sleep({JOB_SECONDS})\n'
    change(uploads, job, slow + job)
    return service


@contextmanager
def serve(service: Service, name: str) -> Iterator[Server]:
    """Run a service on one of the servers."""
    port = free_port()
    app = f"{PACKAGE}.main:app"
    command = {
        "fastapi-uvicorn": ("uvicorn", "--port", str(port), app),
        "fastapi-gunicorn": ("gunicorn",),
        "flask-werkzeug": ("flask", "--app", app, "run", "--port", str(port)),
        "flask-gunicorn": ("gunicorn",),
    }[name]
    with database_for(service) as url:
        settings = {"PYTHONPATH": "src", "PORT": str(port), "WEB_CONCURRENCY": "1"}
        settings |= {"DATABASE_URL": url, **ENVIRONMENT}
        with run(service.program(*command), port, service.path, settings) as server:
            yield server


def answer_to(connection: HTTPConnection, method: str, path: str, body: bytes = b"") -> object:
    """Send a request over a connection that stays open, and read the answer."""
    connection.request(method, path, body, {"Authorization": AUTHORIZATION})
    answer = Answer.read(connection)
    assert answer.status < 400, answer.body
    return answer.json


@pytest.mark.parametrize("name", SERVERS)
def test_a_job_holds_up_neither_its_answer_nor_the_next_request(
    slow_service: Service, name: str
) -> None:
    with serve(slow_service, name) as server:
        connection = server.connection()
        connection.connect()
        used = connection.sock
        started = time.monotonic()

        accepted = answer_to(connection, "POST", "/uploads/a.bin", CONTENT)
        health = answer_to(connection, "GET", "/health")
        state = answer_to(connection, "GET", "/uploads/a.bin")
        seconds = time.monotonic() - started
        # Werkzeug's server closes each connection, so nothing can be held up.
        assert connection.sock is (None if name == "flask-werkzeug" else used)
        deadline = time.monotonic() + PATIENCE
        end = state
        while end != DONE and time.monotonic() < deadline:
            time.sleep(0.05)
            end = answer_to(connection, "GET", "/uploads/a.bin")
        connection.close()

    assert accepted == {"filename": "a.bin", "status": "processing"}
    assert health == {"status": "ok"}
    assert state == {"filename": "a.bin", "status": "processing", "result": None}
    assert seconds < JOB_SECONDS
    assert end == DONE


@pytest.mark.parametrize("name", SERVERS)
def test_a_job_that_runs_when_the_server_is_told_to_end_is_finished(
    slow_service: Service, name: str
) -> None:
    with serve(slow_service, name) as server:
        connection = server.connection()
        answer_to(connection, "POST", "/uploads/a.bin", CONTENT)
        connection.close()
        while name == "flask-werkzeug" and not (slow_service.path / "started").exists():
            # This server forgets what it has not come to yet.
            time.sleep(0.02)
        server.stop(SERVERS[name])

    states = slow_service.path / "data" / "states"
    assert json.loads((states / "a.bin.json").read_text()).items() >= DONE.items()
    assert "Traceback" not in server.log
