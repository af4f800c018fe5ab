#{% filter fitted %}
"""What is told of the service's work: traces, metrics, and records of the log that say of which."""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
#{% if when.database %}
from contextlib import suppress
#{% endif %}
from pathlib import Path
from typing import Any

import pytest
#{% if when.celery %}
from celery.signals import worker_process_init, worker_process_shutdown
#{% endif %}
from chairs import Chairs
#{% if when.background_tasks %}
from collectors import Collector, Telling, collector, values, wait_until
#{% else %}
from collectors import Collector, Telling, collector, values
#{% endif %}
from httpx2 import Client
from opentelemetry import metrics, trace
from opentelemetry.propagate import extract
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
#{% if when.database %}
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError
#{% endif %}

#{% filter replace("PACKAGE", package_name) %}
#{% if when.celery %}
from PACKAGE import celery_app, logs, telemetry
from PACKAGE.celery_app import celery
#{% else %}
from PACKAGE import logs, telemetry
#{% endif %}
#{% if when.database %}
from PACKAGE.database import Database
#{% endif %}
#{% if when.in_process %}
from PACKAGE.job_spans import followed
#{% endif %}
from PACKAGE.metrics import exposition
from PACKAGE.settings import Settings, load_settings
#{% if when.celery %}
from PACKAGE.tasks import resume_jobs
#{% endif %}
from PACKAGE.tracing import SILENCE, TraceFilter, calling, tracer
#{% endfilter %}

Told = Callable[..., dict[str, Span]]

#{% if when.sqlite %}
NOWHERE = "sqlite:////nowhere/at/all.db"
#{% elif when.postgresql %}
NOWHERE = "postgresql+psycopg://127.0.0.1:1/nothing"
#{% endif %}
CALLER = "b7ad6b7169203331"
COUNTS = "http_server_request_duration_seconds_count"
# Another process of the same server, which counts two requests.
OTHER_PROCESS = """
from [[ package_name ]].metrics import observe_request

for _ in range(2):
    observe_request(0.2, {"http.request.method": "GET", "http.route": "/other"})
"""


@pytest.fixture(scope="session")
def running() -> Iterator[Telling]:
    """Run a collector until the tests end."""
    with collector() as started:
        telling = Telling(started)
        yield telling
        telling.stop()


@pytest.fixture
def collected(running: Telling, monkeypatch: pytest.MonkeyPatch) -> Collector:
    """Have all be told to the collector from now on."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.collector.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20secret")
    settings = Settings()
    # It may be set in a file as well, where OpenTelemetry itself does not look.
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_HEADERS")
    running.start(lambda: telemetry.start(settings))
    return running.collector


@pytest.fixture
def trace_id() -> str:
    """Name a trace of the test's own."""
    return os.urandom(16).hex()


@pytest.fixture
def told(collected: Collector, trace_id: str) -> Told:
    """Give a function that gives the spans of the test's trace, by their names."""

    def told() -> dict[str, Span]:
        provider: Any = trace.get_tracer_provider()
        provider.force_flush()
        return {span.name: span for span in collected.spans if span.trace_id.hex() == trace_id}

    return told


def part_of(trace_id: str) -> dict[str, str]:
    """Give the header of a request that is a part of a trace."""
    return {"traceparent": f"00-{trace_id}-{CALLER}-01"}


def counts(exposed: str, name: str = COUNTS) -> dict[str, float]:
    """Give the values of a metric, by their labels."""
    found = re.findall("^" + name + r"(?:\{(.*)\})? (\S+)$", exposed, re.MULTILINE)
    return {",".join(sorted(labels.split(","))): float(value) for labels, value in found}


def labels(method: str, route: str, status: int) -> str:
    """Write the labels of a request."""
    return (
        f'http_request_method="{method}",http_response_status_code="{status}",http_route="{route}"'
    )


def test_a_request_is_a_span_of_the_trace_that_it_comes_from(
    client: Client, told: Told, trace_id: str
) -> None:
    chair = {"name": "Secret name", "price": 1}
    answer = client.post("/test-chairs?q=secret", json=chair, headers=part_of(trace_id))
    assert answer.status_code == 201

    spans = told()
    request = spans["POST /test-chairs"]
    assert request.kind == Span.SPAN_KIND_SERVER
    assert request.parent_span_id.hex() == CALLER
    about = values(request.attributes)
    assert about["http.request.method"] == "POST"
    assert about["http.route"] == about["url.path"] == "/test-chairs"
    assert about["http.response.status_code"] == 201
    assert "secret" not in str(spans).lower()
    #{% if when.database %}
    statement = spans["INSERT"]
    assert statement.kind == Span.SPAN_KIND_CLIENT
    assert statement.parent_span_id == request.span_id
    assert request.start_time_unix_nano < statement.start_time_unix_nano
    assert statement.end_time_unix_nano < request.end_time_unix_nano
    assert "INSERT INTO test_chairs" in values(statement.attributes)["db.query.text"]
    #{% endif %}


def test_a_bug_is_an_error_of_its_span(
    client: Client,
    told: Told,
    trace_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(Chairs, "all")
    client.get("/test-chairs", headers=part_of(trace_id))

    span = told()["GET /test-chairs"]
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert values(span.attributes)["http.response.status_code"] == 500


def test_an_unknown_path_is_not_the_name_of_a_span(
    client: Client, told: Told, trace_id: str
) -> None:
    client.get("/nothing/here", headers=part_of(trace_id))

    span = told()["GET"]
    assert "http.route" not in values(span.attributes)
    assert span.status.code == Status.STATUS_CODE_UNSET


@pytest.mark.parametrize("path", ["/health", "/metrics", "/ready"])
def test_what_watches_the_service_is_neither_traced_nor_counted(
    client: Client, told: Told, trace_id: str, path: str
) -> None:
    assert client.get(path, headers=part_of(trace_id)).status_code == 200

    assert told() == {}
    assert path not in exposition().decode()


#{% if when.database %}
def test_a_statement_that_fails_is_an_error(database: Database, told: Told, trace_id: str) -> None:
    with (
        tracer.start_as_current_span("work", extract(part_of(trace_id))),
        suppress(SQLAlchemyError),
        database.session() as session,
    ):
        session.execute(text("SELECT secret FROM nowhere"))

    span = told()["SELECT"]
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert span.status.message == ""
    assert values(span.attributes)["error.type"]


def test_a_database_that_is_not_there_has_no_statements(told: Told, trace_id: str) -> None:
    with (
        tracer.start_as_current_span("work", extract(part_of(trace_id))),
        suppress(SQLAlchemyError),
    ):
        create_engine(NOWHERE).connect()

    assert set(told()) == {"work"}


#{% endif %}
#{% if when.in_process %}
def test_a_job_is_a_part_of_the_trace_of_its_request(
    client: Client, told: Told, trace_id: str
) -> None:
    def jobs_done() -> float:
        done = 'name="Uploads.process",outcome="done"'
        return counts(exposition().decode(), "job_duration_seconds_count").get(done, 0)

    before = jobs_done()
    client.post("/uploads/data.bin", content=b"hello", headers=part_of(trace_id))
    wait_until(lambda: "job Uploads.process" in told())

    spans = told()
    request, job = spans["POST /uploads/{filename}"], spans["job Uploads.process"]
    assert job.parent_span_id == request.span_id
    wait_until(lambda: jobs_done() > before)


def test_jobs_are_counted_until_they_end() -> None:
    def unfinished() -> float:
        return counts(exposition().decode(), "jobs_unfinished")[""]

    seen: list[float] = []

    def fail() -> None:
        seen.append(unfinished())
        raise RuntimeError("a bug of the job")

    before = unfinished()
    job = followed(fail)
    with pytest.raises(RuntimeError, match="a bug of the job"):
        job()

    assert seen == [before + 1]
    assert unfinished() == before
    jobs = counts(exposition().decode(), "job_duration_seconds_count")
    assert any('fail",outcome="failed"' in labels for labels in jobs)


#{% elif when.celery %}
def test_a_job_is_a_part_of_the_trace_of_its_request(
    client: Client, told: Told, trace_id: str, collected: Collector
) -> None:
    client.post("/uploads/data.bin", content=b"hello", headers=part_of(trace_id))
    wait_until(lambda: "job process_upload" in told())

    spans = told()
    request, job = spans["POST /uploads/{filename}"], spans["job process_upload"]
    assert job.parent_span_id == request.span_id
    provider: Any = metrics.get_meter_provider()
    provider.force_flush()
    assert "job.duration" in collected.metrics


def test_each_process_of_a_worker_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def start(settings: Settings) -> Callable[..., None]:
        seen.append(settings)
        return lambda: seen.append("stopped")

    monkeypatch.setattr(celery_app, "start", start)
    monkeypatch.setattr(worker_process_shutdown, "receivers", [])

    worker_process_init.send(None)
    assert seen == [celery.settings]
    worker_process_shutdown.send(None)
    assert seen == [celery.settings, "stopped"]


@pytest.mark.usefixtures("client")
def test_it_is_told_how_many_jobs_wait(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # No worker takes them from there.
    monkeypatch.setitem(celery.conf, "task_default_queue", "elsewhere")
    for waiting in range(3):
        assert counts(exposition().decode(), "jobs_unfinished") == {"": waiting}
        resume_jobs.apply_async(queue="elsewhere")

    # Nothing listens at this port, and nobody waits for it.
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
    pauses: list[float] = []
    monkeypatch.setattr("kombu.utils.functional.sleep", pauses.append)
    assert counts(exposition().decode(), "jobs_unfinished") == {}
    assert sum(pauses) == 0
    assert "does not tell how many jobs wait" in caplog.text


#{% endif %}
def test_requests_are_counted_by_their_routes(client: Client) -> None:
    asked = {
        labels("GET", "/test-chairs/{chair_id}", 404): ("GET", "/test-chairs/4711"),
        labels("GET", "/test-chairs/{chair_id}", 422): ("GET", "/test-chairs/one"),
        labels("_OTHER", "", 404): ("BREW", "/tea/4711"),
    }
    before = counts(exposition().decode())
    for method, path in asked.values():
        for _ in range(3):
            client.request(method, path)

    answer = client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    after = counts(answer.text)
    assert {name: after[name] - before.get(name, 0) for name in asked} == dict.fromkeys(asked, 3)
    assert "/4711" not in answer.text


def test_metrics_are_not_a_part_of_the_api(client: Client) -> None:
    assert "/metrics" not in client.get("/openapi.json").json()["paths"]


def test_processes_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(Path.cwd()))
    # The package need not be installed where its tests run.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    for _ in range(2):
        subprocess.run([sys.executable, "-c", OTHER_PROCESS], check=True)  # noqa: S603

    assert list(counts(exposition().decode()).values()) == [4]


def test_a_collector_is_told_who_tells_and_how_much(client: Client, collected: Collector) -> None:
    client.get("/test-chairs")
    providers: list[Any] = [trace.get_tracer_provider(), metrics.get_meter_provider()]
    for provider in providers:
        provider.force_flush()

    assert collected.headers["authorization"] == "Bearer secret"
    name = collected.resource["service.name"]
    assert name == "[[ package_name ]]"
    assert "http.server.request.duration" in collected.metrics


def test_records_say_of_which_trace_they_are(
    client: Client,
    collected: Collector,
    trace_id: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    level = root.level
    monkeypatch.setattr(root, "handlers", [])
    logs.configure(Settings(log_format="json"))
    client.get("/test-chairs", headers=part_of(trace_id))
    logging.getLogger("own").warning("Of no request")
    root.setLevel(level)
    logging.captureWarnings(False)

    assert collected
    request, other = map(json.loads, capsys.readouterr().err.splitlines()[-2:])
    assert request["path"] == "/test-chairs"
    assert request["trace_id"] == trace_id
    assert len(request["span_id"]) == 16
    assert "trace_id" not in other


def test_a_collector_that_is_down_does_not_fill_the_log() -> None:
    tracing = TraceFilter()
    record = logging.makeLogRecord({"name": "opentelemetry.exporter", "msg": "Failed to export"})
    passed = []
    for seconds in (0, 5, SILENCE - 1, SILENCE, SILENCE + 5):
        later = logging.makeLogRecord({**vars(record), "created": record.created + seconds})
        passed.append(tracing.filter(later))

    assert passed == [True, False, False, True, False]


def test_another_service_joins_the_trace(told: Told, trace_id: str) -> None:
    with (
        tracer.start_as_current_span("work", extract(part_of(trace_id))),
        calling("GET", "https://ada:secret@example.com/stock?token=secret") as headers,
    ):
        pass

    span = told()["GET"]
    assert headers["traceparent"] == f"00-{trace_id}-{span.span_id.hex()}-01"
    assert values(span.attributes) == {
        "http.request.method": "GET",
        "server.address": "example.com",
        "url.full": "https://example.com/stock",
    }


def test_queries_are_not_shown_whoever_notes_them(told: Told, trace_id: str) -> None:
    about = {"url.query": "token=secret"}
    with tracer.start_as_current_span("work", extract(part_of(trace_id)), attributes=about):
        pass

    assert values(told()["work"].attributes) == {"url.query": "REDACTED"}


def test_nothing_is_sent_unless_it_is_set_where_to() -> None:
    before = trace.get_tracer_provider()
    telemetry.start(Settings())()

    assert trace.get_tracer_provider() is before


def test_an_address_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")

    with pytest.raises(SystemExit, match=r"^Set OTEL_EXPORTER_OTLP_ENDPOINT: "):
        load_settings()
#{% endfilter %}
