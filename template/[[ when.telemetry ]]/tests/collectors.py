"""A collector of OpenTelemetry that tests can ask what came."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.url = ""
        self.headers: dict[str, str] = {}
        self.resource: dict[str, Any] = {}
        self.spans: list[Span] = []
        self.metrics: set[str] = set()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Take in what comes."""
        self.headers = headers
        if path == "/v1/traces":
            for traces in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.resource = values(traces.resource.attributes)
                for scope in traces.scope_spans:
                    self.spans.extend(scope.spans)
        elif path == "/v1/metrics":
            for figures in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for part in figures.scope_metrics:
                    self.metrics.update(metric.name for metric in part.metrics)


class Telling:
    """Who tells a collector: all tests from the first that asks for it on."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self._stops: list[Callable[..., None]] = []

    def start(self, start: Callable[..., Callable[..., None]]) -> None:
        """Start if nothing has started."""
        if not self._stops:
            self._stops.append(start())

    def stop(self) -> None:
        """Stop."""
        for stop in self._stops:
            stop()


def values(attributes: Any) -> dict[str, Any]:
    """Give attributes as Python has them."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def collector() -> Iterator[Collector]:
    """Run a collector."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.take(self.path, dict(self.headers), body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield collector
        finally:
            server.shutdown()


def wait_until(happened: Callable[..., bool]) -> None:
    """Wait for something that happens at once or a moment later."""
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)
