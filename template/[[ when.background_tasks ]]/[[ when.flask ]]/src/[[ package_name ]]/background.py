"""Jobs that run after the response."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from flask import Flask, Response, after_this_request, current_app


def run_after_response(job: Callable[..., None], *arguments: object) -> None:
    """Start a job when the response to this request has been sent.

    It runs in a thread of its own, so that the connection is free for the next request. Python
    waits for running jobs before it exits.
    """
    executor: ThreadPoolExecutor = current_app.extensions["executor"]

    @after_this_request
    def start_when_sent(response: Response) -> Response:
        response.call_on_close(lambda: executor.submit(job, *arguments))
        return response


def init_app(app: Flask) -> None:
    """Make the threads for the jobs; they start with the first one."""
    app.extensions["executor"] = ThreadPoolExecutor(thread_name_prefix="job")
