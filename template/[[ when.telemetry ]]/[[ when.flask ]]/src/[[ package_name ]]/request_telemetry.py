"""What there is to tell of requests: their spans and durations."""

import atexit
import re
import time
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, request, request_started
from opentelemetry import context
from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.util.types import AttributeValue
from werkzeug.datastructures import EnvironHeaders
from werkzeug.wsgi import ClosingIterator

from .metrics import UNWATCHED, observe_request
from .settings import Settings
from .telemetry import is_configured, start
from .tracing import tracer

METHODS = {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
# Where the route of a request is noted.
ROUTE = f"{__package__}.route"
# What stands in a path for a part that varies: <name>, <int:name> or <string(length=2):name>.
PART = re.compile(r"<(?:[^<>]*:)?(\w+)>")


class TelemetryMiddleware:
    """Makes a span of each request, which ends with its answer, and counts it."""

    def __init__(self, app: WSGIApplication, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.started = False
        self.starting = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Have a request answered within its span."""
        self.start()
        if environ["PATH_INFO"] in UNWATCHED:
            return self.app(environ, start_response)
        began = time.perf_counter()
        method = environ["REQUEST_METHOD"] if environ["REQUEST_METHOD"] in METHODS else "_OTHER"
        attributes: dict[str, AttributeValue] = {
            "http.request.method": method,
            "url.scheme": environ["wsgi.url_scheme"],
        }
        before = context.get_current()
        span = start_span(environ, attributes) if is_configured() else None
        # Without an answer there is an error.
        status = 500

        def start_with_status(
            line: str, headers: list[tuple[str, str]], *error: Any
        ) -> Callable[..., object]:
            nonlocal status
            status = int(line[:3])
            return start_response(line, headers, *error)

        def end() -> None:
            attributes["http.response.status_code"] = status
            if status >= 500:
                attributes["error.type"] = str(status)
            route = environ.get(ROUTE, "")
            if route:
                attributes["http.route"] = route
            observe_request(time.perf_counter() - began, attributes)
            if span:
                end_span(span, f"{method} {route}".strip(), attributes)
                context.attach(before)

        try:
            body = self.app(environ, start_with_status)
        except BaseException:
            end()
            raise
        return ClosingIterator(body, end)

    def start(self) -> None:
        """Begin to send with the first request: a server may fork until then."""
        with self.starting:
            if not self.started:
                atexit.register(start(self.settings))
                self.started = True


def start_span(environ: WSGIEnvironment, attributes: dict[str, AttributeValue]) -> Span:
    """Make the span of a request the current one, in the trace that the request may come from."""
    caller = extract(EnvironHeaders(environ))
    span = tracer.start_span(
        str(attributes["http.request.method"]),
        context=caller,
        kind=SpanKind.SERVER,
        # Not the query, which may hold secrets.
        attributes={**attributes, "url.path": environ["PATH_INFO"]},
    )
    context.attach(set_span_in_context(span, caller))
    return span


def note_route(_: Flask, **__: Any) -> None:
    """Note the path of the route that answers a request, if there is one."""
    if request.url_rule:
        request.environ[ROUTE] = PART.sub(r"{\1}", request.url_rule.rule)


def end_span(span: Span, name: str, attributes: dict[str, AttributeValue]) -> None:
    """End the span of a request, with all that is known of it."""
    span.update_name(name)
    span.set_attributes(attributes)
    if "error.type" in attributes:
        span.set_status(StatusCode.ERROR)
    span.end()


def wrap(app: Flask, settings: Settings) -> None:
    """Install the middleware, around all others."""
    request_started.connect(note_route, app)
    app.wsgi_app = TelemetryMiddleware(app.wsgi_app, settings)  # type: ignore[method-assign]
