"""What belongs to a trace: records of the log, and requests to other services."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.propagate import inject

tracer = trace.get_tracer(__package__)

# Seconds after which OpenTelemetry may write again: a collector that is down fails every few seconds.
SILENCE = 300


class TraceFilter(logging.Filter):
    """Gives each record the trace that it belongs to, and lets OpenTelemetry write seldom."""

    def __init__(self) -> None:
        super().__init__()
        self._silent_until = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the ids, and tell whether the record is written."""
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            record.trace_id = trace.format_trace_id(context.trace_id)
            record.span_id = trace.format_span_id(context.span_id)
        if record.name.startswith("opentelemetry."):
            if record.created < self._silent_until:
                return False
            self._silent_until = record.created + SILENCE
        return True


@contextmanager
def calling(method: str, url: str) -> Iterator[dict[str, str]]:
    """Make a span of a request to another service, and give the headers that it has to send.

    With them the spans of the other service join the trace::

        with calling("GET", url) as headers:
            answer = client.get(url, headers=headers)
    """
    parts = urlsplit(url)
    attributes: dict[str, str | int] = {
        "http.request.method": method,
        "server.address": parts.hostname or "",
        # Without the query and the password, which are secrets or may hold some.
        "url.full": f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}",
    }
    with tracer.start_as_current_span(method, kind=trace.SpanKind.CLIENT, attributes=attributes):
        headers: dict[str, str] = {}
        inject(headers)
        yield headers
