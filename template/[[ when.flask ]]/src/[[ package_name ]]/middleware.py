"""What happens around every request."""

import time
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, abort, current_app, request


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


def limit_chunks() -> None:
    """Refuse a body over the limit that comes in chunks: Werkzeug would cut it off there."""
    chunked = request.method != "GET" and request.content_length is None
    if chunked and request.routing_exception is None:
        limit = current_app.config["MAX_CONTENT_LENGTH"]
        request.max_content_length = limit + 1
        if len(request.get_data()) > limit:
            abort(413)


def init_app(app: Flask) -> None:
    """Install the middleware and the hook."""
    app.before_request(limit_chunks)
    app.wsgi_app = TimingMiddleware(app.wsgi_app)  # type: ignore[method-assign]
