"""What happens around every request."""

import time

from flask import Flask, Response, abort, current_app, g, request


def start_timer() -> None:
    """Remember when the request began."""
    g.started = time.perf_counter()


def limit_chunks() -> None:
    """Refuse a body over the limit that comes in chunks: Werkzeug would cut it off there."""
    if request.content_length is None and request.routing_exception is None:
        limit = current_app.config["MAX_CONTENT_LENGTH"]
        request.max_content_length = limit + 1
        if len(request.get_data()) > limit:
            abort(413)


def add_process_time(response: Response) -> Response:
    """Tell in the answer how many seconds it took."""
    response.headers["X-Process-Time"] = f"{time.perf_counter() - g.started:.6f}"
    return response


def init_app(app: Flask) -> None:
    """Install the hooks."""
    app.before_request(start_timer)
    app.before_request(limit_chunks)
    app.after_request(add_process_time)
