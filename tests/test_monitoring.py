"""What services with telemetry tell of themselves, on real servers, and what asks for it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from contract.services import FRAMEWORKS, Answer
from matrix.environments import interpreter
from matrix.rendering import PACKAGE
from test_production import production, wait_until, workers

if TYPE_CHECKING:
    from contract.services import Server, Service, Services
    from matrix.rendering import Tree

DURATIONS = "http_server_request_duration_seconds"
# So many times each of these is asked, each time over a new connection.
TIMES = 60
ASKED = {
    ("GET", "/items"): ("GET", "/items", 200),
    ("GET", "/items/4711"): ("GET", "/items/{item_id}", 404),
    ("GET", "/nothing/here"): ("GET", "", 404),
}


def answer(server: Server, method: str, path: str) -> Answer:
    """Ask over a new connection, which any of the processes may take."""
    with closing(server.connection()) as connection:
        connection.request(method, path)
        return Answer.read(connection)


def counted(exposed: str) -> Counter[tuple[str, str, int]]:
    """Read how many requests were counted, by method, route and status."""
    found: Counter[tuple[str, str, int]] = Counter()
    for labels, value in re.findall(rf"^{DURATIONS}_count\{{(.*)\}} (\S+)$", exposed, re.MULTILINE):
        said = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        status = int(said["http_response_status_code"])
        found[said["http_request_method"], said["http_route"], status] += int(float(value))
    return found


@pytest.fixture(params=FRAMEWORKS)
def watched(request: pytest.FixtureRequest, services: Services, tmp_path: Path) -> Service:
    """A service with telemetry."""
    return services.make(tmp_path, request.param, telemetry=True)


@pytest.mark.thorough
def test_the_requests_to_all_processes_are_counted_together(watched: Service) -> None:
    with production(watched, WEB_CONCURRENCY="3") as server:
        wait_until(lambda: len(workers(server)) == 3)
        before = counted(answer(server, "GET", "/metrics").body.decode())
        turns = 0
        while len(counting(server)) < 3:
            turns += 1
            for method, path in ASKED:
                for _ in range(TIMES):
                    answer(server, method, path)
        exposed = answer(server, "GET", "/metrics").body.decode()

        assert counted(exposed) - before == Counter(dict.fromkeys(ASKED.values(), turns * TIMES))
        assert "4711" not in exposed
        assert server.stop() == 0


def counting(server: Server) -> list[int]:
    """Name the processes that have counted requests of their own."""
    return [
        worker
        for worker in workers(server)
        if f"/histogram_{worker}.db" in Path(f"/proc/{worker}/maps").read_text()
    ]


@pytest.mark.thorough
@pytest.mark.parametrize("silent", [False, True], ids=["down", "silent"])
def test_a_collector_that_takes_nothing_holds_nobody_up(watched: Service, *, silent: bool) -> None:
    with socket.socket() as collector:
        collector.bind(("127.0.0.1", 0))
        if silent:
            # Connections are made, and nobody reads what comes.
            collector.listen(100)
        url = f"http://127.0.0.1:{collector.getsockname()[1]}"
        with production(watched, OTEL_EXPORTER_OTLP_ENDPOINT=url) as server:
            answer(server, "GET", "/items")
            slowest = 0.0
            ends = time.monotonic() + 12
            while time.monotonic() < ends:
                started = time.monotonic()
                assert answer(server, "GET", "/items").status == 200
                slowest = max(slowest, time.monotonic() - started)
                time.sleep(0.01)
            told = server.log.count('"logger": "opentelemetry.')
            started = time.monotonic()
            assert server.stop() == 0
            stopped = time.monotonic() - started

    assert slowest < 2
    # One for each of the two processes.
    assert 1 <= told <= 2
    # Seconds of gunicorn's own, and five for the last export: without a limit it would be 30.
    assert stopped < 20


def expressions(tree: Tree) -> list[str]:
    """Give what alert rules and dashboards ask Prometheus."""
    dashboard = json.loads(tree.files["monitoring/dashboard.json"])
    rules = yaml.safe_load(tree.files["monitoring/alerts.yaml"])
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [
        *(rule["expr"] for group in rules["groups"] for rule in group["rules"]),
        *(expression.replace("$__rate_interval", "5m") for expression in asked),
    ]


# FastAPI itself has the interfaces of OpenTelemetry, which do nothing.
MODULES = ["opentelemetry.sdk", "prometheus_client"]
LOOK = f"""
import sys
from {PACKAGE}.main import app

print([name for name in {MODULES} if name in sys.modules])
"""


@pytest.mark.parametrize("telemetry", [False, True])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_without_telemetry_nothing_of_it_is_imported(
    services: Services, framework: str, tmp_path: Path, *, telemetry: bool
) -> None:
    made = services.make(tmp_path, framework, auth="none", telemetry=telemetry)

    done = subprocess.run(
        [str(interpreter(made.environment)), "-c", LOOK],
        cwd=made.path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == str(MODULES if telemetry else [])


@pytest.mark.parametrize(("jobs", "count"), [("none", 9), ("in_process", 12), ("celery", 11)])
def test_what_watches_a_service_asks_for_what_there_is(
    services: Services, jobs: str, count: int
) -> None:
    tree = services.tree("fastapi", telemetry=True, background_tasks=jobs)
    source = b"".join(text for path, text in tree.files.items() if path.startswith("src/")).decode()

    asked = expressions(tree)
    names = {name for text in asked for name in re.findall(r"(\w+)\{", text)}
    assert len(asked) == count
    for name in names:
        assert f'"{re.sub("_(count|bucket)$", "", name)}"' in source, name
    assert ("jobs_unfinished" in names) == (jobs != "none")
    # All replicas of a service tell of the same queue.
    assert ("max(jobs_unfinished" in "".join(asked)) == (jobs == "celery")


@pytest.mark.thorough
@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool comes with Prometheus")
def test_prometheus_takes_the_rules(services: Services, tmp_path: Path) -> None:
    tree = services.tree("flask", telemetry=True)
    rules = [{"record": f"rule:{n}", "expr": text} for n, text in enumerate(expressions(tree))]
    own = tmp_path / "expressions.yaml"
    own.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}))

    checked = ["promtool", "check", "rules", str(tree.path / "monitoring/alerts.yaml"), str(own)]
    done = subprocess.run(checked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 rules found" in done.stdout
