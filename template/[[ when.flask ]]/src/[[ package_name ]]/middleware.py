#{% filter imports %}
"""What happens around every request."""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, abort, g, request
from werkzeug.wsgi import ClosingIterator

from .browsers import HEADERS, is_from_another_site, storing
from .dependencies import get_settings
from .logs import identify, log_request, request_id


class WholeBodyMiddleware:
    """Has a body that ends before its length refused: some servers hand on what came of it."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let Werkzeug count the bytes, unless they come in chunks and so say where they end."""
        if environ.get("CONTENT_LENGTH"):
            environ.pop("wsgi.input_terminated", None)
        return self.app(environ, start_response)


class TimingMiddleware:
    """Tells in each answer how many seconds it took."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Add ``X-Process-Time`` to the answer."""
        started = time.perf_counter()

        def start_with_time(
            status: str, headers: list[tuple[str, str]], *error: Any
        ) -> Callable[..., object]:
            headers.append(("X-Process-Time", f"{time.perf_counter() - started:.6f}"))
            return start_response(status, headers, *error)

        return self.app(environ, start_with_time)


class RequestLogMiddleware:
    """Gives each request an id, for its answer and for the log, and writes of it when it is done."""

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Add ``X-Request-ID`` to the answer and log it."""
        started = time.perf_counter()
        known = identify(environ.get("HTTP_X_REQUEST_ID", ""))
        sent = 500

        def start_with_id(
            status: str, headers: list[tuple[str, str]], *error: Any
        ) -> Callable[..., object]:
            nonlocal sent
            sent = int(status[:3])
            kept = [header for header in headers if header[0].lower() != "x-request-id"]
            return start_response(status, [*kept, ("X-Request-ID", known)], *error)

        def end() -> None:
            path = environ["PATH_INFO"].encode("latin-1", "replace").decode(errors="replace")
            client = environ.get("REMOTE_ADDR", "-")
            log_request(environ["REQUEST_METHOD"], path, sent, started, client)
            request_id.set("")

        try:
            body = self.app(environ, start_with_id)
        except BaseException:
            end()
            raise
        return ClosingIterator(body, end)


def is_of_no_request(record: logging.LogRecord) -> bool:
    """Tell a record of the development server from one that it writes of each request."""
    return '"%s" %s %s' not in str(record.msg)


def refuse_other_sites() -> None:
    """Refuse what the pages of other sites have browsers do."""
    headers = dict(request.headers)
    #{% if when.cors %}
    refused = is_from_another_site(request.method, headers, get_settings().cors_origins)
    #{% else %}
    refused = is_from_another_site(request.method, headers)
    #{% endif %}
    if refused:
        abort(403, "This request comes from another site")


def tell_browsers(response: Response) -> Response:
    """Tell browsers what they may do with an answer."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    #{% if when.login_page %}
    if "visitor" in g:
        response.headers.setdefault("Cache-Control", storing(g.visitor))
    #{% endif %}
    return response


def init_app(app: Flask) -> None:
    """Install the hooks."""
    app.before_request(refuse_other_sites)
    app.after_request(tell_browsers)
    logging.getLogger("werkzeug").addFilter(is_of_no_request)


def wrap(app: Flask) -> None:
    """Install the middleware, around your own."""
    app.wsgi_app = WholeBodyMiddleware(app.wsgi_app)  # type: ignore[method-assign]
    app.wsgi_app = TimingMiddleware(app.wsgi_app)  # type: ignore[method-assign]
    app.wsgi_app = RequestLogMiddleware(app.wsgi_app)  # type: ignore[method-assign]
#{% endfilter %}
