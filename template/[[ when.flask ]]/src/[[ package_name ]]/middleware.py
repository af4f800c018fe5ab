"""What happens around every request."""

import time

from flask import Flask, Response, g


def start_timer() -> None:
    """Remember when the request began."""
    g.started = time.perf_counter()


def add_process_time(response: Response) -> Response:
    """Tell in the answer how many seconds it took."""
    response.headers["X-Process-Time"] = f"{time.perf_counter() - g.started:.6f}"
    return response


def init_app(app: Flask) -> None:
    """Install the hooks."""
    app.before_request(start_timer)
    app.after_request(add_process_time)
