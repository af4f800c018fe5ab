"""Jobs that run after the response."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from flask import Flask, Response, after_this_request, current_app

#{% if when.telemetry %}
from .job_spans import followed
#{% endif %}
from .logs import request_id

logger = logging.getLogger(__name__)


def run_after_response(job: Callable[..., object], *arguments: object) -> None:
    """Start a job when the response to this request has been sent.

    It runs in a thread of its own, so that the connection is free for the next request, and in
    the context of the application. Python waits for running jobs before it exits.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    known = request_id.get()
    #{% if when.telemetry %}
    job = followed(job)
    #{% endif %}

    def run() -> None:
        request_id.set(known)
        try:
            with app.app_context():
                job(*arguments)
        except Exception:
            logger.exception("A job failed: %s", getattr(job, "__qualname__", job))

    @after_this_request
    def start_when_sent(response: Response) -> Response:
        response.call_on_close(lambda: app.extensions["executor"].submit(run))
        return response


def init_app(app: Flask) -> None:
    """Make the threads for the jobs; they start with the first one."""
    app.extensions["executor"] = ThreadPoolExecutor(thread_name_prefix="job")
